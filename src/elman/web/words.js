// Text to words and back, and the likeliest next ones: what elman.text and elman.decode do at word level.

import {Splitter, lowered} from "./splitter.js";

// White space as Unicode has it, and what Python strips too; of JavaScript's own idea neither.
const BLANK = "\\t-\\r\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const STRIPPED = `${BLANK}\\x1c-\\x1f`;
const TRAILING = new RegExp(`[${STRIPPED}]+$`, "u");
const SYMBOL = `[^${BLANK}\\p{L}\\p{M}\\p{N}]`;
const WORDS = new RegExp([
  " ?\\p{L}[\\p{L}\\p{M}]*(?:['’\u200c\u200d][\\p{L}\\p{M}]+)*",
  " ?\\p{N}[\\p{N}\\p{M}]*",
  ` ?(${SYMBOL})(?:\\1|[\\p{M}\u{1f3fb}-\u{1f3ff}]|\u200d\\p{So})*`,
  " ?\\p{M}+",
  `[${BLANK}]+(?![^${BLANK}])`,
  `[${BLANK}]+`,
].join("|"), "gu");
// Letters of scripts that put no spaces between words: as in elman.text.tokenizer.
const UNSPACED = "\\u0e00-\\u109f\\u1780-\\u17ff\\u1950-\\u1aaf\\u1b00-\\u1b7f\\u3040-\\u30ff\\u31f0-\\u31ff\\u3400-\\u4dbf"
  + "\\u4e00-\\u9fff\\ua000-\\ua4cf\\ua980-\\ua9ff\\uaa60-\\uaadf\\uf900-\\ufaff\\uff66-\\uff9f\\u{1b000}-\\u{1b16f}"
  + "\\u{20000}-\\u{3ffff}";
const INNER = "['’\u200c\u200d]";
// Parts of the character before them: as in elman.decode.words.
const HIDDEN = "\\xad\\u061c\\u180e\\u200e\\u200f\\u202a-\\u202e\\u2060-\\u2064\\u2066-\\u206f\\ufeff";
const LINKER = "[\\u1039\\u17d2\\u1a60\\u1b44\\ua9c0\\uaaf6]";
const EXTENDING = "\\u0e33\\u0eb3\\u{1f3fb}-\\u{1f3ff}\\u{e0020}-\\u{e007f}";
const MARK = `[\\p{M}${EXTENDING}${HIDDEN}]`;
const LETTER = `(?:(?![${UNSPACED}])\\p{L}|${MARK})`;
const UNSPACED_LETTER = `(?![${EXTENDING}])\\p{L}`;
const REGIONAL = "[\\u{1f1e6}-\\u{1f1ff}]";
const NO_SYMBOL = `${STRIPPED}\\p{L}\\p{M}\\p{N}`;
// Runs as in elman.decode.words; an apostrophe at the very end may still become one inside a word.
const RUNS = new RegExp([
  `(?<word>(?![${HIDDEN}])${LETTER}+(?:${INNER}${LETTER}+)*(?<open>${INNER}(?![^]))?)`,
  `(?<unspaced>${UNSPACED_LETTER}${MARK}*(?:(?<=${LINKER}${MARK}*)${UNSPACED_LETTER}${MARK}*)*(?:(?<linked>(?<=${LINKER}${MARK}*))|))`,
  `(?<number>\\p{N}[\\p{N}\\p{M}${EXTENDING}${HIDDEN}]*)`,
  `(?<flag>${REGIONAL}${MARK}*(?:(?<whole>${REGIONAL})${MARK}*)?)`,
  `(?<symbol>[^${NO_SYMBOL}])(?:\\k<symbol>|${MARK}|\u200d(?:(?!${REGIONAL})[^${NO_SYMBOL}'’\u200c]|${MARK})?)*(?:(?<joined>(?<=\u200d))|)`,
].join("|"), "gu");
const NEVER = /^(?!)/u;
const GOES_ON = {
  open: new RegExp(`^${LETTER}`, "u"), word: new RegExp(`^(?:${LETTER}|${INNER})`, "u"),
  linked: new RegExp(`^(?:${MARK}|(?=[${UNSPACED}])${UNSPACED_LETTER})`, "u"), unspaced: new RegExp(`^${MARK}`, "u"),
  number: new RegExp(`^(?:\\p{N}|${MARK})`, "u"), whole: new RegExp(`^(?:${MARK}|\u200d)`, "u"),
  flag: new RegExp(`^(?:${MARK}|${REGIONAL})`, "u"),
  joined: new RegExp(`^(?:(?!${REGIONAL})[^${NO_SYMBOL}'’\u200c]|${MARK})`, "u"),
};
const UNK = 0, EOS = 1;

