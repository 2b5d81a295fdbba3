// An n-gram in ARPA's form, asked about one text: as elman/models/ngram/query.py computes it, to the last bit.

import {bytes} from "./bytes.js";

const LINE_END = 1;

function float64(text) {
  return new Float64Array(bytes(text).buffer);
}

/** Whole numbers of `width` bits each (at most 25), lowest bit first. */
function unpacked(text, width, count) {
  const packed = bytes(text), found = new Uint32Array(count), mask = 2 ** width - 1;
  for (let i = 0; i < count; i += 1) {
    const bit = i * width, at = Math.floor(bit / 8);
    const low = packed[at] | (packed[at + 1] << 8) | (packed[at + 2] << 16) | (packed[at + 3] << 24);
    found[i] = (low >>> (bit % 8)) & mask;
  }
  return found;
}

/** Where the n-grams of each context begin, from a bit 1 for each and a bit 0 behind the last. */
function starts(text, nodes) {
  const bits = bytes(text), found = new Uint32Array(nodes + 1);
  for (let bit = 0, node = 0, count = 0; node < nodes; bit += 1) {
    if ((bits[bit >> 3] >> (bit & 7)) & 1) count += 1;
    else found[node += 1] = count;
  }
  return found;
}

/** Values by index, of which few differ. */
function coded({codes, book}) {
  const places = bytes(codes), values = float64(book);
  return (index) => values[places[index]];
}

export class Ngram {
  /** `about`: what elman/export/ngram_page.py writes. */
  constructor(about) {
    this.types = about.types;
    this.unigrams = Float64Array.from(new Float32Array(bytes(about.unigrams).buffer));
    this.orders = about.orders.map((order, place) => {
      const nodes = place ? about.orders[place - 1].count : about.types + 1;
      const first = place ? null : new Float32Array(bytes(order.remainders).buffer);
      return {
        words: unpacked(order.words, order.width, order.count), starts: starts(order.children, nodes),
        value: coded(order.values), remainder: first ? (node) => first[node] : coded(order.remainders),
      };
    });
  }

  /** A line's start. The state: for 1, 2, ... tokens, the index of the n-gram of the last ones, -1 where there is none. */
  start() {
    return this.orders.map((_, place) => (place ? -1 : this.types));
  }

  after(id, nodes) {
    if (id === LINE_END) return this.start();
    return nodes.map((_, place) => (place ? this.find(place - 1, nodes[place - 1], id) : id));
  }

  /** The n-gram that a context goes on to with a word, or -1. */
  find(place, node, word) {
    if (node < 0) return -1;
    const {words, starts: begin} = this.orders[place];
    let low = begin[node], high = begin[node + 1];
    const end = high;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (words[middle] < word) low = middle + 1;
      else high = middle;
    }
    return low < end && words[low] === word ? low : -1;
  }

  /** The log-probabilities of all types. */
  logProbs(nodes) {
    const found = Float64Array.from(this.unigrams);
    nodes.forEach((node, place) => {
      if (node < 0) return;
      const {words, starts: begin, value, remainder} = this.orders[place], more = remainder(node);
      for (let type = 0; type < found.length; type += 1) found[type] += more;
      for (let index = begin[node]; index < begin[node + 1]; index += 1) found[words[index]] = value(index);
    });
    return Float32Array.from(found, (log10) => Math.min(log10 * Math.LN10, 0));
  }
}
