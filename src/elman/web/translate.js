// Translate: each line in the other language as one types; pointing at a word marks the words that go with it.

import {add} from "./dom.js";
import {ask} from "./server.js";
import {mountShaded} from "./shaded.js";
import {linesOf} from "./tagged.js";
import {percent} from "./typing.js";
import {announcer, asking, column, columnsOf, parts} from "./views.js";

const DELAY = 150;
/** Less attention is not shown. */
const BARELY = 0.02;
const NAMED = 3;
const HINT = "Point at a word, or put the cursor into it.";

/** A field, and what becomes of its text, for each model, all with one text. */
export function translate(root, page) {
  return columnsOf(root, page, "translate", mount);
}

function mount(root, model, page, onChange) {
  const [left, right] = parts(root);
  let lines = [], shares = [];
  const shaded = mountShaded(left, {
    label: `Text, translated by ${model}`, placeholder: "Type a text", value: page.text, hint: HINT, paint, say, point,
    onChange(text) {
      onChange(text);
      questions.later();
    },
  });
  add(right, "h2", {textContent: "Translation"});
  const made = add(right, "div", {className: "made translated"});
  const note = add(right, "p", {className: "soft told"});
  const told = announcer(right);
  const attends = page.models.find(({id}) => id === model).elman.attention !== "none";

  function paint(span, word) {
    const share = word.line === shares.line ? shares[word.at] : 0;
    if (share < BARELY) return;
    span.className = "looked-at";
    span.style.setProperty("--share", share.toFixed(3));
  }

  /** How much each word of the target looks at a word of the source. */
  function looking({line, at}) {
    return lines[line].rows.map((row) => row[at]);
  }

  function say(word) {
    return `“${word.text}” goes with ${listed(lines[word.line].words.map((each) => each.textContent), looking(word))}.`;
  }

  function point(word) {
    for (const each of lines.flatMap((line) => line.words)) each.style.removeProperty("--share");
    if (word) looking(word).forEach((share, at) => lines[word.line].words[at].style.setProperty("--share", share.toFixed(3)));
  }

  /** A word of the target is pointed at: the words of the source that it looks at are shaded. */
  function look(line, at) {
    shares = at === null ? [] : Object.assign([...lines[line].rows[at]], {line});
    shaded.shade(shaded.text, lines.flatMap((each) => each.places));
    const names = lines[line].places.map((place) => place.text);
    note.textContent = at === null ? "" : `“${lines[line].words[at].textContent}” looks at ${listed(names, shares)}.`;
  }

  function show(sources, translations) {
    made.replaceChildren();
    note.textContent = "";
    shares = [];
    lines = translations.map(({translation, attention}, number) => {
      const line = add(made, "p", {});
      if (!attention) {
        line.textContent = translation;
        return {rows: [], words: [], places: []};
      }
      const words = attention.target.map((text, at) => {
        const word = add(line, "span", {textContent: text, tabIndex: 0});
        for (const name of ["pointerenter", "focus"]) word.addEventListener(name, () => look(number, at));
        for (const name of ["pointerleave", "blur"]) word.addEventListener(name, () => look(number, null));
        line.append(" ");
        return word;
      });
      return {rows: attention.attention, words, places: placesOf(sources[number], number, attention.source)};
    });
    shaded.shade(shaded.text, lines.flatMap((each) => each.places));
  }

  const questions = asking(page, model, DELAY, async (signal) => {
    const sources = linesOf(shaded.text);
    if (!sources.length) return show([], []);
    const input = sources.map((line) => line.text);
    const {translations} = await ask("v1/translate", {model, input, attention: attends}, signal);
    show(sources, translations);
    told.say(translations.map(({translation}) => translation).join(" "));
  });
  questions.now();
  return column(shaded, questions, told);
}

/** The words of a line as they stand in the whole text. */
function placesOf({text, base}, line, words) {
  return [...text.matchAll(/\S+/g)].slice(0, words.length).map((match, at) => {
    const start = base + match.index;
    return {start, end: start + match[0].length, text: match[0], line, at};
  });
}

/** The names with the largest shares, and these. */
function listed(names, shares) {
  const most = names.map((name, at) => [name, shares[at]]).filter(([, share]) => share >= BARELY);
  most.sort((one, other) => other[1] - one[1]);
  return most.slice(0, NAMED).map(([name, share]) => `“${name}” ${percent(share)}`).join(", ") || "nothing";
}
