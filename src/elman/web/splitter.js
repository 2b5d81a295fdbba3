// A line as types of words and of what stands between them: elman.text.word_types, whose patterns come with a model.

const START = 0, JOINED = 1, APART = 2;
const JOIN = "<join>";
const APOSTROPHES = "'’ʼ";
// What links, addresses, times and contractions may go on with.
const SIGNS = /['’ʼ:.,/@-]+$/u;
const FINAL_SIGMA = "ς", SIGMA = "σ", CAPITAL_SIGMA = "Σ";

/** Lower case; `old` is that of elman 0.1, character by character: a sigma at a word's end is like any other. */
export function lowered(text, {old = false, locale}) {
  if (old) return Array.from(text, (char) => char.toLowerCase()).join("");
  const dotted = text.replaceAll("İ", "i");
  return (locale ? dotted.replaceAll("I", "ı") : dotted).toLowerCase();
}

// What a text ends with where a sentence may begin: elman.decode.sentence_start.
const SENTENCE_END = /[.!?…]["'’”»)\]]* $/u;

export function endsSentence(before) {
  return SENTENCE_END.test(before.slice(-20));
}

/** Whether a word in small letters stands where a sentence may begin, after `before` in its line. */
export function beginsSmall(word, before) {
  return (before.trim() === "" || endsSentence(before)) && /^\p{Lowercase}/u.test(word) && word === lowered(word, {});
}

export class Splitter {
  /** The vocabulary (`Words`), and the settings of its tokenizer. */
  constructor(words, {patterns, lowercase, locale, compatibility, apostrophe, rules}) {
    const {ids} = words;
    Object.assign(this, {words, ids, lowercase, locale, compatibility, apostrophe, hasSignMarkers: rules === 2});
    const whole = (pattern) => new RegExp(`^(?:${pattern})$`, "u");
    this.plain = new RegExp(patterns.plain, "gu");
    this.withLinks = new RegExp(patterns.linked, "gu");
    this.isLinked = new RegExp(patterns.isLinked, "u");
    this.gap = new RegExp(`^[${patterns.between}]*`, "u");
    this.between = whole(`[${patterns.between}]*`);
    this.symbol = whole(patterns.symbol);
    this.joining = whole(patterns.joining);
    this.hidden = new RegExp(`[${patterns.hidden}]+`, "gu");
    this.inner = new RegExp(patterns.inner, "gu");
    this.join = ids.get(JOIN);
  }

  /** Whether a type says how the next token is written. */
  static isMarker(token) {
    return /^<(?:join|['’ʼ]|[0-9]+.+)>$/su.test(token);
  }

  /** A line in the case and with the apostrophe of the types, of the same length. */
  folded(line) {
    const cased = this.lowercase ? lowered(line, this) : line, usual = this.apostrophe;
    if (this.hasSignMarkers || (usual === "'" && !/[’ʼ]/u.test(cased))) return cased;
    const inside = cased.replace(this.inner, usual);
    return usual === "ʼ" ? inside : inside.replace(/['’]/gu, usual);
  }

  compatible(text) {
    return this.compatibility ? this.folded(text.normalize("NFKC")) : text;
  }

  after(token) {
    const joins = this.between.test(token) || Splitter.isMarker(token) || this.joining.test(token);
    return joins ? JOINED : APART;
  }

  /** The tokens of a line: types with their places; and what they leave for the next one. */
  read(line) {
    const text = this.folded(line), tokens = [];
    let after = START, start = 0;
    for (const piece of text.match(this.isLinked.test(text) ? this.withLinks : this.plain) ?? []) {
      const end = start + piece.length, gapEnd = start + this.gap.exec(piece)[0].length;
      const types = this.spelled(piece, after);
      types.forEach((type, place) => {
        const between = place < types.length - 1 && this.between.test(type);
        tokens.push({type, start, end: place === types.length - 1 ? end : between ? gapEnd : start});
        if (between) start = gapEnd;
      });
      after = this.after(types.at(-1));
      start = end;
    }
    return {tokens, after};
  }

  /** The types of a token and what stands before it. */
  spelled(piece, after) {
    const length = this.gap.exec(piece)[0].length;
    const gap = this.compatible(piece.slice(0, length)), item = piece.slice(length);
    if (!item) return [gap];
    const [markers, word] = this.core(item);
    if (this.symbol.test(word)) {
      if (gap === (after === START ? "" : " ")) return [` ${word}`];
      return gap ? [gap, word] : [word];
    }
    return [...(gap === (after === APART ? " " : "") ? [] : [gap || JOIN]), ...markers, ` ${word}`];
  }

  /** Markers of what a text has otherwise, and the spelling of a word in its type. */
  core(item) {
    const points = (text, place) => Array.from(text.slice(0, place)).length;
    let markers = [...item.matchAll(this.hidden)].map((found) => `<${points(item, found.index)}${found[0]}>`);
    const word = item.replace(this.hidden, "");
    if (!this.hasSignMarkers) return [markers, this.compatible(word)];
    const signs = [...word.matchAll(this.inner)];
    const kinds = [...new Set(signs.map((found) => found[0]))];
    if (kinds.length === 1 && kinds[0] !== this.apostrophe) markers = [`<${kinds[0]}>`, ...markers];
    if (kinds.length > 1) {
      const others = signs.filter((found) => found[0] !== this.apostrophe);
      markers = [...others.map((found) => `<${points(word, found.index)}=${found[0]}>`), ...markers];
    }
    return [markers, this.compatible(word.replace(this.inner, this.apostrophe))];
  }

  /** The ids of tokens; unknown blanks come one by one. */
  known(tokens) {
    const id = (type) => this.words.idOf(type);
    return tokens.flatMap(({type}) => (
      !this.ids.has(type) && this.between.test(type) ? Array.from(type, id) : [id(type)]
    ));
  }

  /**
   * How an open line is read, as in elman.decode.typed_words; with `whole` its last word is not half typed, with `partial`
   * it is. A known word `mayBeHalf` a longer one, or, where a sentence `begins` with it, one with a capital.
   */
  open(line, {whole = false, partial = false} = {}) {
    const half = whole ? null : this.half(line), {words} = this;
    let unmatched = "", mayBeHalf = false, begins = false;
    if (half) {
      const typed = half.typed.filter((text) => words.range(text).length > 0).at(-1) ?? half.typed.at(-1);
      const known = !half.open && this.ids.has(half.typed[0]);
      const letter = !half.open && /[\p{L}\p{N}]/u.test([...half.word].at(-1));
      const before = line.slice(0, line.length - half.word.length), inside = before.trim() !== "";
      const same = words.range(typed).length, small = beginsSmall(half.word, before);
      const others = same && !small ? [] : words.alike(typed);
      const longer = half.open
        ? same > (this.ids.has(typed) ? 1 : 0) || (!same && others.length > words.spelledOtherwise(typed).length)
        : same + others.length > 0;
      if ((partial && !half.open) || (!known && (letter || longer))) {
        if (same + others.length > 0) {
          const respelled = others.length > 0 && !(small && (same > 0 || inside));
          return {
            ids: this.known(half.before), before, typed, lead: 1, partial: half.word, sign: half.sign, others, respelled,
            isSmall: small && inside,
          };
        }
        unmatched = half.word;
      } else [mayBeHalf, begins] = [!half.open, small];
    }
    const blank = line !== "" && this.between.test(Array.from(line).at(-1));
    const implied = line.length > 1 && line.endsWith(" ") && this.read(line.slice(0, -1)).after === APART;
    const before = implied ? line.slice(0, -1) : line;
    const {tokens, after} = this.read(before);
    // A word touches a sign, hardly ever a word.
    const mayJoin = !blank && line !== "" && after === APART && !/[\p{L}\p{N}]/u.test(tokens.at(-1).type);
    return {
      ids: this.known(tokens), before, typed: blank ? " " : "", lead: blank ? 1 : 0, partial: "", sign: "", mayJoin, others: [],
      unmatched, mayBeHalf, begins,
    };
  }

  half(line) {
    if (/[@#＃]$/u.test(line)) {
      const {tokens} = this.read(line), last = tokens.pop(), sign = line.at(-1);
      const free = last.type === sign && (last.start === 0 || this.read(line.slice(0, last.start)).after !== APART);
      return last.type === ` ${sign}` || free
        ? {word: sign, before: tokens, typed: [` ${sign}`], sign: "", open: true} : null;
    }
    const ended = SIGNS.exec(line)?.[0] ?? "";
    const {tokens} = this.read(line.slice(0, line.length - ended.length));
    const last = tokens.pop();
    if (!last || this.between.test(last.type)) return null;
    const text = last.type.slice(1);
    if (this.symbol.test(text) || last.type[0] !== " " || !/[\p{L}\p{N}]/u.test(text)) return null;
    const word = line.slice(last.start).replace(/^ /u, "");
    const sign = Array.from(word).slice(1).find((char) => APOSTROPHES.includes(char)) ?? this.apostrophe;
    const marker = (token) => token.start === last.start && token.type.startsWith("<") && token.type !== JOIN;
    if (this.hasSignMarkers && sign !== this.apostrophe && !tokens.some(marker)) tokens.push({type: `<${sign}>`});
    const typed = [last.type + ended.replace(/['’ʼ]/gu, this.apostrophe)];
    if (typed[0].endsWith(FINAL_SIGMA) && word.endsWith(CAPITAL_SIGMA)) typed.push(typed[0].slice(0, -1) + SIGMA);
    return {word, before: tokens, typed, sign: sign === this.apostrophe ? "" : sign, open: ended !== ""};
  }
}
