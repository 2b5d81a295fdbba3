// Correct: a text with what is probably misspelled marked; one click accepts a correction or refuses it for good.

import {add} from "./dom.js";
import {mountRefused} from "./refused.js";
import {ask} from "./server.js";
import {inUnits, mountShaded} from "./shaded.js";
import {announcer, asking, column, columnsOf, parts} from "./views.js";

const DELAY = 250;
const HINT = "Marked words are probably misspelled. Point at one, or put the cursor into it.";

/** A field and its corrections for each model, all with one text, and what was refused. */
export function correct(root, page) {
  const refreshes = [];
  let refused = null;
  const leave = columnsOf(root, page, "correct", (box, model, page, onChange) => {
    const {own, refresh} = mount(box, model, page, onChange, () => refused);
    refreshes.push(refresh);
    return own;
  });
  refused = mountRefused(root, () => refreshes.forEach((refresh) => refresh()));
  return leave;
}

function mount(root, model, page, onChange, refused) {
  const [left, right] = parts(root);
  /** All corrections of a text, with places in it. */
  let found = [];
  const shaded = mountShaded(left, {
    label: `Text, corrected by ${model}`, placeholder: "Type or paste a text", value: page.text, hint: HINT, paint, say: reason,
    onChange(text) {
      onChange(text);
      questions.later();
    },
  });
  const list = add(right, "ol", {className: "changes"});
  list.setAttribute("aria-label", `Corrections by ${model}`);
  const all = add(right, "button", {type: "button", className: "more", textContent: "Accept all"});
  const note = add(right, "p", {className: "note"});
  const told = announcer(right);

  const open = () => found.filter((change) => !refused()?.has(change));

  function draw() {
    const changes = open();
    shaded.shade(shaded.text, changes);
    list.replaceChildren();
    for (const [at, change] of changes.entries()) {
      const {original, text} = change, item = add(list, "li", {});
      const words = add(item, "span", {className: "change"});
      add(words, "del", {textContent: original});
      words.append(" ");
      add(words, "ins", {textContent: text});
      words.title = reason(change);
      const buttons = [["Accept", () => accept([change])], ["Refuse", () => refused().add(change)]];
      for (const [name, act] of buttons) {
        const button = add(item, "button", {type: "button", className: "more", textContent: name});
        button.setAttribute("aria-label", `${name} ${text} for ${original}`);
        button.addEventListener("click", () => {
          act();
          // Whoever goes through them by keyboard is at the next one.
          (list.children[Math.min(at, list.children.length - 1)]?.querySelector("button") ?? shaded.field).focus();
        });
      }
    }
    all.hidden = changes.length < 2;
    note.textContent = changes.length || !shaded.text.trim() ? "" : "Nothing to correct.";
  }

  function accept(changes) {
    let text = shaded.text;
    // From the end, so that the places before stay right.
    for (const {start, end, text: right} of [...changes].reverse()) text = text.slice(0, start) + right + text.slice(end);
    const longer = ({text, start, end}) => text.length - (end - start);
    found = found.filter((each) => !changes.includes(each)).map((each) => {
      const moved = changes.filter(({end}) => end <= each.start).reduce((sum, change) => sum + longer(change), 0);
      return {...each, start: each.start + moved, end: each.end + moved};
    });
    shaded.text = text;
    onChange(text);
    draw();
    questions.later();
  }

  all.addEventListener("click", () => {
    accept(open());
    shaded.field.focus();
  });
  const questions = asking(page, model, DELAY, async (signal) => {
    const text = shaded.text;
    const {changes} = text.trim() ? await ask("v1/correct", {model, text}, signal) : {changes: []};
    found = placed(text, changes);
    draw();
    if (text.trim()) told.say(`${open().length || "no"} corrections`);
  });
  draw();
  questions.now();
  return {own: column(shaded, questions, told), refresh: draw};
}

/** Changes with places in the whole text, in UTF-16 units. */
function placed(text, changes) {
  let base = 0;
  return text.split("\n").flatMap((line, at) => {
    const here = inUnits(line, changes.filter((change) => change.line === at + 1));
    const moved = here.map((change) => ({...change, start: base + change.start, end: base + change.end}));
    base += line.length + 1;
    return moved;
  });
}

function paint(span) {
  span.className = "misspelled";
}

function reason({original, text, bits, kind, others}) {
  const more = others.slice(0, 2).map((other) => `“${other.text}”`).join(", ");
  return `“${text}” is likelier than “${original}” by ${bits.toFixed(1)} bits (${kind})${more ? `; also ${more}` : ""}.`;
}
