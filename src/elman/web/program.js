// The instructions of a compiled function (elman/inference/compiler.py), carried out for one text.
//
// Every sum is added up in the order of elman/inference/kernels.py and every result rounded to float32, so that both
// give the same bits. Storing a number in a Float32Array rounds it.

import {bytes} from "./bytes.js";
import {EPSILON, LANES, SMALLEST, STEP, erf, exp, expm1, f, log, relu, sigmoid, sqrt, tanh, whole} from "./functions.js";

const lanes = new Float32Array(LANES);

/** The sum of the lanes, by halves. */
function halves() {
  for (let half = LANES / 2; half >= 1; half /= 2) for (let j = 0; j < half; j += 1) lanes[j] += lanes[j + half];
  return lanes[0];
}

function total(row, a, size) {
  lanes.fill(0);
  for (let j = 0; j < size; j += 1) lanes[j % LANES] += row[a + j];
  return halves();
}

function dot(row, a, b, size) {
  lanes.fill(0);
  for (let j = 0; j < size; j += 1) lanes[j % LANES] += f(row[a + j] * row[b + j]);
  return halves();
}

function largest(row, a, size) {
  let most = row[a];
  for (let j = 1; j < size; j += 1) if (row[a + j] > most) most = row[a + j];
  return most;
}

function exponentials(row, out, a, size) {
  const most = largest(row, a, size);
  for (let j = 0; j < size; j += 1) row[out + j] = exp(f(row[a + j] - most));
  return most;
}

/** Number by number. */
function unary(apply) {
  return ({row}, out, a, _, size) => {
    for (let j = 0; j < size; j += 1) row[out + j] = apply(row[a + j]);
  };
}

/** Number by number; of operands of one number, that one with all. `flags`: which operands are constants. */
function binary(apply) {
  return ({row, fixed}, out, a, b, size, sizeX, sizeY, flags) => {
    const x = flags & 1 ? fixed : row, y = flags & 2 ? fixed : row, stepX = sizeX > 1 ? 1 : 0, stepY = sizeY > 1 ? 1 : 0;
    for (let j = 0; j < size; j += 1) row[out + j] = apply(x[a + j * stepX], y[b + j * stepY]);
  };
}