/** One line in normal form. */
export function normal(line) {
  return line.normalize("NFC").replace(/^\ufeff+/u, "").replace(TRAILING, "");
}

/** The run that touches the end of a line, or nothing after white space. */
function lastRun(line) {
  const end = line.slice(Math.max(line.length - 200, line.lastIndexOf(" ") + 1));
  const run = [...end.matchAll(RUNS)].pop();
  return run && run.index + run[0].length === end.length ? run : null;
}

/** UTF-8, a character for each byte: so texts compare as in Python. */
function utf8(text) {
  return Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join("");
}

/** Whether this is a word that people want offered, rather than punctuation. */
function isWord(text) {
  return /[\p{L}\p{N}\p{So}]/u.test(text);
}

export class Words {
  /** `tokens` by id, as they stand in tokenizer.json, and the settings of the tokenizer (elman.export.html). */
  constructor(tokens, settings) {
    const {pretokenized, lowercase} = settings;
    Object.assign(this, {tokens, pretokenized, lowercase});
    this.ids = new Map(tokens.map((token, id) => [token, id]));
    this.splitter = settings.patterns ? new Splitter(this.ids, settings) : null;
    this.settings = settings;
    const isMarker = (token) => this.splitter && Splitter.isMarker(token);
    this.offered = tokens.map((token, id) => id > EOS && isWord(token) && !isMarker(token));
    this.keys = tokens.map(utf8);
    this.sorted = [...tokens.keys()].slice(EOS + 1).sort((a, b) => (this.keys[a] < this.keys[b] ? -1 : 1));
    // For each word with a space the one without, or 0.
    this.twin = tokens.map((token, id) => (id > EOS && token.startsWith(" ") ? this.ids.get(token.slice(1)) ?? UNK : UNK));
    this.twinned = new Set(this.twin.filter((id) => id !== UNK));
  }

  /** The parts of a line, each with its leading space; the line begins with one. */
  parts(line) {
    let text = ` ${line}`;
    if (line === "") return [];
    if (this.pretokenized) text = text.replace(/ +$/u, "").replace(/ {2,}/gu, " ");
    return this.cased(text).match(this.pretokenized ? / [^ ]*/gu : WORDS) ?? [];
  }

  /** A text in the case of the types. */
  cased(text) {
    const {rules, locale, compatibility} = this.settings;
    const plain = compatibility ? text.normalize("NFKC") : text;
    return this.lowercase ? lowered(plain, {old: !(rules > 1), locale}) : plain;
  }

  encode(line) {
    if (this.splitter) return this.splitter.known(this.splitter.read(line).tokens);
    return this.parts(line).map((part) => this.ids.get(part) ?? UNK);
  }

  /**
   * How a text is read: the tokens before the word that is asked for, what that word must begin with (`typed`, of which
   * the first `lead` characters are the leading space), and the half-typed word itself, if there is one.
   */
  open(text) {
    const lines = text.replace(/\r\n?/gu, "\n").split("\n");
    const last = lines.pop();
    const ids = lines.flatMap((line) => [...this.encode(normal(line)), EOS]);
    const line = normal(last) + (TRAILING.exec(last)?.[0] ?? "");
    if (this.splitter) {
      const opening = this.splitter.open(line, (typed, longer) => (
        this.range(typed).length > (longer && this.ids.has(typed) ? 1 : 0)
      ));
      return {...opening, ids: [...ids, ...opening.ids]};
    }
    const word = this.lastWord(line);
    if (word) {
      const start = line.length - word.length;
      const spaced = start === 0 || line[start - 1] === " ";
      const typed = (spaced ? " " : "") + Array.from(word, (char) => this.cased(char)).join("");
      const known = this.ids.has(typed) || (this.pretokenized && word === this.tokens[UNK]);
      // Of the last character alone: a class before `$` misses letters beyond U+FFFF in Chromium.
      const half = !known && (/[\p{L}\p{N}]/u.test([...word].at(-1)) || this.range(typed).length > 0);
      if (half) {
        const before = line.slice(0, spaced && start ? start - 1 : start);
        return {ids: [...ids, ...this.encode(before)], before, typed, lead: spaced ? 1 : 0, partial: word};
      }
    }
    const space = line.endsWith(" ");
    const before = space ? line.slice(0, -1) : line;
    return {ids: [...ids, ...this.encode(before)], before, typed: space ? " " : "", lead: space ? 1 : 0, partial: ""};
  }

