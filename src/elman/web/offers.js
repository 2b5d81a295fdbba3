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

const LONG_NUMBER = 5;
const KEY_LIKE = /^[A-Za-z0-9_+/=-]+$/;
const CASED_PARTS = /[A-Z]?[a-z]*/g;

/** Whether a word looks private by itself. */
export function isSecret(word) {
  return countDigits(word) >= LONG_NUMBER || ADDRESS.test(word) || isRandom(word);
}

function isRandom(word) {
  if (word.length < 8 || !KEY_LIKE.test(word)) return false;
  const kinds = word.replace(/[^A-Za-z0-9]/g, "").replace(/[0-9]/g, "0").replace(/[A-Za-z]/g, "a");
  const changes = kinds.match(/0(?=a)|a(?=0)/g)?.length ?? 0;
  if (/0/.test(kinds) && /a/.test(kinds) && (word.length >= 20 || changes >= 3)) return true;
  if (!/^[A-Za-z]+$/.test(word)) return false;
  const parts = word.match(CASED_PARTS).filter((part) => part !== "");
  if (parts.length >= 4 && word.length / parts.length < 2.5 && word !== word.toUpperCase()) return true;
  return word.length >= 10 && (word.match(/[aeiouy]/gi)?.length ?? 0) < 0.12 * word.length;
}
