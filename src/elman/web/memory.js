// Memory: how much each earlier word still matters for the chosen one, as boxes that fade.

import {add} from "./dom.js";
import {ask} from "./server.js";
import {percent} from "./typing.js";

const SEEN = 1e-6;
const MATTERS = 0.5;

export function memory(root, page) {
  root.replaceChildren();
  const line = page.text.trimEnd().split("\n").pop() ?? "";
  if (!line.trim()) {
    add(root, "p", {className: "note", textContent: "Type a sentence first: this view shows which of its words a model still remembers."});
    return null;
  }
  add(root, "p", {className: "note", textContent:
    "Choose a word. The darker a box before it, the more the prediction there changes when that word is left out (in bits)."});
  const rows = add(root, "div", {});
  let running = new AbortController();

  async function look(place) {
    running.abort();
    running = new AbortController();
    const {signal} = running;
    try {
      const found = await Promise.all(page.chosen().map((model) => ask("v1/memory", {model, text: line, place}, signal)));
      const focused = document.activeElement?.dataset?.place;
      rows.replaceChildren(...found.map((each) => draw(each, look)));
      rows.querySelector(`[data-place="${focused}"]`)?.focus();
    } catch (error) {
      page.trouble(error);
    }
  }

  look(null);
  return () => running.abort();
}

function draw(found, look) {
  const row = document.createElement("div");
  row.className = "row";
  const seen = found.words.slice(0, found.place).map((word) => word.bits > SEEN);
  const far = seen.indexOf(true), felt = found.words.slice(0, found.place).findIndex((word) => word.bits >= MATTERS);
  const reach = far < 0 ? 0 : found.place - far;
  const back = (words) => `${words} word${words === 1 ? "" : "s"}`;
  const window = reach < found.place ? `sees the last ${back(reach)}, and nothing before`
    : felt < 0 ? "no single word matters much" : `still feels “${found.words[felt].text.trim()}”, ${back(found.place - felt)} back`;
  add(row, "h2", {textContent: found.place ? `${found.model}: ${window}` : `${found.model}: nothing has been read yet`});
  const boxes = add(row, "div", {className: "boxes"});
  for (const [place, word] of found.words.entries()) {
    const box = add(boxes, "button", {type: "button", className: "box"});
    box.dataset.place = place;
    add(box, "span", {textContent: word.text.trim() || "␣"});
    const before = place < found.place;
    // Each bit halves what is left of white: else the word right before, without which it is no sentence, would leave
    // all others pale. A shade means the same for every model and sentence.
    const share = before ? (1 - Math.pow(2, -word.bits)) * 0.85 : 0;
    box.style.setProperty("--share", share);
    box.classList.toggle("dark", share > 0.5);
    box.classList.toggle("later", place > found.place);
    box.classList.toggle("unseen", before && !seen[place]);
    const figure = before ? (seen[place] ? word.bits.toFixed(word.bits < 0.095 ? 3 : 2) : "0") : place === found.place ? `${found.target.bits.toFixed(1)} bits` : " ";
    add(box, "small", {textContent: figure});
    box.setAttribute("aria-pressed", String(place === found.place));
    box.setAttribute("aria-label", before
      ? `${word.text.trim()}: without it the prediction changes by ${word.bits.toFixed(2)} bits`
      : place === found.place ? `${word.text.trim()}, chosen` : word.text.trim());
    box.addEventListener("click", () => look(place));
  }
  const next = add(boxes, "button", {type: "button", className: "box"});
  next.dataset.place = found.words.length;
  add(next, "span", {textContent: "…"});
  add(next, "small", {textContent: "next"});
  next.setAttribute("aria-pressed", String(found.place === found.words.length));
  next.setAttribute("aria-label", "the next word");
  next.addEventListener("click", () => look(found.words.length));
  const likely = found.top.map((word) => `${word.text === "\n" ? "line end" : word.text.trim()} ${percent(Math.pow(2, -word.bits))}`);
  add(row, "p", {className: "soft", textContent: `expected there: ${likely.join("   ·   ")}`});
  return row;
}
