// The user's own words, counted and offered as elman/apps/keyboard/learned_words.py does it, in a store that is not of
// this file: learnedlist.js keeps them in the browser.

import {fold, recase} from "./casing.js";
import {countDigits, isSecret, isWord} from "./offers.js";

const TIMES_TYPED = 2, MOST_LEARNED = 5000, LONGEST_LEARNED = 40, BESIDE = 20, LARGEST = 1e9;
const LEARNED_LETTERS = /^\p{L}[\p{L}\p{M}'’ʼ-]*[\p{L}\p{M}]$/u;
const LAST_WORD = /([^\s]+)[\s]*$/u;

/** Whether a word may be kept: letters, or an emoji; nothing that looks private. */
export function mayBeLearned(word) {
  if (Array.from(word).length > LONGEST_LEARNED || !isWord(word) || isPrivate(word) || countDigits(word)) return false;
  return LEARNED_LETTERS.test(word) || (/\p{So}/u.test(word) && !/[\p{L}\p{N}\s]/u.test(word));
}

/** Words and counts as in the file of `elman learned`: `{word, count, after, before}`. */
export class Learned {
  constructor(entries = []) {
    this.words = new Map();
    for (const entry of entries.filter(isEntry)) {
      const {word, count, after = {}, before = {}} = entry;
      this.words.set(word, {word, count, after, before});
    }
  }

  get entries() {
    return [...this.words.values()].sort((one, two) => two.count - one.count);
  }

  /** Count a word between two others, either of them nothing. */
  count(word, last = "", following = "") {
    if (!mayBeLearned(word)) return false;
    this.addOne({word, count: 1, after: once(last), before: once(following)});
    return true;
  }

  /** Add the counts of other words. */
  add(other) {
    for (const entry of other.words.values()) this.addOne(entry);
  }

  addOne({word, count, after, before}) {
    // The last one counted stands last: the oldest of the rarest go first.
    const old = this.words.get(word) ?? {count: 0, after: {}, before: {}};
    this.words.delete(word);
    const sum = Math.min(old.count + count, LARGEST);
    this.words.set(word, {word, count: sum, after: addCounts(old.after, after), before: addCounts(old.before, before)});
    if (this.words.size > MOST_LEARNED) {
      const others = [...this.words.values()].filter((each) => each.word !== word);
      this.words.delete(others.reduce((least, each) => (each.count < least.count ? each : least)).word);
    }
  }

  /** What came after a learned word. */
  followedBy(word, following) {
    const own = this.words.get(word);
    if (!own || !isKept(following)) return false;
    own.before = addCounts(own.before, once(following));
    return true;
  }

  forget(word) {
    for (const each of this.words.values()) {
      for (const beside of [each.after, each.before]) delete beside[word];
    }
    return this.words.delete(word);
  }

  /**
   * The words of an answer with the user's own among them: `typed` is the probability by which those of its words are
   * divided, `unseen` that of unknown words there, `begun` what was typed of the word, `before` the text before it.
   */
  offer(answer, {begun: typed, before: head, n, locale = "", known = () => false}) {
    // A word of the user's that is typed in full is over.
    const whole = (this.words.get(typed)?.count ?? 0) >= TIMES_TYPED && answer.partial !== typed;
    const begun = whole ? "" : typed, before = whole ? head + typed : head;
    const offered = this.entries.filter((each) => each.count >= TIMES_TYPED && !known(each.word));
    if (!offered.length) return answer;
    const last = wordBefore(before), key = fold(begun, locale);
    const follow = this.following(last);
    const kept = 1 - follow.reduce((sum, [, share]) => sum + share, 0);
    const fits = (word) => fold(word, locale).startsWith(key);
    const taught = this.shares(offered, last).filter(([word]) => fits(word)).map(([word, share]) => [word, kept * answer.unseen * share]);
    const next = follow.filter(([word]) => fits(word));
    if (!taught.length && !next.length) return answer;
    // An answer to what no word begins with has words that come next.
    const half = begun !== "" && answer.partial !== begun;
    const scale = begun ? answer.typed : 1;
    const masses = new Map((half ? [] : answer.words).map(({text, probability}) => [text, kept * probability * scale]));
    const kinds = new Map(answer.words.map(({text, kind}) => [text, kind]));
    let total = half ? 0 : kept * scale;
    for (const [word, mass] of [...taught, ...next]) {
      const text = begun === begun.toLowerCase() ? word : recase(word, begun, locale);
      if (!masses.has(text)) kinds.set(text, "learned");
      masses.set(text, (masses.get(text) ?? 0) + mass);
      if (begun || next.some(([other]) => other === word)) total += mass;
    }
    const words = [...masses].sort(([, x], [, y]) => y - x).slice(0, n).map(([text, mass]) => {
      const kind = kinds.get(text);
      return {text, probability: mass / total, ...(kind ? {kind} : {})};
    });
    words.sort((one, two) => (one.kind === "correction") - (two.kind === "correction"));
    return {...answer, words, partial: begun, unknown: half || whole ? "" : answer.unknown};
  }

  /** What came after a learned word, with probabilities; they sum to less than 1, the more often it was typed the more. */
  following(last) {
    const own = this.words.get(last);
    if (!own || own.count < TIMES_TYPED) return [];
    const follows = Object.entries(own.before), sum = follows.reduce((all, [, count]) => all + count, 0);
    // What follows a word that was taken from the offers is counted, but not the word.
    return follows.map(([word, count]) => [word, count / (Math.max(own.count, sum) + follows.length)]);
  }

  /** The probability of each offered word among unknown ones, after the word `last` (Witten and Bell 1991). */
  shares(offered, last) {
    const total = offered.reduce((sum, {count}) => sum + count, 0) + offered.length;
    const here = offered.map(({after}) => (Object.hasOwn(after, last) ? after[last] : 0)), weight = here.reduce((sum, count) => sum + count, 0);
    const kinds = here.filter((count) => count > 0).length;
    return offered.map(({word, count}, place) => (
      [word, kinds ? (here[place] + kinds * count / total) / (weight + kinds) : count / total]));
  }

  /** The lines of a file for `elman complete --learned`. */
  toLines() {
    return this.entries.map((entry) => {
      const filled = Object.entries(entry).filter(([, value]) => typeof value !== "object" || Object.keys(value).length);
      return `${JSON.stringify(Object.fromEntries(filled))}\n`;
    }).join("");
  }

  /** Reads such lines; raises an Error that names the first line that is none, or that has a word again. */
  static fromLines(text) {
    const entries = [], words = new Set();
    for (const [place, line] of text.split("\n").entries()) {
      if (line.trim() === "") continue;
      let entry = null;
      try {
        entry = JSON.parse(line);
      } catch {
        entry = null;
      }
      if (!isEntry(entry)) throw new Error(`Line ${place + 1} is no learned word; a line is like {"word": "Zaphod", "count": 2}.`);
      if (words.has(entry.word)) throw new Error(`Line ${place + 1}: “${entry.word}” stands there twice; keep one of the lines.`);
      words.add(entry.word);
      entries.push(entry);
    }
    if (entries.length > MOST_LEARNED) throw new Error(`${entries.length} words are more than the ${MOST_LEARNED} that are kept.`);
    return new Learned(entries);
  }
}

/** The word that a text ends with, spaces after it or not; nothing after punctuation. */
export function wordBefore(text) {
  const line = text.slice(Math.max(text.lastIndexOf("\n") + 1, text.length - 200));
  const word = LAST_WORD.exec(line)?.[1] ?? "";
  return /[\p{L}\p{N}\p{M}\p{So}]$/u.test(word) ? /[\p{L}\p{M}'’ʼ-]+$/u.exec(word)?.[0] ?? word : "";
}

function isKept(beside) {
  return beside !== "" && Array.from(beside).length <= LONGEST_LEARNED && !isPrivate(beside) && !countDigits(beside);
}

function isPrivate(word) {
  return isSecret(word.replace(/['’ʼ]/g, ""));
}

function once(beside) {
  return isKept(beside) ? {[beside]: 1} : {};
}

function addCounts(counts, more) {
  // A plain object has names of its own, such as "constructor"; a map has none.
  const found = new Map(Object.entries(counts));
  for (const [word, count] of Object.entries(more)) found.set(word, Math.min((found.get(word) ?? 0) + count, LARGEST));
  while (found.size > BESIDE) {
    const others = [...found].filter(([word]) => !Object.hasOwn(more, word)).sort(([, x], [, y]) => x - y);
    found.delete((others[0] ?? [...found][0])[0]);
  }
  return Object.fromEntries(found);
}

function isEntry(entry) {
  const isCount = (count) => Number.isInteger(count) && count >= 1 && count <= LARGEST;
  const isCounts = (counts) => counts === undefined || (counts !== null && typeof counts === "object" && !Array.isArray(counts)
    && Object.entries(counts).length <= BESIDE
    && Object.entries(counts).every(([word, count]) => isCount(count) && Array.from(word).length <= LONGEST_LEARNED && !isPrivate(word)));
  return entry !== null && typeof entry === "object" && typeof entry.word === "string" && mayBeLearned(entry.word)
    && isCount(entry.count) && isCounts(entry.after) && isCounts(entry.before)
    && Object.keys(entry).every((name) => ["word", "count", "after", "before"].includes(name));
}
