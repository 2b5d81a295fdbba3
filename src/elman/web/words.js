// Text to words and back, and the likeliest next ones: what elman.text and elman.decode do at word level.

import {fold, recase, upperCase} from "./casing.js";
import {REPEATED, continuesNumber, inAddress, isWhole, isWord} from "./offers.js";
import {lineOpeners, mayName, namedWords} from "./naming.js";
import {Splitter, endsSentence, lowered} from "./splitter.js";
import {Typos, unseen} from "./typos.js";

// White space as Unicode has it, and what Python strips too; of JavaScript's own idea neither.
const BLANK = "\\t-\\r\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const STRIPPED = `${BLANK}\\x1c-\\x1f`;
const TRAILING = new RegExp(`[${STRIPPED}]+$`, "u");
const TRAILING_ASCII = /[\t-\r ]+$/u;
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
const CAPITAL = /^\p{Uppercase}/u, SMALL = /^\p{Lowercase}/u, USUALLY = 0.75;
// Corrections are looked for where what was typed has a lower probability; less likely ones are not offered; a word that
// has a smaller share than A_WORD of what begins so is half typed.
const UNLIKELY = 1e-4, LEAST_SHARE = 0.05, A_WORD = 0.1;

/** One line in normal form; other blanks than ASCII's belong to the words of pretokenized text. */
export function normal(line, pretokenized = false) {
  return line.normalize("NFC").replace(/^\ufeff+/u, "").replace(pretokenized ? TRAILING_ASCII : TRAILING, "");
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

export class Words {
  /**
   * `tokens` by id, as they stand in tokenizer.json, and the settings of the tokenizer (elman.export.html). `hidden` are
   * ids of words that are never offered, `phrases` several words in a row that are not; without `secrets`, numbers and
   * addresses are not gone on with.
   */
  constructor(tokens, settings, {hidden = [], phrases = [], secrets = true} = {}) {
    const {pretokenized, lowercase} = settings, never = new Set(hidden), locale = settings.locale ?? "";
    Object.assign(this, {tokens, settings, pretokenized, lowercase, locale, phrases, secrets});
    this.ids = new Map(tokens.map((token, id) => [token, id]));
    this.bodies = tokens.map((token) => token.replace(/^ /u, ""));
    this.folds = tokens.map((token) => fold(token, locale));
    /** Ids by fold, lowest first. */
    this.folded = new Map();
    for (let id = EOS + 1; id < tokens.length; id += 1) {
      if (!this.folded.has(this.folds[id])) this.folded.set(this.folds[id], []);
      this.folded.get(this.folds[id]).push(id);
    }
    this.splitter = settings.patterns ? new Splitter(this, settings) : null;
    const isOffered = (token, id) => isWord(token) && isWhole(this.bodies[id]) && !never.has(id);
    const isMarker = (token) => this.splitter && Splitter.isMarker(token);
    this.offered = tokens.map((token, id) => id > EOS && isOffered(token, id) && !isMarker(token));
    this.keys = tokens.map(utf8);
    this.sorted = [...tokens.keys()].slice(EOS + 1).sort((a, b) => (this.keys[a] < this.keys[b] ? -1 : 1));
    // For each word with a space the one without, or 0.
    this.spaceless = tokens.map((token, id) => (id > EOS && token.startsWith(" ") ? this.ids.get(token.slice(1)) ?? UNK : UNK));
    this.spacelessIds = new Set(this.spaceless.filter((id) => id !== UNK));
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

  /** The ids of a line; a word that is known in another case only has the id of that one. */
  encode(line) {
    if (this.splitter) return this.splitter.known(this.splitter.read(line).tokens);
    return this.parts(line).map((part) => this.idOf(part));
  }

  /** The id of a type, in another case if only that is known. */
  idOf(type) {
    return this.ids.get(type) ?? this.spelledOtherwise(type)[0] ?? UNK;
  }

  /** Whether a word is a type, in whatever spelling. */
  knows(word) {
    return this.spelledOtherwise(` ${word}`).length + this.spelledOtherwise(word).length > 0;
  }

  /** The ids of the types that a text is in any spelling, lowest first. */
  spelledOtherwise(text) {
    return this.folded.get(fold(text, this.locale)) ?? [];
  }

  /**
   * How a text is read: the tokens before the word that is asked for, what that word must begin with (`typed`, of which
   * the first `lead` characters are the leading space), and the half-typed word itself, if there is one. `others` are the
   * types that begin so in other spellings, where none does in this one or a sentence may begin; `respelled` says that they
   * are offered in the typed case. A last word that nothing begins with is `unmatched`. `how` is that of `Splitter.open`.
   */
  open(text, how = {}) {
    const lines = text.replace(/\r\n?/gu, "\n").split("\n");
    const last = lines.pop();
    const ids = lines.flatMap((line) => [...this.encode(normal(line, this.pretokenized)), EOS]);
    const line = normal(last) + (TRAILING.exec(last)?.[0] ?? "");
    if (this.splitter) {
      const opening = this.splitter.open(line, how);
      return {...opening, ids: [...ids, ...opening.ids]};
    }
    const word = this.lastWord(line);
    let unmatched = "", mayBeHalf = false;
    if (word && !how.whole) {
      const start = line.length - word.length;
      const spaced = start === 0 || line[start - 1] === " ";
      const typed = (spaced ? " " : "") + Array.from(word, (char) => this.cased(char)).join("");
      const known = this.ids.has(typed) || (this.pretokenized && word === this.tokens[UNK]);
      // Of the last character alone: a class before `$` misses letters beyond U+FFFF in Chromium.
      const others = known || this.range(typed).length ? [] : this.alike(typed);
      mayBeHalf = this.ids.has(typed);
      const half = (!known || how.partial) && (/[\p{L}\p{N}]/u.test([...word].at(-1)) || this.range(typed).length + others.length > 0);
      if (half && this.range(typed).length + others.length > 0) {
        const before = line.slice(0, spaced && start ? start - 1 : start);
        const lead = spaced ? 1 : 0;
        return {ids: [...ids, ...this.encode(before)], before, typed, lead, partial: word, others, respelled: others.length > 0};
      }
      if (half) unmatched = word;
    }
    const space = line.endsWith(" ");
    const before = space ? line.slice(0, -1) : line;
    return {ids: [...ids, ...this.encode(before)], before, typed: space ? " " : "", lead: space ? 1 : 0, partial: "", others: [], unmatched, mayBeHalf};
  }

  /**
   * The likeliest words for a text, with what was read of it: there is always something to offer; with `typos` also
   * corrections. `typed` is the probability of what was typed of the word, `unseen` that of a word there that the
   * vocabulary does not have.
   */
  complete(text, logProbs, n, typos = false) {
    this.openers ??= lineOpeners(logProbs);
    const likeliest = (opening) => {
      const joined = this.joined(opening);
      return this.likeliest(opening, this.massesAt(opening, logProbs), n, joined && logProbs(joined));
    };
    let opening = this.asked(text, logProbs), found = likeliest(opening);
    const begun = opening.partial || opening.unmatched, before = text.slice(0, text.length - begun.length);
    const place = begun ? this.open(before, {whole: true}) : opening;
    const unseen = this.massesAt(place, logProbs)(UNK), {total: typed} = found;
    if (!found.words.length && opening.partial) {
      opening = {...this.open(text, {whole: true}), unmatched: opening.partial};
      found = likeliest(opening);
    }
    const words = found.words.length ? found.words : likeliest(this.open("")).words;
    const unknown = opening.unmatched || (opening.ids.at(-1) === UNK && /\S+$/u.exec(opening.before.trimEnd())?.[0]) || "";
    const answer = {words, partial: opening.partial, unknown, typed: opening.unmatched ? 0 : typed, unseen, begun, before};
    if (!typos || !begun || !text.endsWith(begun)) return answer;
    const named = mayName(begun, before) ? this.withNamed(answer, place, logProbs, n) : answer;
    return named.typed < UNLIKELY ? this.corrected(named, place, logProbs, n) : named;
  }

  /** An answer with the words that begin as typed but for a capital of their own. */
  withNamed(answer, place, logProbs, n) {
    const {found, total} = namedWords(this, answer.begun, this.massesAt(place, logProbs), this.openers);
    if (!total) return answer;
    const typed = answer.typed + total, weight = this.weights(answer.before);
    const masses = new Map((answer.typed ? answer.words : []).map(({text, probability}) => [text, probability * answer.typed]));
    for (const [id, mass] of found.filter(([id]) => weight(id) > 0 && !masses.has(this.bodies[id]))) {
      masses.set(this.bodies[id], mass * weight(id));
    }
    if (!masses.size) return answer;
    const best = [...masses].sort(([, x], [, y]) => y - x).slice(0, n);
    best.sort(([one, x], [two, y]) => y - x || (utf8(one) < utf8(two) ? -1 : 1));
    return {...answer, partial: answer.begun, unknown: "", words: best.map(([text, mass]) => ({text, probability: mass / typed})), typed};
  }

  /** An answer with words that begin almost as typed behind its own: as elman/apps/keyboard/keyboard.py. */
  corrected(answer, place, logProbs, n) {
    this.typos ??= new Typos(this.bodies, this.locale);
    const {begun, typed, unseen: unknown} = answer, massOf = this.massesAt(place, logProbs);
    const weight = this.weights(answer.before), corrections = new Map();
    let total = typed + unseen(unknown, begun);
    for (const [id, nats] of this.typos.similar(begun)) {
      if (place.lead && !this.tokens[id].startsWith(" ")) continue;
      const mass = massOf(id) * Math.exp(-nats), text = recase(this.bodies[id], begun, this.locale, !this.openers[id]);
      total += mass;
      if (weight(id) > 0) corrections.set(text, (corrections.get(text) ?? 0) + mass * weight(id));
    }
    const exact = typed ? answer.words.map(({text, probability}) => ({text, mass: probability * typed})) : [];
    const meant = [...corrections].filter(([text, mass]) => mass >= LEAST_SHARE * total && !exact.some((each) => each.text === text))
      .map(([text, mass]) => ({text, mass, kind: "correction"}));
    const best = [...exact, ...meant].sort((one, two) => two.mass - one.mass).slice(0, n);
    if (!best.length) return answer;
    best.sort((one, two) => (one.kind === "correction") - (two.kind === "correction"));
    const words = best.map(({text, mass, kind}) => ({text, probability: mass / total, ...(kind ? {kind} : {})}));
    return {...answer, words, partial: begun, unknown: "", typed: total};
  }

  /** How a text is read by what the model knows of the word that it ends with. */
  asked(text, logProbs) {
    const inCase = (opening) => {
      if (!opening.isSmall || !this.expectsCapitals(this.massesAt(opening, logProbs))) return opening;
      const [first, ...rest] = opening.partial;
      return {...opening, respelled: true, writtenAs: upperCase(first, this.locale) + rest.join("")};
    };
    const opening = inCase(this.open(text));
    if (!opening.mayBeHalf) return opening;
    const half = inCase(this.open(text, {partial: true}));
    if (opening.begins && half.writtenAs) return half;
    const mass = this.massesAt(half, logProbs), same = this.spelledOtherwise(half.typed);
    const capital = same.filter((id) => CAPITAL.test(this.bodies[id])).reduce((sum, id) => sum + mass(id), 0);
    if (opening.begins && half.others.length && capital > mass(this.ids.get(half.typed))) return half;
    // A rare word may be the beginning of usual ones, as "th" is.
    const begun = this.range(half.typed).reduce((sum, id) => sum + mass(id), 0);
    return half.partial && mass(this.ids.get(half.typed)) < A_WORD * begun ? half : opening;
  }

  /** The probability of each type at an opening; where a sentence may begin, a line may end instead. */
  massesAt(opening, logProbs) {
    const {ids, before, partial, lead} = opening, first = logProbs(ids);
    if (!endsSentence(this.splitter && partial ? before : before + " ".repeat(lead))) return (id) => Math.exp(first[id]);
    const ends = Math.exp(first[EOS]), after = logProbs([...ids, EOS]);
    return (id) => Math.exp(first[id]) + ends * Math.exp(after[id]);
  }

  /** Whether most words have a capital. */
  expectsCapitals(mass) {
    let capital = 0, all = 0;
    this.bodies.forEach((body, id) => {
      if (CAPITAL.test(body)) capital += mass(id);
      if (CAPITAL.test(body) || SMALL.test(body)) all += mass(id);
    });
    return capital > USUALLY * all;
  }

  /** The types that begin with a text in any spelling, lowest id first. */
  alike(prefix) {
    const key = fold(prefix, this.locale);
    return [...this.tokens.keys()].slice(EOS + 1).filter((id) => this.folds[id].startsWith(key));
  }

  /** What the probability of each type is multiplied by after a text; 0 where it is not offered. */
  weights(before) {
    const run = lastRun(before.replace(/ +$/u, "")), repeated = run && (run.groups.word ?? run.groups.number);
    const last = repeated ? fold(run[0], this.locale) : "";
    const line = fold(before.slice(-200), this.locale);
    const words = this.phrases.length ? [...line.matchAll(RUNS)].filter((each) => !each.groups.symbol) : [];
    const ends = this.phrases.filter((phrase) => phrase.slice(0, -1).every((word, place) => (
      words[words.length - phrase.length + 1 + place]?.[0] === word))).map((phrase) => phrase.at(-1));
    return (id) => {
      const word = this.bodies[id], key = this.folds[id].replace(/^ /u, "");
      if (!this.offered[id] || ends.includes(key) || (!this.secrets && continuesNumber(word, before))) return 0;
      return last && key === last ? REPEATED : 1;
    };
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
    const joins = opening.mayJoin && this.splitter.join !== undefined && !this.isApart(opening);
    return joins ? [...opening.ids, this.splitter.join] : null;
  }

  /** Whether a word must not stand right after what was read: it would go on with an address. */
  isApart({before, lead}) {
    return !this.secrets && inAddress(before + (lead ? " " : ""));
  }

  /**
   * The `n` likeliest words at an opening, with probabilities, from the probability of each type there, and the
   * log-probabilities after the marker of `joined`.
   */
  likeliest(opening, massOf, n, joinedLogProbs = null) {
    const apart = this.isApart(opening);
    if (apart && opening.partial) return {words: [], total: 0};
    const weight = this.weights(opening.before + (opening.lead ? " " : "")), masses = new Map();
    const signed = (text) => (opening.sign ? text.replaceAll(this.splitter.apostrophe, opening.sign) : text);
    let best = [];
    // Of equally likely ones the first come first, as in Python; what is left is put in order by its text.
    const offer = (id, mass) => {
      const least = best.length === n ? best[n - 1][1] : 0;
      if (mass <= least) return;
      const found = mass * weight(id);
      if (found <= least) return;
      best.push([signed(this.bodies[id]), found]);
      best.sort(([, x], [, y]) => y - x);
      best.length = Math.min(best.length, n);
    };
    let total = 1;
    if (opening.typed === "") {
      const goesOn = this.goingOn(opening.before);
      const mass = (id) => {
        const glued = !this.tokens[id].startsWith(" ");
        return glued && (apart || goesOn.test(this.tokens[id])) ? 0 : massOf(id);
      };
      for (let id = EOS + 1; id < this.tokens.length; id += 1) {
        // A word with its space and one without are the same word here.
        if (this.spacelessIds.has(id)) continue;
        const more = joinedLogProbs && this.tokens[id].startsWith(" ");
        const both = this.spaceless[id] ? mass(id) + mass(this.spaceless[id]) : mass(id);
        offer(id, more ? both + massOf(this.splitter.join) * Math.exp(joinedLogProbs[id]) : both);
      }
    } else if (opening.others.length) {
      const found = opening.others.map((id) => [id, massOf(id)]).sort(([, x], [, y]) => y - x);
      total = found.reduce((sum, [, mass]) => sum + mass, 0);
      // Spellings of one word are added up, the likeliest first.
      for (const [id, mass] of found.filter(([id]) => weight(id) > 0)) {
        const typed = opening.writtenAs ?? opening.partial, body = signed(this.bodies[id]);
        const word = opening.respelled ? recase(body, typed, this.locale, !this.openers[id]) : body;
        masses.set(word, (masses.get(word) ?? 0) + mass * weight(id));
      }
      best = [...masses].filter(([, mass]) => mass > 0).sort(([, x], [, y]) => y - x).slice(0, n);
    } else {
      total = 0;
      for (const id of this.range(opening.typed)) {
        const mass = massOf(id);
        total += mass;
        offer(id, mass);
      }
      // After a space, what the vocabulary does not have is a word all the same.
      if (opening.typed.length === opening.lead) total += massOf(UNK);
    }
    best.sort(([one, x], [two, y]) => y - x || (utf8(one) < utf8(two) ? -1 : 1));
    return {words: best.map(([text, mass]) => ({text, probability: mass / total})), total};
  }

  /** What a token without a space begins with if it only goes on with the word or symbol that a text ends with. */
  goingOn(before) {
    const run = lastRun(before);
    if (!run) return NEVER;
    const kind = ["open", "word", "linked", "unspaced", "number", "whole", "flag", "joined"].find((name) => run.groups[name] !== undefined);
    return GOES_ON[kind] ?? new RegExp(`^(?:${run.groups.symbol.replace(/[\\^$.*+?()[\]{}|/]/gu, "\\$&")}|${MARK}|\u200d)`, "u");
  }
}
