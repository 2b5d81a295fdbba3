// A network as a list of instructions over one row of numbers: what elman.models.tape_kernels does, for one text.
//
// Products are of whole numbers of 8 bits and exact; everything else is kept in float32, as there.

const [COPY, ADD, SUB, MUL, DIV, MAX, ABS, ROUND, SIGMOID, TANH, RELU, SQRT, ERF, LOG_SOFTMAX, LARGEST, TO_BYTES, MULTIPLY,
  CODES, PICK, PERMUTE, CHOOSE, WHOLE, EQUAL, SCALE, FINISH, DENSE, ROWS, NORM, DOTS, SHARES, MIX] = Array(31).keys();

/** The bytes of base64. */
export function bytes(text) {
  const raw = atob(text), made = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i += 1) made[i] = raw.charCodeAt(i);
  return made;
}

/** Halves go to the even neighbour, as everywhere in elman. */
function even(x) {
  const near = Math.round(x);
  return near - x === 0.5 && near % 2 !== 0 ? near - 1 : near;
}

/** The error function to float32's accuracy: its series near 0, its continued fraction far out. */
export function erf(x) {
  const far = Math.abs(x);
  if (far < 2.5) {
    let term = far, sum = far;
    for (let n = 1; n < 60 && Math.abs(term) > 1e-17; n += 1) {
      term *= -far * far / n;
      sum += term / (2 * n + 1);
    }
    return Math.sign(x) * sum * 2 / Math.sqrt(Math.PI);
  }
  let fraction = 0;
  for (let n = 40; n > 0; n -= 1) fraction = n / 2 / (far + fraction);
  return Math.sign(x) * (1 - Math.exp(-far * far) / (far + fraction) / Math.sqrt(Math.PI));
}

/** Rows of `weights` times `columns` whole numbers of `small`; exact. */
function multiply(small, a, columns, weights, first, room, out, size) {
  const whole = columns - columns % 4;
  for (let m = 0, w = first; m < size; m += 1, w += columns) {
    let one = 0, two = 0, three = 0, four = 0, k = 0;
    for (; k < whole; k += 4) {
      one = (one + Math.imul(small[a + k], weights[w + k])) | 0;
      two = (two + Math.imul(small[a + k + 1], weights[w + k + 1])) | 0;
      three = (three + Math.imul(small[a + k + 2], weights[w + k + 2])) | 0;
      four = (four + Math.imul(small[a + k + 3], weights[w + k + 3])) | 0;
    }
    for (; k < columns; k += 1) one = (one + Math.imul(small[a + k], weights[w + k])) | 0;
    room[out + m] = one + two + three + four;
  }
}

export class Tape {
  /** `about` holds the instructions and the inputs and outputs by name, `weights` all matrices (Int8Array). */
  constructor(about, weights) {
    Object.assign(this, {inputs: about.inputs, outputs: about.outputs, whole: about.whole});
    this.code = Int32Array.from(about.code);
    this.fixed = new Float32Array(bytes(about.fixed).buffer);
    this.tables = new Int32Array(bytes(about.tables).buffer);
    this.weights = weights;
    this.room = new Float32Array(about.width);
    this.small = new Int32Array(about.bytes);
    this.ids = new Int32Array(about.slots);
  }

  /** From whole numbers and vectors by name to vectors by name. */
  run(whole, vectors) {
    this.whole.forEach((name, slot) => { this.ids[slot] = whole[name]; });
    for (const [name, start] of this.inputs) this.room.set(vectors[name], start);
    for (let at = 0; at < this.code.length; at += 8) this.step(at);
    return Object.fromEntries(this.outputs.map(([name, start, end]) => [name, this.room.slice(start, end)]));
  }

