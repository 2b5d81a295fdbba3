// Type: the next words as one types, from one model or two.

import {add} from "./dom.js";
import {ask} from "./server.js";
import {added, mountTyping} from "./typing.js";

const AHEAD = 3;
const session = `page-${crypto.getRandomValues(new Uint32Array(2)).join("-")}`;

function complete(model, text, signal, n = 7) {
  return ask("v1/complete", {model, prompt: text, session, n}, signal);
}

/** The words after a text, and the likeliest continuation of a few words. */
async function predict(model, text, signal) {
  const found = await complete(model, text, signal);
  let ghost = "", next = found;
  for (let word = 0; word < AHEAD && next.words.length; word += 1) {
    const more = added(text + ghost, next);
    if (more === null) break;
    ghost += more;
    if (word < AHEAD - 1) next = await complete(model, `${text}${ghost} `, signal, 1);
  }
  const last = found.oov.at(-1) ?? "";
  return {words: found.words, partial: found.partial, ghost, unknown: last && text.trimEnd().endsWith(last) ? last : ""};
}

/** A field for each model, all with one text: what is typed into one is continued by the others, too. */
export function type(root, page) {
  root.replaceChildren();
  const columns = add(root, "div", {className: "columns"});
  const all = page.chosen().map((model) => {
    const mine = mountTyping(add(columns, "div"), (text, {signal}) => predict(model, text, signal), {
      label: `Text, continued by ${model}`, value: page.text, placeholder: "Type, or take what stands in grey with Tab",
      onChange(text) {
        page.text = text;
        for (const other of all) other.text = text;
        follow();
      },
      onMove: follow,
      onAnswer() { page.trouble(null, model); },
      onError(error) { page.trouble(error, model); },
    });
    // Both stand at the same place, so that they speak of the same words.
    function follow() {
      const {selectionStart, selectionEnd} = mine.field;
      for (const other of all.filter((each) => each !== mine)) other.stand(selectionStart, selectionEnd);
    }
    return mine;
  });
  all[0].field.focus();
  return () => all.forEach((each) => each.destroy());
}
