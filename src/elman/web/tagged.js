// Tagged lines of a text: what the server said of each, and what the user made of it.

import {inUnits} from "./shaded.js";

/** The lines of a text that have words, with where each begins. */
export function linesOf(text) {
  let base = 0;
  const all = text.split("\n").map((line) => {
    const found = {text: line, base};
    base += line.length + 1;
    return found;
  });
  return all.filter((line) => line.text.trim());
}

/**
 * A line with the server's answer: its words, and its parts. A part is a run of words, from `first` to before `last`, with
 * its `kind`, a tag or the type of a span; null in no span. Places count UTF-16 units of the line.
 */
export function answered(line, {words, spans}) {
  words = inUnits(line.text, words);
  if (!spans) return {...line, words, parts: words.map((word, at) => partOf(at, at + 1, word.tag, word.probability))};
  const parts = inUnits(line.text, spans).map(({type, start, end, probability}) => {
    const first = words.findIndex((word) => word.start >= start);
    const after = words.findIndex((word) => word.start >= end);
    return partOf(first, after < 0 ? words.length : after, type, probability);
  });
  return {...line, words, parts: withGaps(words, parts)};
}

function partOf(first, last, kind, probability) {
  return {first, last, kind, probability, corrected: false};
}

/** Spans, and parts for the words in none, in order. */
function withGaps(words, spans) {
  const inside = new Set(spans.flatMap(wordsOf));
  const single = words.map((word, at) => partOf(at, at + 1, null, word.probability)).filter(({first}) => !inside.has(first));
  return [...spans, ...single].sort((one, other) => one.first - other.first);
}

function wordsOf({first, last}) {
  return Array.from({length: last - first}, (_, at) => first + at);
}

/** The parts of a line when its words from `first` to before `last` get another kind; spans that they touch are gone. */
export function recut({words, parts}, first, last, kind, {spanned}) {
  const own = {...partOf(first, last, kind, null), corrected: true};
  if (!spanned) return parts.map((part) => part.first >= first && part.first < last ? {...own, first: part.first, last: part.last} : part);
  const touched = parts.filter((part) => part.last > first && part.first < last);
  const changed = new Set([own, ...touched].flatMap(wordsOf));
  const spans = parts.filter((part) => part.kind !== null && !touched.includes(part));
  const all = withGaps(words, kind === null ? spans : [...spans, own]);
  return all.map((part) => changed.has(part.first) ? {...part, probability: null, corrected: true} : part);
}

/** Where a part stands in the whole text. */
export function placeOf({base, words}, {first, last}) {
  return {start: base + words[first].start, end: base + words[last - 1].end};
}

/** A corrected line as the server takes it: places count characters, as in Python. */
export function correction(line, {spanned}) {
  if (!spanned) return {text: line.text, tags: line.parts.map((part) => part.kind)};
  const characters = (units) => [...line.text.slice(0, units)].length;
  const spans = line.parts.filter(({kind}) => kind !== null).map((part) => {
    const [start, end] = [line.words[part.first].start, line.words[part.last - 1].end];
    return {type: part.kind, start: characters(start), end: characters(end)};
  });
  return {text: line.text, spans};
}

/** The probability of each kind at a word, from its tags; null: in no span. */
export function chancesOf(word, {spanned}) {
  const chances = new Map();
  for (const {tag, probability} of word.top ?? []) {
    const kind = spanned ? kindOf(tag) : tag;
    chances.set(kind, (chances.get(kind) ?? 0) + probability);
  }
  return chances;
}

function kindOf(tag) {
  const hyphen = tag.indexOf("-");
  return tag === "O" ? null : hyphen < 0 ? "" : tag.slice(hyphen + 1);
}
