// Words that begin almost as typed: as elman/apps/keyboard/typos.py computes it.

import {fold} from "./casing.js";

/** The cost of a letter of a word that nobody knows (nats). */
const NEW_LETTER = 2.5;
const ONE_EDIT = 8, TWO_EDITS = 12, SHORT_BEGINNING = 5, FEWEST_TYPED = 2, LONGEST_TYPED = 30;
const EXCHANGED = 4, FIRST_LETTER = 1.5, NEAR = 5, VOWEL = 4, FAR = 6.5, APOSTROPHE = 1.5, ODD_APOSTROPHE = 6;
const LEFT_OUT = 5, ONE_OF_TWO = 3.5, TOO_MUCH = 5.5, TWICE = 3.5;
const LETTERS_ONLY = /^\p{L}(?:[\p{L}'’]*\p{L})?$/u;
const VOWELS = "aeiouy";
const KEY_ROWS = [["qwertyuiop", 0], ["asdfghjkl", 0.25], ["zxcvbnm", 0.75]];
const KEY_PLACES = new Map(KEY_ROWS.flatMap(([row, shift], number) => Array.from(row, (key, place) => [key, [number, shift + place]])));

function areNear(one, other) {
  const [row, place] = KEY_PLACES.get(one) ?? [9, 99], [otherRow, otherPlace] = KEY_PLACES.get(other) ?? [-9, -99];
  return Math.abs(row - otherRow) <= 1 && Math.abs(place - otherPlace) <= 1;
}

function replaced(meant, typed, isFirst) {
  if (meant === typed) return 0;
  if (meant === "'" || typed === "'") return ODD_APOSTROPHE;
  const cost = VOWELS.includes(meant) && VOWELS.includes(typed) ? VOWEL : areNear(meant, typed) ? NEAR : FAR;
  return cost + (isFirst ? FIRST_LETTER : 0);
}

function leftOut(meant, before) {
  if (meant === "'") return APOSTROPHE;
  return (meant === before ? ONE_OF_TWO : LEFT_OUT) + (before === "^" ? FIRST_LETTER : 0);
}

function tooMuch(typed, before) {
  if (typed === "'") return APOSTROPHE;
  return (typed === before ? TWICE : TOO_MUCH) + (before === "^" ? FIRST_LETTER : 0);
}

/** The least cost of typing a beginning of a word so; no more than `most` is looked for. */
export function costOf(word, typed, most) {
  const columns = Math.min(word.length, typed.length + 2);
  let older = [], last = [0];
  for (let column = 1; column <= columns; column += 1) {
    last.push(last[column - 1] + leftOut(word[column - 1], column > 1 ? word[column - 2] : "^"));
  }
  for (let row = 1; row <= typed.length; row += 1) {
    const letter = typed[row - 1], here = [last[0] + tooMuch(letter, "^")];
    for (let column = 1; column <= columns; column += 1) {
      const meant = word[column - 1], before = column > 1 ? word[column - 2] : "^";
      let cost = Math.min(
        last[column - 1] + replaced(meant, letter, column === 1),
        here[column - 1] + leftOut(meant, before),
        last[column] + tooMuch(letter, meant),
      );
      if (row > 1 && column > 1 && meant !== letter && before === letter && meant === typed[row - 2]) {
        cost = Math.min(cost, older[column - 2] + EXCHANGED);
      }
      here.push(cost);
    }
    if (Math.min(...here) > most) return Infinity;
    [older, last] = [last, here];
  }
  return Math.min(...last);
}

export class Typos {
  /** Of `words` by id; those that are none are left out. */
  constructor(words, locale = "") {
    this.locale = locale;
    this.words = [];
    words.forEach((word, id) => {
      if (!LETTERS_ONLY.test(word) || Array.from(word).length > LONGEST_TYPED) return;
      const letters = fold(word, locale);
      this.words.push({id, letters, set: setOf(letters)});
    });
  }

  /** Ids of the words that begin almost as typed, with the cost of each (nats); not those that begin just so. */
  similar(typed) {
    const word = fold(typed, this.locale), length = word.length;
    if (length < FEWEST_TYPED || length > LONGEST_TYPED || !LETTERS_ONLY.test(typed)) return [];
    const edits = length < SHORT_BEGINNING ? 1 : 2, most = edits === 1 ? ONE_EDIT : TWO_EDITS, set = setOf(word), found = [];
    for (const {id, letters, set: own} of this.words) {
      // An edit explains one typed letter that a word lacks.
      if (countBits(set & ~own) > edits) continue;
      const nats = costOf(letters, word, most);
      if (nats > 0 && nats <= most) found.push([id, nats]);
    }
    return found;
  }
}

/** The probability of a word that nobody knows and that begins as typed, from that of unknown words. */
export function unseen(unknown, typed) {
  return unknown * Math.exp(-NEW_LETTER * Array.from(typed).length);
}

function setOf(word) {
  let found = 0;
  for (const letter of word) {
    const place = letter.charCodeAt(0) - 97;
    found |= 1 << (place >= 0 && place < 26 ? place : 26 + (letter.codePointAt(0) % 6));
  }
  return found;
}

function countBits(set) {
  let count = 0;
  for (let rest = set; rest; rest &= rest - 1) count += 1;
  return count;
}