/** What an instruction's numbers mean is said in compiler.py, beside each operator. */
export const OPERATORS = {
  add: binary((x, y) => x + y), sub: binary((x, y) => x - y), mul: binary((x, y) => x * y), div: binary((x, y) => x / y),
  sigmoid: unary(sigmoid), tanh: unary(tanh), relu: unary(relu), exp: unary(exp), expm1: unary(expm1), sqrt: unary(sqrt),
  erf: unary(erf),

  copy({row, fixed}, out, a, _, size, isFixed) {
    if (isFixed) row.set(fixed.subarray(a, a + size), out);
    else row.copyWithin(out, a, a + size);
  },

  log_softmax({row}, out, a, _, size) {
    const most = exponentials(row, out, a, size), less = f(most + log(total(row, out, size)));
    for (let j = 0; j < size; j += 1) row[out + j] = row[a + j] - less;
  },

  softmax({row}, out, a, _, size, groups) {
    for (let start = 0; start < groups * size; start += size) {
      exponentials(row, out + start, a + start, size);
      const scale = f(1 / total(row, out + start, size));
      for (let j = out + start; j < out + start + size; j += 1) row[j] *= scale;
    }
  },

  norm({row, fixed}, out, a, gain, size) {
    const mean = f(total(row, a, size) / size);
    for (let j = 0; j < size; j += 1) row[out + j] = row[a + j] - mean;
    const scale = f(1 / sqrt(f(f(dot(row, out, out, size) / size) + EPSILON)));
    for (let j = 0; j < size; j += 1) row[out + j] = f(row[out + j] * scale) * fixed[gain + j];
  },

  dot({row}, out, query, keys, count, heads, size) {
    for (let key = 0; key < count; key += 1) {
      for (let head = 0; head < heads; head += 1) {
        row[out + head * count + key] = dot(row, query + head * size, keys + (key * heads + head) * size, size);
      }
    }
  },

  mix({row}, out, shares, values, count, heads, size) {
    row.fill(0, out, out + heads * size);
    for (let key = 0, from = values; key < count; key += 1) {
      for (let head = 0; head < heads; head += 1) {
        const share = row[shares + head * count + key];
        for (let j = out + head * size; j < out + (head + 1) * size; j += 1, from += 1) row[j] += f(share * row[from]);
      }
    }
  },

  round8({row, small}, out, a, scaleTo, size) {
    let most = SMALLEST;
    for (let j = 0; j < size; j += 1) most = Math.max(most, Math.abs(row[a + j]));
    const scale = row[scaleTo] = f(most * STEP);
    for (let j = 0; j < size; j += 1) small[out + j] = whole(f(row[a + j] / scale));
  },

  // Four rows of the matrix at a time; where it ends, the last row is computed again.
  product8({row, fixed, small, codes, places}, out, a, b, size, columns, matrix, scales, bias) {
    const scale = row[b];
    const finish = (m, sum) => {
      const product = f(f(f(sum) * scale) * fixed[scales + m]);
      row[out + m] = bias < 0 ? product : product + fixed[bias + m];
    };
    for (let m = 0; m < size; m += 4) {
      const m1 = Math.min(m + 1, size - 1), m2 = Math.min(m + 2, size - 1), m3 = Math.min(m + 3, size - 1);
      let w = places[matrix] + m * columns;
      const w1 = (m1 - m) * columns, w2 = (m2 - m) * columns, w3 = (m3 - m) * columns;
      let sum = 0, sum1 = 0, sum2 = 0, sum3 = 0;
      for (let k = a; k < a + columns; k += 1, w += 1) {
        const x = small[k];
        sum = (sum + Math.imul(x, codes[w])) | 0;
        sum1 = (sum1 + Math.imul(x, codes[w + w1])) | 0;
        sum2 = (sum2 + Math.imul(x, codes[w + w2])) | 0;
        sum3 = (sum3 + Math.imul(x, codes[w + w3])) | 0;
      }
      finish(m, sum);
      finish(m1, sum1);
      finish(m2, sum2);
      finish(m3, sum3);
    }
  },

  linear({row, fixed, floats, places}, out, a, _, size, columns, matrix, bias) {
    for (let m = 0, w = places[matrix]; m < size; m += 1) {
      let sum = 0;
      for (let k = a; k < a + columns; k += 1, w += 1) sum = f(sum + f(row[k] * floats[w]));
      row[out + m] = bias < 0 ? sum : sum + fixed[bias + m];
    }
  },

  rows8({row, fixed, codes, ids, places}, out, table, slot, size, scales) {
    const start = places[table] + ids[slot] * size, scale = fixed[scales + ids[slot]];
    for (let j = 0; j < size; j += 1) row[out + j] = codes[start + j] * scale;
  },

  rows({row, floats, ids, places}, out, table, slot, size) {
    const start = places[table] + ids[slot] * size;
    row.set(floats.subarray(start, start + size), out);
  },

  permute({row, tables}, out, a, order, size) {
    for (let j = 0; j < size; j += 1) row[out + j] = row[a + tables[order + j]];
  },

  pick({row, ids}, out, a, slot) {
    row[out] = row[a + ids[slot]];
  },

  choose({row, ids}, out, a, b, size, slot) {
    const from = ids[slot] ? a : b;
    row.copyWithin(out, from, from + size);
  },

  lookup({ids, tables}, out, table, slot) {
    ids[out] = tables[table + ids[slot]];
  },
};

export class Program {
  /**
   * `about`: a function as elman/export/html.py writes it, `operators` the names by which its instructions are numbered,
   * `codes` (Int8Array) and `floats` (Float32Array) the matrices of all functions, row after row.
   */
  constructor(about, operators, codes, floats) {
    const {ids, inputs, outputs, places} = about;
    Object.assign(this, {inputs, outputs, slots: ids});
    this.steps = about.code.map(([operator, ...fields]) => [OPERATORS[operators[operator]], fields]);
    this.memory = {
      codes, floats, places, row: new Float32Array(about.width), small: new Int8Array(about.bytes),
      ids: new Int32Array(about.slots), fixed: new Float32Array(bytes(about.fixed).buffer),
      tables: new Int32Array(bytes(about.tables).buffer),
    };
  }

  /** From whole numbers and vectors by name to vectors by name. */
  run(ids, vectors) {
    const {row, ids: slots} = this.memory;
    for (const [name, slot] of this.slots) slots[slot] = ids[name];
    for (const [name, start] of this.inputs) row.set(vectors[name], start);
    for (const [operator, fields] of this.steps) operator(this.memory, ...fields);
    return Object.fromEntries(this.outputs.map(([name, start, end]) => [name, row.slice(start, end)]));
  }
}
