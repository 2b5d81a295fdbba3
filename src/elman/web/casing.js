// Upper and lower case, and the form in which words are compared: as elman/text/casing.py.

import {lowered} from "./splitter.js";

const ONE_SIGN = "'\u2019\u02bc";

export function lowerCase(text, locale) {
  return lowered(text, {locale});
}

export function upperCase(text, locale) {
  return (locale ? text.replaceAll("i", "İ") : text).toUpperCase();
}

/** What texts have in common that differ in case or in the sign of an apostrophe. */
export function fold(text, locale = "") {
  return lowerCase(text, locale).replace(/ς/gu, "σ").replace(/ß/gu, "ss").replace(/[\u2019\u02bc]/gu, "'");
}

/** A word of the vocabulary, written as what was typed of it; a `named` one keeps its capital. */
export function recase(word, typed, locale = "", named = false) {
  const sign = Array.from(typed).find((char) => ONE_SIGN.includes(char));
  const cased = inCaseOf(word, typed, locale, named);
  const found = sign === undefined ? cased : cased.replace(/['\u2019\u02bc]/gu, sign);
  return found === typed && typed === lowerCase(typed, locale) ? word : found;
}

function inCaseOf(word, typed, locale, named) {
  const letters = Array.from(typed).filter((char) => char.toLowerCase() !== char.toUpperCase());
  const capitals = letters.map((char) => char !== lowerCase(char, locale));
  if (capitals.length > 1 && capitals.every(Boolean)) return upperCase(word, locale);
  if (ownCapitals(word, locale) || capitals.slice(1).some(Boolean) || !letters.length) return word;
  const [first, ...rest] = word;
  if (capitals[0]) return upperCase(first, locale) + rest.join("");
  return named ? word : lowerCase(word, locale);
}

/** Whether capitals belong to a word, not to its place at the beginning of a sentence. */
function ownCapitals(word, locale) {
  const [first, ...rest] = word, after = rest.join("");
  return after !== lowerCase(after, locale) || (first !== lowerCase(first, locale) && !/^\p{Ll}/u.test(after));
}