  /** The word that touches the end of a line, or nothing after white space and punctuation. */
  lastWord(line) {
    if (this.pretokenized) return /[^ ]*$/u.exec(line)[0];
    const run = lastRun(line);
    return run && (run.groups.word ?? run.groups.number) ? run[0] : "";
  }

  /** The types that begin with a text, as a piece of `sorted`. */
  range(prefix) {
    const key = utf8(prefix);
    const place = (before) => {
      let low = 0, high = this.sorted.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (before(this.keys[this.sorted[middle]].slice(0, key.length))) low = middle + 1;
        else high = middle;
      }
      return low;
    };
    return this.sorted.slice(place((text) => text < key), place((text) => text <= key));
  }

  /** The ids after an opening where a word may come without a space, if that has a marker of its own; or nothing. */
  joined(opening) {
    return opening.mayJoin && this.splitter.join !== undefined ? [...opening.ids, this.splitter.join] : null;
  }

  /**
   * The `n` likeliest words at an opening, with probabilities, from the log-probabilities of all types there, and of
   * those after the marker of `joined`.
   */
  likeliest(opening, logProbs, n, joinedLogProbs = null) {
    const best = [];
    let total = 0;
    // Of equally likely ones the first come first, as in Python; what is left is put in order by its text.
    const offer = (id, mass) => {
      if (!this.offered[id] || mass <= 0 || (best.length === n && mass <= best[n - 1].mass)) return;
      best.push({mass, text: this.tokens[id].replace(/^ /u, "")});
      best.sort((x, y) => y.mass - x.mass);
      best.length = Math.min(best.length, n);
    };
    if (opening.typed === "") {
      const goesOn = this.goingOn(opening.before);
      const mass = (id) => (!this.tokens[id].startsWith(" ") && goesOn.test(this.tokens[id]) ? 0 : Math.exp(logProbs[id]));
      for (let id = EOS + 1; id < this.tokens.length; id += 1) {
        // A word with its space and one without are the same word here.
        if (this.twinned.has(id)) continue;
        const more = joinedLogProbs && this.tokens[id].startsWith(" ");
        const both = this.twin[id] ? mass(id) + mass(this.twin[id]) : mass(id);
        offer(id, more ? both + Math.exp(logProbs[this.splitter.join]) * Math.exp(joinedLogProbs[id]) : both);
      }
      total = 1;
    } else {
      for (const id of this.range(opening.typed)) {
        const mass = Math.exp(logProbs[id]);
        total += mass;
        offer(id, mass);
      }
      // After a space, what the vocabulary does not have is a word all the same.
      if (opening.typed.length === opening.lead) total += Math.exp(logProbs[UNK]);
    }
    best.sort((x, y) => y.mass - x.mass || (utf8(x.text) < utf8(y.text) ? -1 : 1));
    const shown = (text) => (opening.sign ? text.replaceAll(this.splitter.apostrophe, opening.sign) : text);
    return best.map(({mass, text}) => ({text: shown(text), probability: mass / total}));
  }

  /** What a token without a space begins with if it only goes on with the word or symbol that a text ends with. */
  goingOn(before) {
    const run = lastRun(before);
    if (!run) return NEVER;
    const kind = ["open", "word", "linked", "unspaced", "number", "whole", "flag", "joined"].find((name) => run.groups[name] !== undefined);
    return GOES_ON[kind] ?? new RegExp(`^(?:${run.groups.symbol.replace(/[\\^$.*+?()[\]{}|/]/gu, "\\$&")}|${MARK}|\u200d)`, "u");
  }
}
