// Summarize: the most central sentences of a text, marked in it and by themselves.

import {add} from "./dom.js";
import {ask} from "./server.js";
import {inUnits, mountShaded} from "./shaded.js";
import {announcer, asking, parts} from "./views.js";

const DELAY = 300;
const settings = {sentences: 3, by: ""};

/** A field with marked sentences, and the summary. */
export function summarize(root, page) {
  root.replaceChildren();
  const controls = add(root, "form", {className: "controls"});
  controls.addEventListener("submit", (event) => event.preventDefault());
  const count = add(add(controls, "label", {textContent: "Sentences"}), "input", {
    type: "number", name: "sentences", min: 1, max: 100, value: settings.sentences, required: true,
  });
  const by = add(add(controls, "label", {textContent: "Sentences are alike by"}), "select", {name: "by"});
  const able = page.models.filter(({elman}) => elman.abilities.includes("summarize"));
  by.append(new Option("their words", ""), ...able.map(({id}) => new Option(`vectors of ${id}`, id)));
  if (able.some(({id}) => id === settings.by)) by.value = settings.by;
  by.parentElement.hidden = able.length === 0;
  const [left, right] = parts(add(root, "div", {className: "summarize parted"}));
  const shaded = mountShaded(left, {
    label: "Text", placeholder: "Paste a text of several sentences", value: page.text, paint, say,
    hint: "The sentences of the summary are marked. Point at one to see how central it is.",
    onChange(text) {
      page.text = text;
      questions.later();
    },
  });
  add(right, "h2", {textContent: "Summary"});
  const made = add(right, "ol", {className: "made summary"});
  made.setAttribute("aria-label", "Summary");
  const told = announcer(right);
  const questions = asking(page, "", DELAY, async (signal) => {
    const text = shaded.text;
    if (!count.checkValidity()) return;
    settings.sentences = count.valueAsNumber;
    settings.by = by.value;
    const body = {text, sentences: settings.sentences, ...(by.value && {model: by.value})};
    // A text without words has no sentences.
    const {sentences} = /[\p{L}\p{N}]/u.test(text) ? await ask("v1/summarize", body, signal) : {sentences: []};
    shaded.shade(text, inUnits(text, sentences));
    made.replaceChildren();
    for (const {text} of sentences) add(made, "li", {textContent: text.split(/\s+/).join(" ")});
    if (sentences.length) told.say(`Summary: ${sentences.map(({text}) => text).join(" ")}`);
  });
  for (const field of [count, by]) field.addEventListener("input", questions.later);
  questions.now();
  shaded.field.focus();
  return () => {
    questions.stop();
    told.stop();
    shaded.destroy();
  };
}

function paint(span) {
  span.className = "central";
}

function say({centrality}) {
  return `This sentence has ${(100 * centrality).toFixed(1)}% of all centrality.`;
}
