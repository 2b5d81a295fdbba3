// Classify: the labels of a text as one types, and what each word does for the likeliest one.

import {mountBars} from "./bars.js";
import {add} from "./dom.js";
import {ask} from "./server.js";
import {inUnits, mountShaded} from "./shaded.js";
import {percent} from "./typing.js";
import {announcer, asking, column, columnsOf, parts} from "./views.js";

const DELAY = 60;
// A longer text is explained only after a pause: its words are left out one by one.
const SHORT = 600;
const PAUSE = 400;
const NAMED = 4;
const MATTERS = 0.2;
const BARELY = 0.02, MUCH = 0.25;
const HINT = "Point at a word, or put the cursor into it.";

/** A field, and bars, for each model, all with one text. */
export function classify(root, page) {
  return columnsOf(root, page, "classify", mount);
}

function mount(root, model, page, onChange) {
  const [left, right] = parts(root);
  let explanation = null, chance = 0;
  const shaded = mountShaded(left, {
    label: `Text, labelled by ${model}`, placeholder: "Type a text", value: page.text, hint: HINT,
    onChange(text) {
      onChange(text);
      questions.later();
    },
    paint,
    say(word) {
      return without(word, explanation.label, chance);
    },
  });
  const legend = add(left, "p", {className: "legend two"});
  legend.append("speaks against ");
  add(legend, "i", {});
  const meant = add(legend, "span", {textContent: "speaks for the label"});
  const note = add(left, "p", {className: "note", hidden: true, textContent: "This text is too long to colour its words."});
  const bars = mountBars(right, `Labels by ${model}`);
  const words = add(right, "p", {className: "soft reasons"});
  const told = announcer(right);

  function explain(text, prediction) {
    explanation = prediction.explanation;
    chance = prediction.probabilities[explanation.label];
    meant.textContent = `speaks for “${explanation.label}”`;
    shaded.shade(text, inUnits(text, explanation.words));
    words.textContent = reasons(explanation);
    note.hidden = true;
  }

  function forget() {
    explanation = null;
    meant.textContent = "speaks for the label";
    shaded.shade("", []);
    words.textContent = "";
  }

  const questions = asking(page, model, DELAY, async (signal) => {
    const text = shaded.text, blank = !text.trim(), short = text.length <= SHORT && !blank;
    const answer = (explain) => ask("v1/predict", {model, input: text, explain}, signal);
    try {
      const {labels, predictions: [first]} = await answer(short);
      bars.show(labels, blank ? null : first);
      note.hidden = true;
      if (blank) return forget();
      told.say(first.labels.map((label) => `${label} ${percent(first.probabilities[label])}`).join(", ") || "no label");
      if (short) return explain(text, first);
      await new Promise((done) => setTimeout(done, PAUSE));
      signal.throwIfAborted();
      explain(text, (await answer(true)).predictions[0]);
    } catch (error) {
      if (error.code !== "too_long_to_explain") throw error;
      forget();
      note.hidden = false;
    }
  });
  questions.now();
  return column(shaded, questions, told);
}

/** A word that speaks for the label has one colour, one that speaks against it the other. */
function paint(span, word) {
  // So that much more is not much darker: a word that trebles the odds has two thirds of the colour.
  const share = 1 - Math.exp(-Math.abs(word.contribution));
  if (share <= BARELY) return;
  span.className = word.contribution > 0 ? "speaks-for" : "speaks-against";
  span.classList.toggle("much", share > MUCH);
  span.style.setProperty("--share", share.toFixed(3));
}

/** What leaving a word out does, in a sentence. */
function without(word, label, chance) {
  const less = chance - word.change, name = `Without “${word.text}”, “${label}”`;
  if (percent(less) !== percent(chance)) {
    return `${name} ${less < chance ? "falls" : "rises"} from ${percent(chance)} to ${percent(less)}.`;
  }
  const times = Math.exp(Math.abs(word.contribution));
  const odds = times < 1.1 ? "" : `, at odds ${times.toFixed(1)} times ${word.contribution > 0 ? "lower" : "higher"}`;
  return `${name} stays at ${percent(chance)}${odds}.`;
}

/** The words that matter most, in a sentence or two. */
function reasons({label, words}) {
  const sides = [[`For “${label}”`, 1], ["Against it", -1]].map(([name, sign]) => {
    const some = words.filter((word) => sign * word.contribution >= MATTERS && /[\p{L}\p{N}]/u.test(word.text));
    some.sort((a, b) => sign * (b.contribution - a.contribution));
    const named = [...new Set(some.map((word) => word.text))].slice(0, NAMED);
    return named.length ? `${name}: ${named.join(", ")}.` : "";
  });
  return sides.filter(Boolean).join(" ");
}
