// Tags: the words of a text coloured by their tags, or its spans by their types, as one types; and corrections of them.

import {mountBars} from "./bars.js";
import {add} from "./dom.js";
import {ask} from "./server.js";
import {mountShaded} from "./shaded.js";
import {answered, chancesOf, correction, linesOf, placeOf, recut} from "./tagged.js";
import {percent} from "./typing.js";
import {announcer, asking, column, columnsOf, parts} from "./views.js";

const DELAY = 60;
/** Characters of a text for whose words the other tags are asked too. */
const SHORT = 4000;
const TOP = 50;
const NAMED = 3;
const HINT = "Point at a word, or put the cursor into it.";
const HINT_CORRECT = "Put the cursor into a word, or select several, to correct their tag.";

/** A field for each model, all with one text. */
export function tags(root, page) {
  return columnsOf(root, page, "tags", mount);
}

function mount(root, model, page, onChange) {
  const able = page.models.find(({id}) => id === model).elman.abilities.includes("corrections");
  const hint = able ? HINT_CORRECT : HINT;
  const [left, right] = parts(root);
  let lines = [], read = null, kinds = [], spanned = false, chosen = null, marked = null;
  /** Corrected parts of lines, by the text of the line: a line that is typed again has them again. */
  const edits = new Map();
  /** The same of lines that were saved: they stay as they were corrected. */
  const kept = new Map();
  const shaded = mountShaded(left, {
    label: `Text, tagged by ${model}`, placeholder: "Type a text", value: page.text, hint, paint, say: ({part, line}) => said(part, line),
    onChange(text) {
      onChange(text);
      questions.later();
    },
  });
  const legend = add(left, "div", {className: "kinds"});
  legend.setAttribute("role", "group");
  legend.setAttribute("aria-label", "Tags in this text");
  const heading = add(right, "h2", {className: "tags-word"});
  const bars = mountBars(right, `Tags by ${model}`, "tags");
  const choice = add(right, "div", {className: "tags-choice", hidden: true});
  const found = add(right, "ol", {className: "tags-found", hidden: true});
  found.setAttribute("aria-label", `Spans by ${model}`);
  const saving = add(left, "p", {className: "tags-saving", hidden: true});
  const save = add(saving, "button", {type: "button", className: "act"});
  const drop = add(saving, "button", {type: "button", className: "more", textContent: "Forget them"});
  const saved = add(left, "p", {className: "soft tags-saved"});
  saved.setAttribute("role", "status");
  const told = announcer(right);

  function name(kind) {
    return kind === null ? "no span" : kind || "span";
  }

  function paint(span, {part}) {
    if (part.kind !== null) dye(span, part.kind, "tagged");
    span.classList.toggle("spanned", spanned && part.kind !== null);
    span.classList.toggle("corrected", part.corrected);
    span.classList.toggle("marked", part.kind !== null && part.kind === marked);
    if (spanned && part.kind !== null) span.dataset.kind = name(part.kind);
  }

  /** A colour of its own for each kind. Neighbours in the list differ in hue, and every other one in lightness. */
  function dye(element, kind, className) {
    const at = kinds.indexOf(kind);
    element.className = `${className}${at % 2 ? " deep" : ""}`;
    element.style.setProperty("--hue", ((at * 137.5 + 250) % 360).toFixed(1));
  }

  function words(part, line) {
    const {start, end} = placeOf(line, part);
    return shaded.text.slice(start, end);
  }

  function said(part, line) {
    const text = `“${words(part, line)}” is ${spanned && part.kind === null ? "in no span" : name(part.kind)}`;
    if (part.corrected) return `${text}, as you say.`;
    const others = [...chancesOf(line.words[part.first], {spanned})].filter(([kind]) => kind !== part.kind);
    others.sort((one, other) => other[1] - one[1]);
    const more = others.filter(([, chance]) => chance >= 0.01).slice(0, NAMED - 1).map(([kind, chance]) => `${name(kind)} ${percent(chance)}`);
    return `${text}: ${percent(part.probability)}${more.length ? `; ${more.join(", ")}` : ""}.`;
  }

  function draw() {
    const parts = lines.flatMap((line) => line.parts.map((part) => ({part, line, ...placeOf(line, part)})));
    shaded.shade(shaded.text, parts);
    const counts = new Map();
    for (const {part: {kind}} of parts) if (kind !== null) counts.set(kind, (counts.get(kind) ?? 0) + 1);
    legend.replaceChildren();
    for (const kind of kinds.filter((kind) => counts.has(kind))) {
      const button = add(legend, "button", {type: "button", title: `Mark all ${name(kind)}`});
      dye(add(button, "i", {}), kind, "swatch");
      button.append(`${name(kind)} ${counts.get(kind)}`);
      button.setAttribute("aria-pressed", String(kind === marked));
      button.addEventListener("click", () => {
        marked = kind === marked ? null : kind;
        draw();
        legend.querySelector("[aria-pressed=true]")?.focus();
      });
    }
    found.hidden = !spanned || counts.size === 0;
    found.replaceChildren();
    for (const {part, line} of spanned ? parts.filter(({part}) => part.kind !== null) : []) {
      const item = add(found, "li", {});
      dye(add(item, "i", {}), part.kind, "swatch");
      add(item, "span", {textContent: words(part, line)});
      add(item, "span", {className: "soft", textContent: `${name(part.kind)} ${part.corrected ? "(corrected)" : percent(part.probability)}`});
    }
    const changed = lines.filter((line) => edits.has(line.text)).length;
    saving.hidden = changed === 0;
    save.textContent = changed === 1 ? "Save 1 line for training" : `Save ${changed} lines for training`;
    detail();
  }

  /** The words that the cursor is in, or that are selected: a line, and which of its words. */
  function atCursor() {
    const {selectionStart: from, selectionEnd: to} = shaded.field;
    const line = lines.find(({base, text}) => base <= from && from <= base + text.length);
    if (!line) return null;
    const some = line.words.map((word, at) => ({at, start: line.base + word.start, end: line.base + word.end}));
    const touched = some.filter((word) => from === to ? word.start <= from && from <= word.end : word.start < to && word.end > from);
    if (!touched.length) return null;
    let [first, last] = [touched[0].at, touched.at(-1).at + 1];
    // The cursor between two words without a blank is in the one that it has just passed.
    if (from === to) last = first + 1;
    const part = line.parts.find((each) => each.first <= first && first < each.last);
    if (from === to) [first, last] = [part.first, part.last];
    return {line, first, last, part: part.first === first && part.last === last ? part : null};
  }

  function detail() {
    chosen = atCursor();
    const shown = chosen !== null;
    heading.textContent = shown ? `“${words(chosen, chosen.line)}”` : "";
    for (const each of [heading, bars.list]) each.hidden = !shown;
    bars.more.hidden ||= !shown;
    choice.hidden = !shown || !able;
    if (!shown) return;
    const chances = chancesOf(chosen.line.words[chosen.first], {spanned});
    const all = spanned ? [...kinds, null] : kinds;
    const by = {__proto__: null, ...Object.fromEntries(all.map((kind) => [name(kind), chances.get(kind) ?? 0]))};
    const single = chosen.last - chosen.first === 1;
    bars.list.hidden = !single || !chances.size;
    if (!bars.list.hidden) bars.show(all.map(name), {labels: chosen.part ? [name(chosen.part.kind)] : [], probabilities: by});
    else bars.more.hidden = true;
    if (able) offer(all);
  }

  /** A button for each kind that the chosen words could have. */
  function offer(all) {
    choice.replaceChildren();
    add(choice, "span", {className: "soft", textContent: "It should be"});
    for (const kind of all) {
      const button = add(choice, "button", {type: "button", className: "tags-kind", textContent: name(kind)});
      if (kind !== null) dye(button, kind, "tags-kind tagged");
      button.setAttribute("aria-pressed", String(chosen.part?.kind === kind));
      button.addEventListener("click", () => correct(kind));
    }
  }

  function correct(kind) {
    const {line, first, last} = chosen;
    const same = lines.filter(({text}) => text === line.text);
    for (const each of same) each.parts = recut(each, first, last, kind, {spanned});
    edits.set(line.text, line.parts);
    saved.textContent = "";
    draw();
    choice.querySelector("[aria-pressed=true]")?.focus();
  }

  async function send() {
    save.disabled = true;
    const waiting = lines.filter((line, at) => edits.has(line.text) && lines.findIndex(({text}) => text === line.text) === at);
    let count = 0;
    try {
      for (const line of waiting) {
        await ask("v1/corrections", {model, ...correction(line, {spanned})});
        edits.delete(line.text);
        kept.set(line.text, line.parts);
        count += 1;
      }
      page.trouble(null, model);
    } catch (error) {
      page.trouble(error, model);
    }
    save.disabled = false;
    if (count) saved.textContent = `Saved ${count === 1 ? "1 line" : `${count} lines`} as new training data.`;
    draw();
  }

  const questions = asking(page, model, DELAY, async (signal) => {
    const text = shaded.text, wanted = linesOf(text);
    let predictions = [];
    if (wanted.length) {
      const answer = await ask("v1/predict", {model, input: wanted.map((line) => line.text), top: text.length <= SHORT ? TOP : 0}, signal);
      ({predictions} = answer);
      spanned = answer.scheme !== null;
      kinds = spanned ? answer.types ?? [] : answer.labels;
      root.classList.toggle("with-spans", spanned);
    }
    read = text;
    lines = wanted.map((line, at) => answered(line, predictions[at]));
    for (const line of lines) line.parts = edits.get(line.text) ?? kept.get(line.text) ?? line.parts;
    draw();
    const all = lines.flatMap((line) => line.parts.map((part) => ({part, line}))).filter(({part}) => part.kind !== null);
    told.say(all.slice(-20).map(({part, line}) => `${words(part, line)} ${name(part.kind)}`).join(", ") || "no span");
  });

  function moved() {
    if (document.activeElement === shaded.field && read === shaded.text) detail();
  }

  document.addEventListener("selectionchange", moved);
  save.addEventListener("click", send);
  drop.addEventListener("click", () => {
    edits.clear();
    questions.now();
  });
  detail();
  questions.now();
  return column(shaded, questions, told, () => document.removeEventListener("selectionchange", moved));
}
