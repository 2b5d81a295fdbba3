// Type: the next words as one types, from one model or two.

import {add} from "./dom.js";
import {ask} from "./server.js";
import {mountTyping, overlap, percent} from "./typing.js";

const AHEAD = 3;
const session = `page-${crypto.getRandomValues(new Uint32Array(2)).join("-")}`;

function complete(model, text, signal, n = 7) {
  return ask("v1/complete", {model, prompt: text, session, n}, signal);
}

/** What a word adds to a text: the rest of the half-typed one, or the word after a space. */
function addition(text, word, partial) {
  if (partial) return word.slice(overlap(text, word));
  return (text === "" || /\s$/u.test(text) ? "" : " ") + word;
}

/** The words after a text, and the likeliest continuation of a few words. */
async function predict(model, text, signal) {
  const found = await complete(model, text, signal);
  let ghost = "", next = found;
  for (let word = 0; word < AHEAD && next.words.length; word += 1) {
    ghost += addition(text + ghost, next.words[0].text, next.partial !== "");
    if (word < AHEAD - 1) next = await complete(model, `${text}${ghost} `, signal, 1);
  }
  return {words: found.words, partial: found.partial !== "", ghost};
}

export function type(root, page) {
  const [first, second] = page.chosen();
  root.replaceChildren();
  const desk = add(root, "div");
  const beside = add(root, "div", {className: "beside"});
  let latest = null;

  async function compare(text) {
    latest?.abort();
    latest = new AbortController();
    try {
      const found = await complete(second, text, latest.signal);
      beside.replaceChildren();
      add(beside, "h2", {textContent: `${second} would offer`});
      const offers = found.words.map((word) => `${word.text} ${percent(word.probability)}`);
      add(beside, "p", {className: "soft", textContent: offers.join("   ·   ") || "nothing"});
    } catch (error) {
      page.trouble(error);
    }
  }

  const typing = mountTyping(desk, (text, {signal}) => {
    if (second) compare(text);
    return predict(first, text, signal);
  }, {
    label: `Text, continued by ${first}`, value: page.text, placeholder: "Type, or take what stands in grey with Tab",
    onChange(text) { page.text = text; },
    onAnswer() { page.trouble(null); },
    onError(error) { page.trouble(error); },
  });
  typing.field.focus();
  return () => {
    latest?.abort();
    typing.destroy();
  };
}