  step(at) {
    const {code, room, fixed, small, ids, tables, weights} = this;
    const kind = code[at], out = code[at + 1], a = code[at + 2], b = code[at + 3], size = code[at + 4];
    const p = code[at + 5], q = code[at + 6], s = code[at + 7];
    if (kind === MULTIPLY) {
      // b: columns of the matrix, whose rows begin at p
      multiply(small, a, b, weights, p, room, out, size);
    } else if (kind === DENSE) {
      // rows of the matrix begin at p among the fixed numbers, the bias at q where there is one
      for (let m = 0, w = p; m < size; m += 1) {
        let sum = 0;
        for (let k = 0; k < b; k += 1, w += 1) sum += room[a + k] * fixed[w];
        room[out + m] = sum + (s === 1 ? fixed[q + m] : s === 2 ? room[q + m] : 0);
      }
    } else if (kind === FINISH) {
      // b: the row's scale; p: the columns' scales, q: the bias where there is one
      const scale = room[b];
      for (let j = 0; j < size; j += 1) {
        room[out + j] = Math.fround(Math.fround(room[a + j] * scale) * fixed[p + j]) + (q < 0 ? 0 : fixed[q + j]);
      }
    } else if (kind >= ADD && kind <= MAX) {
      const x = s & 1 ? fixed : room, y = s & 2 ? fixed : room, dx = p > 1 ? 1 : 0, dy = q > 1 ? 1 : 0;
      for (let j = 0, i = a, k = b; j < size; j += 1, i += dx, k += dy) {
        room[out + j] = kind === ADD ? x[i] + y[k] : kind === MUL ? x[i] * y[k] : kind === SUB ? x[i] - y[k]
          : kind === DIV ? x[i] / y[k] : Math.max(x[i], y[k]);
      }
    } else if (kind === LOG_SOFTMAX) {
      let most = -Infinity, sum = 0;
      for (let j = 0; j < size; j += 1) most = Math.max(most, room[a + j]);
      for (let j = 0; j < size; j += 1) sum += Math.exp(room[a + j] - most);
      const less = most + Math.log(sum);
      for (let j = 0; j < size; j += 1) room[out + j] = room[a + j] - less;
    } else if (kind === LARGEST) {
      let most = -Infinity;
      for (let j = 0; j < size; j += 1) most = Math.max(most, room[a + j]);
      room[out] = most;
    } else if (kind === NORM) {
      // b: the gain, among the fixed numbers
      let mean = 0, square = 0;
      for (let j = 0; j < size; j += 1) mean += room[a + j] / size;
      for (let j = 0; j < size; j += 1) square += (room[a + j] - mean) ** 2 / size;
      const scale = 1 / Math.sqrt(square + 1e-5);
      for (let j = 0; j < size; j += 1) room[out + j] = (room[a + j] - mean) * scale * fixed[b + j];
    } else if (kind === DOTS) {
      // a: a vector of p pieces of q numbers, b: size of such vectors; each piece with its like, a row for each
      for (let j = 0, y = b; j < size; j += 1) {
        for (let piece = 0; piece < p; piece += 1) {
          let sum = 0;
          for (let k = 0, x = a + piece * q; k < q; k += 1, x += 1, y += 1) sum += room[x] * room[y];
          room[out + piece * size + j] = sum;
        }
      }
    } else if (kind === SHARES) {
      // p pieces of size numbers
      for (let first = 0; first < p * size; first += size) {
        let most = -Infinity, sum = 0;
        for (let j = first; j < first + size; j += 1) most = Math.max(most, room[a + j]);
        for (let j = first; j < first + size; j += 1) sum += Math.exp(room[a + j] - most);
        for (let j = first; j < first + size; j += 1) room[out + j] = Math.exp(room[a + j] - most) / sum;
      }
    } else if (kind === MIX) {
      // a: p rows of shares, b: size vectors of p pieces of q numbers
      room.fill(0, out, out + p * q);
      for (let key = 0, y = b; key < size; key += 1) {
        for (let piece = 0; piece < p; piece += 1) {
          const share = room[a + piece * size + key];
          for (let j = out + piece * q; j < out + (piece + 1) * q; j += 1, y += 1) room[j] += share * room[y];
        }
      }
    } else if (kind === TO_BYTES) {
      // Kept around 0 instead of 128.
      for (let j = 0; j < size; j += 1) small[out + j] = room[a + j] - 128;
    } else if (kind === CODES) {
      for (let j = 0, w = a + ids[b] * size; j < size; j += 1) room[out + j] = weights[w + j];
    } else if (kind === ROWS) {
      for (let j = 0, w = a + ids[b] * size; j < size; j += 1) room[out + j] = fixed[w + j];
    } else if (kind === SCALE) room[out] = fixed[a + ids[b]];
    else if (kind === PICK) room[out] = room[a + ids[b]];
    else if (kind === WHOLE) ids[out] = tables[a + ids[b]];
    else if (kind === EQUAL) ids[out] = ids[a] === b ? 1 : 0;
    else if (kind === PERMUTE) for (let j = 0; j < size; j += 1) room[out + j] = room[a + tables[b + j]];
    else if (kind === CHOOSE) room.copyWithin(out, ids[p] ? a : b, (ids[p] ? a : b) + size);
    else {
      const x = s ? fixed : room;
      for (let j = 0; j < size; j += 1) {
        const v = x[a + j];
        room[out + j] = kind === COPY ? v : kind === SIGMOID ? 1 / (1 + Math.exp(-v)) : kind === TANH ? Math.tanh(v)
          : kind === ABS ? Math.abs(v) : kind === ROUND ? even(v) : kind === RELU ? Math.max(v, 0)
          : kind === SQRT ? Math.sqrt(v) : erf(v);
      }
    }
  }
}
