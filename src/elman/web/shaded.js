// A text field whose words are shaded behind the letters.

import {add} from "./dom.js";

/**
 * Builds the field inside `root`. Options: `label`, `placeholder`, `value`, `hint`, `onChange(text)`, `paint(span, word)`,
 * which gives a word's element its colour, `say(word)`, what stands under the field while a word is pointed at or has the
 * cursor in it, and `point(word)`, which is told of that word, and of none (null) afterwards.
 *
 * Gives `{field, text, shade(text, words), destroy()}`. Of `words`, `start` and `end` count UTF-16 units of `text`.
 * Shades of a text that is no longer there go on with those words that are.
 */
export function mountShaded(root, {label, placeholder, value, hint, onChange, paint, say, point}) {
  const id = `shaded-${(mountShaded.count = (mountShaded.count ?? 0) + 1)}`;
  const box = add(root, "div", {className: "typing shaded"});
  add(box, "label", {className: "typing-label", textContent: label, htmlFor: id});
  const paper = add(box, "div", {className: "typing-paper"});
  const mirror = add(paper, "div", {className: "typing-mirror"});
  mirror.setAttribute("aria-hidden", "true");
  const field = add(paper, "textarea", {className: "typing-field", id, placeholder, value, rows: 1, spellcheck: false});
  field.setAttribute("autocomplete", "off");
  field.setAttribute("aria-describedby", `${id}-told`);
  const told = add(box, "p", {className: "soft told", id: `${id}-told`, textContent: hint});
  let shades = {text: "", words: []}, explained = "", spans = [], caret = 0, pointer = null;

  function draw() {
    const text = field.value;
    let end = 0;
    shades = {text, words: carried(shades, text)};
    mirror.replaceChildren();
    spans = [];
    for (const word of shades.words) {
      mirror.append(text.slice(end, word.start));
      const span = add(mirror, "span", {textContent: text.slice(word.start, word.end)});
      paint(span, word);
      spans.push({span, word});
      end = word.end;
    }
    // An empty line at the end is as tall as in the field.
    mirror.append(text.slice(end), "\u200b");
  }

  function tell(word) {
    const said = word ? say(word) : hint;
    if (told.textContent !== said) told.textContent = said;
    for (const each of spans) each.span.classList.toggle("meant", each.word === word);
    point?.(word ?? null);
  }

  function atCaret() {
    return spans.find(({word}) => word.start <= caret && caret <= word.end)?.word;
  }

  function moved() {
    if (document.activeElement !== field || field.selectionStart === caret) return;
    caret = field.selectionStart;
    if (explained === field.value) tell(atCaret());
  }

  field.addEventListener("input", () => {
    caret = field.selectionStart;
    draw();
    tell(null);
    onChange(field.value);
  });
  field.addEventListener("pointermove", (event) => {
    const {clientX: x, clientY: y, pointerType} = event;
    if (pointerType === "touch" || pointer !== null || explained !== field.value) return;
    // The field lies over the words, so that they are looked for by where they are; once a frame is enough.
    pointer = requestAnimationFrame(() => {
      pointer = null;
      const under = (box) => box.left <= x && x <= box.right && box.top <= y && y <= box.bottom;
      tell(spans.find(({span}) => [...span.getClientRects()].some(under))?.word ?? null);
    });
  });
  field.addEventListener("pointerleave", () => {
    cancelAnimationFrame(pointer);
    pointer = null;
    tell(null);
  });
  document.addEventListener("selectionchange", moved);
  draw();

  return {
    field,
    get text() {
      return field.value;
    },
    set text(text) {
      if (text === field.value) return;
      field.value = text;
      draw();
      tell(null);
    },
    shade(text, words) {
      explained = text;
      shades = {text, words};
      draw();
      tell(null);
    },
    destroy() {
      document.removeEventListener("selectionchange", moved);
      cancelAnimationFrame(pointer);
    },
  };
}

/** The words of a text that are still there, and untouched, in another one. */
function carried({text, words}, now) {
  if (text === now) return words;
  const most = Math.min(text.length, now.length), longer = now.length - text.length;
  let head = 0, tail = 0;
  while (head < most && text[head] === now[head]) head += 1;
  while (tail < most - head && text.at(-1 - tail) === now.at(-1 - tail)) tail += 1;
  const before = words.filter((word) => word.end <= head);
  const after = words.filter((word) => word.start >= text.length - tail && word.start >= head);
  return [...before, ...after.map((word) => ({...word, start: word.start + longer, end: word.end + longer}))];
}

/** Words whose places count characters, as Python has them, with places as JavaScript has them. */
export function inUnits(text, words) {
  const places = [0];
  for (const character of text) places.push(places.at(-1) + character.length);
  return words.map((word) => ({...word, start: places[word.start], end: places[word.end]}));
}
