// The engine's elementary functions, to the last bit as in elman/inference/functions.py, where they are explained.
//
// JavaScript computes in float64: `f` rounds each result to float32, which for one operation on float32 numbers is the
// same as computing it in float32.

export const f = Math.fround;
export const LANES = 16;
export const SMALLEST = f(1e-30), EPSILON = f(1e-5), STEP = f(1 / 127);
const MOST = 87, ROUNDING = 12582912;
const LOG2_E = f(1 / Math.LN2), LN_2 = 0.693359375, LN_2_REST = f(Math.LN2 - 0.693359375), ROOT_2 = f(Math.SQRT2);
const [E2, E3, E4, E5, E6, E7] = [2, 6, 24, 120, 720, 5040].map((factorial) => f(1 / factorial));
const [L3, L5, L7, L9, L11] = [3, 5, 7, 9, 11].map((odd) => f(1 / odd));
const [P, A1, A2, A3, A4, A5] = [0.3275911, 0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429].map(f);
// One number seen as float32 and as its bits.
const seen = new Float32Array(1), bits = new Int32Array(seen.buffer);

function clamp(x) {
  return Math.min(Math.max(x, -MOST), MOST);
}

/** The nearest whole number, halves to even; below 2^22. */
export function whole(x) {
  return f(f(x + ROUNDING) - ROUNDING);
}

function powerOfTwo(n) {
  bits[0] = (n + 127) << 23;
  return seen[0];
}

/** `e^r - 1` where `x = n ln 2 + r`. */
function grown(x, n) {
  const r = f(f(x - f(n * LN_2)) - f(n * LN_2_REST));
  const series = f(f(f(f(f(f(f(f(f(f(E7 * r) + E6) * r) + E5) * r) + E4) * r) + E3) * r) + E2);
  return f(f(f(series * r) * r) + r);
}

export function exp(x) {
  const near = clamp(x), n = whole(f(near * LOG2_E)), power = powerOfTwo(n);
  return f(power + f(power * grown(near, n)));
}

export function expm1(x) {
  const near = clamp(x), n = whole(f(near * LOG2_E)), power = powerOfTwo(n);
  return f(f(power * grown(near, n)) + f(power - 1));
}

export function sigmoid(x) {
  return f(1 / f(1 + exp(-x)));
}

export function tanh(x) {
  const less = expm1(f(x + x));
  return f(less / f(less + 2));
}

/** The natural logarithm of x from 1 on. */
export function log(x) {
  seen[0] = x;
  let n = (bits[0] >> 23) - 127;
  bits[0] = (bits[0] & 0x7fffff) | 0x3f800000;
  let m = seen[0];
  if (m > ROOT_2) [n, m] = [n + 1, f(m / 2)];
  const s = f(f(m - 1) / f(m + 1)), square = f(s * s), twice = f(s + s);
  const series = f(f(f(f(f(f(f(f(f(L11 * square) + L9) * square) + L7) * square) + L5) * square) + L3) * square);
  return f(f(n * LN_2) + f(f(n * LN_2_REST) + f(twice + f(twice * series))));
}

export function erf(x) {
  const size = Math.abs(x), t = f(1 / f(1 + f(P * size)));
  const series = f(f(f(f(f(f(f(f(f(A5 * t) + A4) * t) + A3) * t) + A2) * t) + A1) * t);
  const found = Math.abs(f(1 - f(series * exp(-f(size * size)))));
  return x < 0 || Object.is(x, -0) ? -found : found;
}

export function relu(x) {
  return x > 0 ? x : 0;
}

export function sqrt(x) {
  return f(Math.sqrt(x));
}
