// What a page's model is: a network, an n-gram, or a mixture of such.
//
// Each has `start()`, `after(id, state)` and `logProbs(state)`, as a LanguageModel in Python; states are values.
// `digest(state)` is a checksum of the log-probabilities that have the same bits in Python.

import {Ngram} from "./ngram.js";
import {bytes} from "./bytes.js";
import {Program} from "./program.js";

class Network {
  constructor(about, types) {
    const codes = new Int8Array(bytes(about.codes).buffer), floats = new Float32Array(bytes(about.floats).buffer);
    this.types = types;
    this.step = new Program(about.step, about.operators, codes, floats);
    this.output = new Program(about.output, about.operators, codes, floats);
  }

  start() {
    const empty = Object.fromEntries(this.step.inputs.map(([name, , size]) => [name, new Float32Array(size)]));
    return this.after(this.types, empty);
  }

  after(id, state) {
    const found = this.step.run({ids: id}, state);
    return Object.fromEntries(Object.entries(found).map(([name, part]) => [name.replace(/^next\./u, ""), part]));
  }

  logProbs(state) {
    return this.output.run({targets: 0}, {top: state.top}).log_probs;
  }
}

class Mixture {
  constructor(about, types) {
    this.parts = about.parts.map((part) => predictorOf(part, types));
    this.logWeights = about.logWeights;
  }

  start() {
    return this.parts.map((part) => part.start());
  }

  after(id, states) {
    return this.parts.map((part, place) => part.after(id, states[place]));
  }

  /** In float64: the sum of the parts' probabilities, each times its weight. */
  logProbs(states) {
    const sum = new Float64Array(this.parts[0].types).fill(-Infinity);
    this.parts.forEach((part, place) => {
      const weight = this.logWeights[place], own = part.logProbs(states[place]);
      for (let type = 0; type < sum.length; type += 1) sum[type] = logSum(sum[type], own[type] + weight);
    });
    return Float32Array.from(sum);
  }

  /** Of the parts alone: the sum goes through functions that differ between libraries in the last digit. */
  digest(states) {
    return this.parts.reduce((sum, part, place) => (sum + digestOf(part, states[place])) >>> 0, 0);
  }

  get types() {
    return this.parts[0].types;
  }
}

/** The logarithm of the sum of two exponentials. */
function logSum(x, y) {
  if (x === -Infinity) return y;
  return x > y ? x + Math.log1p(Math.exp(y - x)) : y + Math.log1p(Math.exp(x - y));
}

/** The model that `about` describes (elman/export/html.py), of so many types. */
export function predictorOf(about, types) {
  const Kind = {network: Network, ngram: Ngram, mixture: Mixture}[about.kind];
  return new Kind(about, types);
}

/** The bits of all log-probabilities in one number: as elman/export/html.py. */
export function digestOf(predictor, state) {
  if (predictor.digest) return predictor.digest(state);
  const vector = predictor.logProbs(state), bits = new Int32Array(vector.buffer);
  return bits.reduce((sum, word, place) => (sum + Math.imul(word, 2 * place + 1)) | 0, 0) >>> 0;
}
