// Answer: a question to a text, whose answer is marked in it, or to the documents of an index.

import {add} from "./dom.js";
import {ask} from "./server.js";
import {inUnits, mountShaded} from "./shaded.js";
import {announcer, asking, column, columnsOf, parts} from "./views.js";

const DELAY = 200;
/** The question, also while other views are looked at. */
let asked = "";

/** A question, and for each model its answer: a reader's beside the text that it reads, an index's with the sentence. */
export function answer(root, page) {
  root.replaceChildren();
  const form = add(root, "form", {className: "controls"}), all = [];
  const question = add(add(form, "label", {textContent: "Question", className: "wide"}), "input", {
    type: "search", name: "question", value: asked, placeholder: "Who, when, where, how many ...?", autocomplete: "off", maxLength: 10000,
  });
  const leave = columnsOf(add(root, "div", {}), page, "answer", (...given) => {
    const {elman: {abilities}} = page.models.find(({id}) => id === given[1]);
    all.push(abilities.includes("rank") ? documents(...given) : passage(...given));
    return all.at(-1);
  });
  question.addEventListener("input", () => {
    asked = question.value;
    for (const each of all) each.questions.later();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    for (const each of all) each.questions.now();
  });
  question.focus();
  return leave;
}

/** A text that a reader reads. */
function passage(root, model, page, onChange) {
  const [left, right] = parts(root);
  const shaded = mountShaded(left, {
    label: `Text, read by ${model}`, placeholder: "Paste a text", value: page.text, paint, say: () => "This is the answer.",
    hint: "An answer is marked in the text.",
    onChange(text) {
      onChange(text);
      questions.later();
    },
  });
  add(right, "h2", {textContent: "Answer"});
  const shown = result(right), told = announcer(right);
  const questions = asking(page, model, DELAY, async (signal) => {
    const text = shaded.text, given = asked.trim() && text.trim();
    const found = given ? await ask("v1/answer", {model, question: asked, passage: text}, signal) : null;
    shaded.shade(text, found?.text ? inUnits(text, [found]) : []);
    shown(found);
    if (found) told.say(said(found));
  });
  questions.now();
  return Object.assign(column(shaded, questions, told), {questions});
}

/** The documents of an index, which a reader that is served too reads. */
function documents(root, model, page) {
  add(root, "h2", {textContent: `Answer from ${model}`});
  const shown = result(root), told = announcer(root);
  const questions = asking(page, model, DELAY, async (signal) => {
    const found = asked.trim() ? await ask("v1/answer", {model, question: asked}, signal) : null;
    shown(found);
    if (found) told.say(said(found));
  });
  questions.now();
  return {
    questions, text: "", focus() {},
    destroy() {
      questions.stop();
      told.stop();
    },
  };
}

/** Shows an answer, or none; that of an index with its sentence. */
function result(root) {
  const made = add(root, "p", {className: "made given-answer"}), sentence = add(root, "p", {className: "snippet"});
  const note = add(root, "p", {className: "note"});
  return (found) => {
    made.textContent = found ? said(found) : "";
    made.classList.toggle("none", found?.text === null);
    sentence.replaceChildren();
    note.textContent = found ? `${found.reason[0].toUpperCase()}${found.reason.slice(1)}.` : "";
    if (!found?.document) return;
    quote(sentence, found);
    note.prepend(`From ${found.document}${found.reader ? `, read by ${found.reader}` : ""}. `);
  };
}

function said({text}) {
  return text === null ? "Not in the text." : text.split(/\s+/).join(" ");
}

/** The sentence with the answer marked. */
function quote(line, {sentence, text}) {
  const start = text === null ? -1 : sentence.indexOf(text);
  if (start < 0) {
    line.textContent = sentence;
    return;
  }
  line.append(sentence.slice(0, start));
  add(line, "mark", {textContent: text});
  line.append(sentence.slice(start + text.length));
}

function paint(span) {
  span.className = "central";
}
