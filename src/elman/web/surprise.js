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
  for (const model of page.chosen()) show(add(columns, "div", {}), model, page, running.signal);
  const legend = add(root, "p", {className: "legend"});
  legend.append("expected (0 bits) ");
  add(legend, "i", {});
  legend.append(` a surprise (${MOST} bits and more). Each line is judged by itself.`);
  return () => running.abort();
}

async function show(column, model, page, signal) {
  add(column, "h2", {textContent: model});
  let found;
  try {
    found = await ask("v1/score", {model, text: page.text, top: 5}, signal);
  } catch (error) {
    page.trouble(error);
    return;
  }
  const bytes = new TextEncoder().encode(page.text.replace(/\n*$/u, "\n")).length;
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
  for (const line of found.lines) {
    for (const [place, token] of line.per_token.entries()) {
      const end = place === line.per_token.length - 1;
      const button = add(text, "button", {type: "button", className: "token", textContent: end ? "↵" : token.text});
      button.style.setProperty("--share", Math.min(token.bits / MOST, 1) * 0.7);
      button.setAttribute("aria-pressed", "false");
      button.setAttribute("aria-label", `${end ? "line end" : token.text.trim()}, ${token.bits.toFixed(1)} bits`);
      const look = () => {
        pressed?.setAttribute("aria-pressed", "false");
        pressed = button;
        button.setAttribute("aria-pressed", "true");
        detail.replaceChildren();
        const said = add(detail, "p", {});
        add(said, "b", {textContent: end ? "line end" : token.text.trim()});
        said.append(`  ${token.bits.toFixed(1)} bits, ${percent(Math.pow(2, -token.bits))}. Expected here:`);
        const list = add(detail, "ul", {});
        for (const other of token.top) {
          add(list, "li", {textContent: `${other.text === "\n" ? "line end" : other.text.trim() || "space"} ${percent(Math.pow(2, -other.bits))}`});
        }
      };
      for (const event of ["mouseenter", "focus", "click"]) button.addEventListener(event, look);
    }
    text.append("\n");
  }
}
