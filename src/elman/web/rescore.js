// Rescore: n-best lists of a recogniser, in the order in which the models would have them.

import {add} from "./dom.js";
import {ask} from "./server.js";
import {mountShaded} from "./shaded.js";
import {announcer, asking} from "./views.js";

const DELAY = 250;
const HINT = "A hypothesis a line, the recogniser's choice first; a blank line between lists. Scores may follow after tabs.";

/** A field for lists, and the lists as each model orders them. */
export function rescore(root, page) {
  root.replaceChildren();
  const shaded = mountShaded(root, {
    label: "N-best lists", placeholder: "recognise speech\nwreck a nice beach", value: page.text, hint: HINT, paint() {}, say: () => "",
    onChange(text) {
      page.text = text;
      for (const each of all) each.later();
    },
  });
  const columns = add(root, "div", {className: "columns"}), told = announcer(root);
  const all = page.chosen().map((model) => {
    const column = add(columns, "div", {className: "rescored"});
    add(column, "h2", {textContent: model});
    const body = add(column, "div", {}), note = add(column, "p", {className: "note"});
    return asking(page, model, DELAY, async (signal) => {
      const given = listsOf(shaded.text);
      const {lists, weights} = given.length ? await ask("v1/rescore", {model, lists: given}, signal) : {lists: [], weights: {}};
      body.replaceChildren();
      lists.forEach((list, at) => show(body, list, given[at].hypotheses.map(({text}) => text)));
      note.textContent = Object.entries(weights).filter(([, weight]) => weight).map(([name, weight]) => `${weight} × ${name}`).join(" + ");
      if (note.textContent) note.textContent = `Total = ${note.textContent}.`;
      told.say(lists.map(({id, hypotheses: [best]}) => `${id}: ${best.text}`).join("; "));
    });
  });
  for (const each of all) each.now();
  shaded.field.focus();
  return () => {
    for (const each of [...all, told]) each.stop();
    shaded.destroy();
  };
}

/** The lists in a text, as the server takes them. */
function listsOf(text) {
  const lists = [];
  let last = null;
  for (const line of text.split("\n")) {
    if (!line.trim()) {
      last = null;
      continue;
    }
    const cells = line.split("\t").map((cell) => cell.trim()), scores = [];
    while (cells.length > 1 && cells.at(-1) !== "" && Number.isFinite(Number(cells.at(-1)))) scores.unshift(Number(cells.pop()));
    const words = cells.pop(), id = cells.join(" ");
    if (!last || id !== last.id) lists.push(last = {id, hypotheses: []});
    const names = scores.map((_, at) => scores.length === 1 ? "score" : `score${at + 1}`);
    last.hypotheses.push({text: words, scores: Object.fromEntries(names.map((name, at) => [name, scores[at]]))});
  }
  return lists.map(({id, hypotheses}) => id ? {id, hypotheses} : {hypotheses});
}

function show(body, {id, hypotheses}, given) {
  const table = add(add(body, "div", {className: "steps"}), "table", {});
  add(table, "caption", {textContent: `List ${id}`});
  const head = add(table, "tr", {}), plain = (text) => text.trim().split(/\s+/).join(" ");
  for (const name of ["hypothesis", "was", "model", "total"]) add(head, "th", {scope: "col", textContent: name});
  for (const {text, model, total} of hypotheses) {
    const row = add(table, "tr", {}), was = given.findIndex((each) => plain(each) === plain(text)) + 1;
    for (const cell of [text || "(nothing)", was || "", model.toFixed(1), total.toFixed(1)]) add(row, "td", {textContent: cell});
  }
}
