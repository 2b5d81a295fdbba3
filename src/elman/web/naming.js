// Words with a capital of their own, begun in small letters: as elman/decode/respelling.py and
// elman/apps/keyboard/corrections.py.

import {lowerCase} from "./casing.js";
import {beginsSmall} from "./splitter.js";

const BEGINS_LINES = Math.log(0.01), LIKELIER = Math.log(5);

/** For each type, whether it stands where a line begins and hardly anywhere else. */
export function lineOpeners(logProbs) {
  const first = logProbs([]), inside = logProbs([0]);
  return Array.from(first, (each, id) => each >= BEGINS_LINES && each >= inside[id] + LIKELIER);
}

/** Whether a word begun after a text may be one with a capital. */
export function mayName(begun, before) {
  const small = begun === begun.toLowerCase() && begun !== begun.toUpperCase();
  return small && !beginsSmall(begun, before.slice(before.search(/[^\r\n]*$/u)));
}

/**
 * The ids of the words that begin as typed but for capitals of their own, with the probability of each, and that of all
 * of them. `massOf` is the probability of a type.
 */
export function namedWords(words, begun, massOf, openers) {
  const asTyped = new Set(words.range(` ${begun}`)), mayBe = (id) => words.bodies[id] !== lowerCase(words.bodies[id], words.locale);
  const some = asTyped.size ? words.alike(` ${begun}`).filter((id) => !asTyped.has(id) && mayBe(id) && !openers[id]) : [];
  const total = some.reduce((sum, id) => sum + massOf(id), 0);
  // One that is known in small letters too is none of them where it is likelier so.
  const isLikeliest = (id) => words.folded.get(words.folds[id]).every((other) => other === id || massOf(other) < massOf(id));
  return {found: some.filter(isLikeliest).map((id) => [id, massOf(id)]), total};
}
