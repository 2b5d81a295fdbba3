// Memory: how much each earlier word still matters for the chosen one, as boxes that fade.

import {add, named} from "./dom.js";
import {ask} from "./server.js";
import {mountShaded} from "./shaded.js";
import {percent} from "./typing.js";

const SEEN = 1e-6;
const MATTERS = 0.5;
const PAUSE = 500;

export function memory(root, page) {
  root.replaceChildren();
  const field = mountShaded(root, {
    label: "Text, of which the last line is looked at", placeholder: "Type a sentence", value: page.text, say: () => "",
    hint: "Choose a word below. The stronger the colour of a box before it, the more the prediction there changes when that "
      + "word is left out (in bits).",
    onChange(text) {
      page.text = text;
      clearTimeout(timer);
      timer = setTimeout(() => look(null), PAUSE);
    },
  });
  const rows = add(root, "div", {});
  let running = new AbortController(), latest = [], timer = 0;

  // Models cut a line into words in ways of their own; what they share is where a word begins in it.
  async function look(offset) {
    running.abort();
    running = new AbortController();
    const {signal} = running, line = page.text.trimEnd().split("\n").pop() ?? "";
    if (!line.trim()) {
      rows.replaceChildren();
      return;
    }
    try {
      const found = await Promise.all(page.chosen().map((model, row) => {
        const place = offset === null ? null : placeAt(latest[row].words, offset);
        return ask("v1/memory", {model, text: line, place}, signal);
      }));
      latest = found;
      const row = [...rows.children].findIndex((each) => each.contains(document.activeElement));
      const place = document.activeElement?.dataset?.place;
      rows.replaceChildren(...found.map((each) => draw(each, look)));
      rows.children[row]?.querySelector(`[data-place="${place}"]`)?.focus();
      page.trouble(null);
    } catch (error) {
      page.trouble(error);
    }
  }

  look(null);
  return () => {
    running.abort();
    clearTimeout(timer);
    field.destroy();
  };
}

/** Which word a character of the line is in. */
function placeAt(words, offset) {
  let end = 0;
  const place = words.findIndex((word) => (end += word.text.length) > offset);
  return place < 0 ? words.length : place;
}

/** What leaving a word out does, in a sentence. */
function said(found, word) {
  const name = `“${word.text.trim()}”`;
  if (word.bits <= SEEN) return `${name} is out of sight here: without it nothing changes.`;
  const change = `Without ${name} the prediction changes by ${word.bits.toFixed(2)} bits`;
  if (word.change === null) return `${change}.`;
  const more = Math.abs(word.change).toFixed(2);
  return `${change}, and “${found.target.text.trim()}” costs ${more} bits ${word.change < 0 ? "less" : "more"}.`;
}

function draw(found, look) {
  const row = document.createElement("div");
  row.className = "row";
  const seen = found.words.slice(0, found.place).map((word) => word.bits > SEEN);
  const far = seen.indexOf(true), felt = found.words.slice(0, found.place).findIndex((word) => word.bits >= MATTERS);
  const reach = far < 0 ? 0 : found.place - far;
  const back = (words) => `${words} word${words === 1 ? "" : "s"}`;
  const window = reach < found.place ? `only the last ${back(reach)} ${reach === 1 ? "counts" : "count"} here`
    : felt < 0 ? "no single word matters much" : `still feels “${found.words[felt].text.trim()}”, ${back(found.place - felt)} back`;
  add(row, "h2", {textContent: found.place ? `${found.model}: ${window}` : `${found.model}: nothing has been read yet`});
  const boxes = add(row, "div", {className: "boxes"});
  const likely = found.top.map((word) => `${named(word.text)} ${percent(Math.pow(2, -word.bits))}`);
  const expected = `Expected there: ${likely.join("   ·   ")}`;
  const told = document.createElement("p");
  Object.assign(told, {className: "soft told", textContent: expected});
  let offset = 0;
  for (const [place, word] of found.words.entries()) {
    const box = add(boxes, "button", {type: "button", className: "box"});
    box.dataset.place = place;
    add(box, "span", {textContent: word.text.trim() || "␣"});
    const before = place < found.place;
    // Each bit halves what is left of white: else the word right before, without which it is no sentence, would leave
    // all others pale. A shade means the same for every model and sentence.
    const share = before ? 1 - Math.pow(2, -word.bits) : 0;
    box.style.setProperty("--share", share);
    box.classList.toggle("dark", share > 0.5);
    box.classList.toggle("later", place > found.place);
    box.classList.toggle("unseen", before && !seen[place]);
    const figure = before ? (seen[place] ? word.bits.toFixed(word.bits < 0.095 ? 3 : 2) : "0") : place === found.place ? `${found.target.bits.toFixed(1)} bits` : " ";
    add(box, "small", {textContent: figure});
    box.setAttribute("aria-pressed", String(place === found.place));
    const about = before ? said(found, word) : expected;
    box.setAttribute("aria-label", before ? `${word.text.trim()}. ${about}` : word.text.trim());
    for (const event of ["mouseenter", "focus"]) box.addEventListener(event, () => { told.textContent = about; });
    for (const event of ["mouseleave", "blur"]) box.addEventListener(event, () => { told.textContent = expected; });
    const start = offset + word.text.search(/\S|$/u);
    box.addEventListener("click", () => look(start));
    offset += word.text.length;
  }
  const next = add(boxes, "button", {type: "button", className: "box"});
  next.dataset.place = found.words.length;
  add(next, "span", {textContent: "…"});
  add(next, "small", {textContent: "next"});
  next.setAttribute("aria-pressed", String(found.place === found.words.length));
  next.setAttribute("aria-label", "the next word");
  next.addEventListener("click", () => look(null));
  row.append(told);
  return row;
}
