// Text to words and back, and the likeliest next ones: what elman.text and elman.decode do at word level.

const SYMBOL = "[^\\s\\p{L}\\p{M}\\p{N}]";
const WORDS = new RegExp([
  " ?\\p{L}[\\p{L}\\p{M}]*(?:['’\u200c\u200d][\\p{L}\\p{M}]+)*",
  " ?\\p{N}[\\p{N}\\p{M}]*",
  ` ?(${SYMBOL})(?:\\1|[\\p{M}\u{1f3fb}-\u{1f3ff}]|\u200d\\p{So})*`,
  " ?\\p{M}+",
  "\\s+(?!\\S)",
  "\\s+",
].join("|"), "gu");
const OPEN_WORD = /\p{L}[\p{L}\p{M}]*(?:['’\u200c\u200d][\p{L}\p{M}]+)*['’\u200c\u200d]$/u;
const UNK = 0, EOS = 1;

/** One line in normal form. */
export function normal(line) {
  return line.normalize("NFC").replace(/^\ufeff+/u, "").trimEnd();
}

/** Whether this is a word that people want offered, rather than punctuation. */
function isWord(text) {
  return /[\p{L}\p{N}\p{So}]/u.test(text);
}

export class Words {
  /** `tokens` by id, as they stand in tokenizer.json; `pretokenized` and `lowercase` as the tokenizer was made. */
  constructor(tokens, {pretokenized, lowercase}) {
    Object.assign(this, {tokens, pretokenized, lowercase});
    this.ids = new Map(tokens.map((token, id) => [token, id]));
    this.offered = tokens.map((token, id) => id > EOS && isWord(token));
    // By their text, for those that begin alike; and for each word with a space the one without, or 0.
    this.sorted = [...tokens.keys()].slice(EOS + 1).sort((a, b) => (tokens[a] < tokens[b] ? -1 : 1));
    this.twin = tokens.map((token, id) => (id > EOS && token.startsWith(" ") ? this.ids.get(token.slice(1)) ?? UNK : UNK));
    this.twinned = new Set(this.twin.filter((id) => id !== UNK));
  }

  /** The parts of a line, each with its leading space; the line begins with one. */
  parts(line) {
    let text = ` ${line}`;
    if (line === "") return [];
    if (this.pretokenized) text = text.replace(/ +$/u, "").replace(/ {2,}/gu, " ");
    return (this.lowercase ? text.toLowerCase() : text).match(this.pretokenized ? / [^ ]*/gu : WORDS) ?? [];
  }

  encode(line) {
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
    const line = normal(last) + last.slice(last.trimEnd().length);
    const word = this.lastWord(line);
    if (word) {
      const start = line.length - word.length;
      const spaced = start === 0 || line[start - 1] === " ";
      const typed = (spaced ? " " : "") + (this.lowercase ? word.toLowerCase() : word);
      const known = this.ids.has(typed) || (this.pretokenized && word === this.tokens[UNK]);
      const half = !known && (/[\p{L}\p{N}]$/u.test(word) || this.range(typed).length > 0);
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
    const part = line.slice(Math.max(line.length - 200, line.lastIndexOf(" ") + 1)).match(WORDS)?.pop() ?? "";
    const word = part.trimStart();
    // An apostrophe after a word may still become one inside it.
    const open = OPEN_WORD.exec(line);
    if (open) return open[0];
    return /^[\p{L}\p{N}]/u.test(word) ? word : "";
  }

  /** The types that begin with a text, as a piece of `sorted`. */
  range(prefix) {
    const place = (text) => {
      let low = 0, high = this.sorted.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (this.tokens[this.sorted[middle]] < text) low = middle + 1;
        else high = middle;
      }
      return low;
    };
    return this.sorted.slice(place(prefix), place(`${prefix}\u{10ffff}`));
  }

  /** The `n` likeliest words at an opening, with probabilities, from the log-probabilities of all types there. */
  likeliest(opening, logProbs, n) {
    const best = [];
    let total = 0;
    const offer = (id, mass) => {
      if (!this.offered[id] || mass <= 0 || (best.length === n && mass < best[n - 1][0])) return;
      best.push([mass, this.tokens[id].replace(/^ /u, "")]);
      best.sort((x, y) => y[0] - x[0] || (x[1] < y[1] ? -1 : 1));
      best.length = Math.min(best.length, n);
    };
    if (opening.typed === "") {
      const goesOn = this.goingOn(opening.before);
      const mass = (id) => (!this.tokens[id].startsWith(" ") && goesOn.test(this.tokens[id]) ? 0 : Math.exp(logProbs[id]));
      for (let id = EOS + 1; id < this.tokens.length; id += 1) {
        // A word with its space and one without are the same word here.
        if (this.twin[id]) offer(id, mass(id) + mass(this.twin[id]));
        else if (!this.twinned.has(id)) offer(id, mass(id));
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
    return best.map(([mass, text]) => ({text, probability: mass / total}));
  }

  /** What a token without a space begins with if it only goes on with the word or symbol that a text ends with. */
  goingOn(before) {
    if (OPEN_WORD.test(before) && !this.pretokenized) return /^[\p{L}\p{M}]/u;
    const last = this.parts(before).pop()?.trimStart() ?? "";
    if (/^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/u.test(last)) return /^\p{M}/u;
    if (/^\p{L}/u.test(last)) return /^[\p{L}\p{M}'’\u200c\u200d]/u;
    if (/^\p{N}/u.test(last)) return /^[\p{N}\p{M}]/u;
    if (last === "") return /^(?!)/u;
    const symbol = [...last][0].replace(/[\\^$.*+?()[\]{}|/]/gu, "\\$&");
    return new RegExp(`^(?:${symbol}|\\p{M})`, "u");
  }
}
