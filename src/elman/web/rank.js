// Rank: the documents of an index that answer a query best, with the words that were matched marked.

import {add} from "./dom.js";
import {ask} from "./server.js";
import {inUnits} from "./shaded.js";
import {announcer, asking} from "./views.js";

const DELAY = 150;
const MOST = 10;

/** A list of documents for each index, all for one query. */
export function rank(root, page) {
  root.replaceChildren();
  const form = add(root, "form", {className: "controls"});
  const query = add(add(form, "label", {textContent: "Query", className: "wide"}), "input", {
    type: "search", name: "query", value: page.text, placeholder: "Words to look for", autocomplete: "off", maxLength: 10000,
  });
  const columns = add(root, "div", {className: "columns"}), told = announcer(root);
  const all = page.chosen().map((model) => {
    const column = add(columns, "div", {});
    add(column, "h2", {textContent: model});
    const list = add(column, "ol", {className: "hits"}), note = add(column, "p", {className: "note"});
    list.setAttribute("aria-label", `Documents of ${model}`);
    return asking(page, model, DELAY, async (signal) => {
      const wanted = query.value.trim();
      const {documents} = wanted ? await ask("v1/rank", {model, query: wanted, n: MOST}, signal) : {documents: []};
      list.replaceChildren();
      for (const each of documents) show(add(list, "li", {}), each);
      note.textContent = documents.length || !wanted ? "" : "No document has a word of the query.";
      if (wanted) told.say(documents.length ? `${documents.length} documents, first ${documents[0].id}` : note.textContent);
    });
  });
  query.addEventListener("input", () => {
    page.text = query.value;
    for (const each of all) each.later();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    for (const each of all) each.now();
  });
  for (const each of all) each.now();
  query.focus();
  return () => {
    for (const each of [...all, told]) each.stop();
  };
}

function show(item, {id, score, snippet: {text, marks}}) {
  const head = add(item, "p", {className: "hit-head"});
  add(head, "b", {textContent: id});
  add(head, "span", {className: "soft", textContent: score.toFixed(2)}).title = "Score";
  const line = add(item, "p", {className: "snippet"});
  let end = 0;
  for (const mark of inUnits(text, marks.map(([start, end]) => ({start, end})))) {
    line.append(text.slice(end, mark.start));
    add(line, "mark", {textContent: text.slice(mark.start, mark.end)});
    ({end} = mark);
  }
  line.append(text.slice(end));
}
