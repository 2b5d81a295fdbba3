// Surprise: every word shaded by the bits it costs, and what would have stood there instead.

import {add} from "./dom.js";
import {ask} from "./server.js";
import {percent} from "./typing.js";

const MOST = 16;

export function surprise(root, page) {
  const running = new AbortController();
  root.replaceChildren();
  if (!page.text.trim()) {
    add(root, "p", {className: "note", textContent: "Type something first: this view shades each word of your text by how little it was expected."});
    return null;
  }
  const columns = add(root, "div", {className: "columns"});
  const places = new Map();
  for (const model of page.chosen()) show(add(columns, "div", {}), {model, page, places, signal: running.signal});
  const legend = add(root, "p", {className: "legend"});
  legend.append("expected (0 bits) ");
  add(legend, "i", {});
  legend.append(` a surprise (${MOST} bits and more). Each line is judged by itself.`);
  return () => running.abort();
}

/** Tokens of which each is at least a character: bytes that are one only together become one, with the bits of all. */
function whole(tokens) {
  const found = [];
  let bytes = [];
  for (const token of tokens) {
    if (!/^bytes:(\\x[0-9a-f]{2})+$/.test(token.text)) {
      found.push({...token});
      bytes = [];
      continue;
    }
    if (!bytes.length) found.push({...token, bits: 0});
    bytes.push(...token.text.match(/(?<=\\x)../g).map((pair) => parseInt(pair, 16)));
    const last = found.at(-1);
    last.bits += token.bits;
    try {
      last.text = new TextDecoder("utf-8", {fatal: true}).decode(new Uint8Array(bytes));
      bytes = [];
    } catch {
      // More of them come.
    }
  }
  return found;
}

/** One model's column. `places` has what shows a word, in all columns, by where in the text the word begins. */
async function show(column, {model, page, places, signal}) {
  add(column, "h2", {textContent: model});
  let found;
  try {
    found = await ask("v1/score", {model, text: page.text, top: 5}, signal);
  } catch (error) {
    page.trouble(error);
    return;
  }
  const bytes = found.lines.reduce((all, line) => all + new TextEncoder().encode(line.text).length + 1, 0);
  const figures = add(column, "p", {className: "figures"});
  add(figures, "b", {textContent: (found.bits / bytes).toFixed(3)});
  figures.append(" bits per byte, perplexity ");
  add(figures, "b", {textContent: Math.pow(2, found.bits / found.tokens).toFixed(1)});
  figures.append(` per token, ${found.oov} unknown`);
  const text = add(column, "p", {className: "text"});
  const detail = add(column, "div", {className: "detail"});
  detail.setAttribute("aria-live", "polite");
  add(detail, "p", {className: "soft", textContent: "Point at a word, or go through them with Tab."});
  let pressed = null;
  for (const [number, line] of found.lines.entries()) {
    let start = 0;
    const tokens = whole(line.per_token);
    for (const [place, token] of tokens.entries()) {
      const end = place === tokens.length - 1;
      // A token that a line begins with may bring a space that the line has not.
      const word = line.text.startsWith(token.text, start) ? token.text : token.text.trimStart();
      const button = add(text, "button", {type: "button", className: "token", textContent: end ? "↵" : word});
      button.style.setProperty("--share", Math.min(token.bits / MOST, 1) * 0.7);
      button.setAttribute("aria-pressed", "false");
      button.setAttribute("aria-label", `${end ? "line end" : token.text.trim() || "space"}, ${token.bits.toFixed(1)} bits`);
      const look = () => {
        pressed?.setAttribute("aria-pressed", "false");
        pressed = button;
        button.setAttribute("aria-pressed", "true");
        detail.replaceChildren();
        const said = add(detail, "p", {});
        add(said, "b", {textContent: end ? "line end" : token.text.trim() || "space"});
        said.append(`  ${token.bits.toFixed(1)} bits, ${percent(Math.pow(2, -token.bits))}. Expected here:`);
        const list = add(detail, "ul", {});
        for (const other of token.top) {
          add(list, "li", {textContent: `${other.text === "\n" ? "line end" : other.text.trim() || "space"} ${percent(Math.pow(2, -other.bits))}`});
        }
      };
      const where = `${number}:${start}`;
      if (!places.has(where)) places.set(where, []);
      const here = places.get(where);
      here.push(look);
      for (const event of ["mouseenter", "focus", "click"]) {
        button.addEventListener(event, () => here.forEach((each) => each()));
      }
      start += word.length;
    }
    text.append("\n");
  }
}
