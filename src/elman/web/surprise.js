// Surprise: every word shaded by the bits it costs, and what would have stood there instead.

import {add, isTouch, named} from "./dom.js";
import {ask} from "./server.js";
import {mountShaded} from "./shaded.js";
import {percent} from "./typing.js";

const MOST = 16;
const PAUSE = 500;
/** So many characters are asked about at a time, in whole lines: a long text shows how far it is. */
const PART = 1500;

export function surprise(root, page) {
  root.replaceChildren();
  const field = mountShaded(root, {
    label: "Text", placeholder: "Type something", value: page.text, say: () => "",
    hint: "Each word is shaded by how little it was expected. The text can be changed here.",
    onChange(text) {
      page.text = text;
      clearTimeout(timer);
      timer = setTimeout(look, PAUSE);
    },
  });
  const results = add(root, "div", {});
  let running = new AbortController(), timer = 0;

  function look() {
    running.abort();
    running = new AbortController();
    results.replaceChildren();
    page.trouble(null);
    const lines = page.text.split("\n"), finished = lines.at(-1) === "";
    if (finished) lines.pop();
    if (!page.text.trim()) return;
    const columns = add(results, "div", {className: "columns aligned"}), places = new Map();
    for (const model of page.chosen()) {
      show(add(columns, "div", {}), {model, page, places, lines, finished, signal: running.signal});
    }
    const legend = add(results, "p", {className: "legend"});
    legend.append("expected (0 bits) ");
    add(legend, "i", {});
    legend.append(` a surprise (${MOST} bits and more)`);
    const about = add(results, "p", {className: "legend about"});
    add(about, "span", {className: "unknown", textContent: "dashed"});
    about.append(": unknown to the model. Each line is judged by itself, and its end counts once the next one is begun.");
  }

  look();
  return () => {
    running.abort();
    clearTimeout(timer);
    field.destroy();
  };
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

/** Lines in parts of some length, each with the number of its first line. */
function parts(lines) {
  const found = [];
  let size = PART;
  for (const [number, line] of lines.entries()) {
    if (size + line.length > PART) {
      found.push({number, lines: []});
      size = 0;
    }
    found.at(-1).lines.push(line);
    size += line.length + 1;
  }
  return found;
}

/** One model's column. `places` has what shows a word, in all columns, by where in the text the word begins. */
async function show(column, {model, page, places, lines, finished, signal}) {
  add(column, "h2", {textContent: model});
  const figures = add(column, "p", {className: "figures"});
  // A row for each line, the same in all columns, so that they stand side by side however they are cut.
  const rows = lines.map(() => add(column, "p", {className: "text"}));
  const detail = add(column, "div", {className: "detail"});
  column.style.gridRow = `span ${lines.length + 3}`;
  detail.setAttribute("aria-live", "polite");
  const how = isTouch() ? "Tap a word." : "Point at a word, or go through them with Tab.";
  add(detail, "p", {className: "soft", textContent: how});
  const sums = {bits: 0, bytes: 0, tokens: 0, unknown: 0}, shown = {pressed: null};
  const asked = parts(lines);
  for (const [done, part] of asked.entries()) {
    if (asked.length > 1) progress(figures, done / asked.length);
    let found;
    try {
      found = await ask("v1/score", {model, text: part.lines.map((line) => `${line}\n`).join(""), top: 5}, signal);
    } catch (error) {
      figures.replaceChildren();
      page.trouble(error, model);
      return;
    }
    for (const [place, line] of found.lines.entries()) {
      const number = part.number + place, open = !finished && number === lines.length - 1;
      const tokens = whole(line.per_token);
      const end = open ? tokens.pop().bits : 0;
      sums.bits += line.bits - end;
      sums.bytes += new TextEncoder().encode(line.text).length + (open ? 0 : 1);
      sums.tokens += line.tokens - (open ? 1 : 0);
      sums.unknown += line.oov;
      words(rows[number], line.text, tokens, {number, open, places, detail, shown});
    }
  }
  figures.replaceChildren();
  if (!sums.tokens) return;
  add(figures, "b", {textContent: (sums.bits / sums.bytes).toFixed(3)});
  figures.append(" bits per byte, perplexity ");
  add(figures, "b", {textContent: Math.pow(2, sums.bits / sums.tokens).toFixed(1)});
  figures.append(` per token, ${sums.unknown} unknown`);
}

function progress(figures, share) {
  figures.replaceChildren();
  add(figures, "progress", {value: share, ariaLabel: "Reading the text"});
  figures.append(` ${Math.round(100 * share)}% read`);
}

/** The tokens of one line. */
function words(row, text, tokens, {number, open, places, detail, shown}) {
  let start = 0;
  for (const [place, token] of tokens.entries()) {
    const end = !open && place === tokens.length - 1;
    // A token that a line begins with may bring a space that the line has not.
    const word = text.startsWith(token.text, start) ? token.text : token.text.trimStart();
    const name = end ? "line end" : named(token.text);
    const button = add(row, "button", {type: "button", className: "token", textContent: end ? "↵" : word});
    button.classList.toggle("unknown", token.unknown === true);
    button.style.setProperty("--share", Math.min(token.bits / MOST, 1) * 0.7);
    button.setAttribute("aria-pressed", "false");
    const unknown = token.unknown ? ", unknown to this model" : "";
    button.setAttribute("aria-label", `${name}, ${token.bits.toFixed(1)} bits${unknown}`);
    const look = () => {
      shown.pressed?.setAttribute("aria-pressed", "false");
      shown.pressed = button;
      button.setAttribute("aria-pressed", "true");
      detail.replaceChildren();
      const said = add(detail, "p", {});
      add(said, "b", {textContent: name});
      said.append(`  ${token.bits.toFixed(1)} bits, ${percent(Math.pow(2, -token.bits))}${unknown}. Expected here:`);
      const list = add(detail, "ul", {});
      for (const other of token.top) {
        add(list, "li", {textContent: `${named(other.text)} ${percent(Math.pow(2, -other.bits))}`});
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
}
