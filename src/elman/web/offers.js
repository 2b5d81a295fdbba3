// Which words may be offered: as elman/decode/offers.py, secrets.py and clusters.py.

/** What the probability of the word that was just written is multiplied by. */
export const REPEATED = 0.1;
const LONG_CHAIN = 7;
const CHAIN = /(?:\p{Nd}[\s\-.()/+\u2011\u2013]{0,2})+$/u;
const ADDRESS = /\S@\S*$/u;
const JOINING = "\u200d\\u{1f3fb}-\\u{1f3ff}\\u{e0020}-\\u{e007f}";
const BEGINS_INSIDE = new RegExp(`^[\\p{M}${JOINING}]`, "u");
const FLAGS = /[\u{1f1e6}-\u{1f1ff}]*$/u;

/** Whether this is a word that people want offered, rather than punctuation. */
export function isWord(text) {
  return /[\p{L}\p{N}\p{So}]/u.test(text);
}

/** Whether a word neither begins nor ends inside a visible character. */
export function isWhole(word) {
  if (word === "" || BEGINS_INSIDE.test(word) || word.endsWith("\u200d")) return false;
  return Array.from(FLAGS.exec(word)[0]).length % 2 === 0;
}

export function countDigits(text) {
  return text.match(/\p{Nd}/gu)?.length ?? 0;
}

/** The digits of the numbers that a text ends with. */
function digitsBefore(text) {
  return countDigits(CHAIN.exec(text.slice(-60))?.[0] ?? "");
}

/** Whether a word without a space after a text would belong to an e-mail address. */
export function inAddress(text) {
  return ADDRESS.test(text.slice(-60));
}

/** Whether a word makes a long number together with those right before it. */
export function continuesNumber(word, before) {
  const digits = countDigits(word), more = digits && digitsBefore(before);
  return more > 0 && digits + more >= LONG_CHAIN;
}
