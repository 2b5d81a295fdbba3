// Type: the next words as one types, from one model or two.

import {add} from "./dom.js";
import {mountLearned} from "./learnedlist.js";
import {ask} from "./server.js";
import {added, mountTyping} from "./typing.js";

const AHEAD = 3, OFFERED = 7;
const session = `page-${crypto.getRandomValues(new Uint32Array(2)).join("-")}`;

function complete(models, text, signal, n = OFFERED) {
  const [model, ...also] = models;
  return ask("v1/complete", {model, also, prompt: text, session, n}, signal);
}

/** The words after a text, the user's own among them, and the likeliest continuation of a few words. */
async function predict(models, text, learned, signal) {
  const found = await complete(models, text, signal);
  learned.confirm((word) => found.oov.includes(word));
  const last = found.oov.at(-1) ?? "", begun = found.partial || (text.endsWith(last) ? last : "");
  const unknown = last && text.trimEnd().endsWith(last) ? last : "";
  const answer = learned.offer(
    {words: found.words, partial: found.partial, typed: found.typed, unseen: found.unknown, unknown, readAs: found.read_as},
    {begun, before: text.slice(0, text.length - begun.length), n: OFFERED},
  );
  let ghost = "", next = answer;
  for (let word = 0; word < AHEAD && next.words.length; word += 1) {
    const more = added(text + ghost, next);
    if (more === null) break;
    ghost += more;
    if (word < AHEAD - 1) next = await complete(models, `${text}${ghost} `, signal, 1);
  }
  return {...answer, ghost};
}

/**
 * A field for each model, all with one text: what is typed into one is continued by the others, too. Or one field for
 * both, which offers the words of both: those of two languages, mixed as the text is.
 */
export function type(root, page) {
  root.replaceChildren();
  const chosen = page.chosen(), fields = [];
  let leave = () => {};
  const box = add(root, "div", {});
  const choice = add(root, "label", {className: "together", hidden: chosen.length < 2});
  const together = add(choice, "input", {type: "checkbox", checked: page.together ?? false});
  choice.append("one field, with the words of both models");
  const learned = mountLearned(root, () => fields.forEach((each) => each.refresh()));

  function open() {
    leave();
    page.together = together.checked;
    fields.splice(0, fields.length, ...mountAll(box, page, page.together ? [chosen] : chosen.map((model) => [model]), learned));
    leave = () => fields.forEach((each) => each.destroy());
  }

  together.addEventListener("change", open);
  open();
  return () => leave();
}

function mountAll(box, page, groups, learned) {
  box.replaceChildren();
  const columns = add(box, "div", {className: "columns"});
  const all = groups.map((models) => {
    const name = models.join(" and ");
    const mine = mountTyping(add(columns, "div"), (text, {signal}) => predict(models, text, learned, signal), {
      label: `Text, continued by ${name}`, value: page.text, placeholder: "Type, or take what stands in grey with Tab",
      onChange(text) {
        page.text = text;
        learned.follow(text);
        for (const other of all) other.text = text;
        follow();
      },
      onMove: follow,
      onAnswer() { page.trouble(null, name); },
      onError(error) { page.trouble(error, name); },
    });
    // Both stand at the same place, so that they speak of the same words.
    function follow() {
      const {selectionStart, selectionEnd} = mine.field;
      for (const other of all.filter((each) => each !== mine)) other.stand(selectionStart, selectionEnd);
    }
    return mine;
  });
  all[0].field.focus();
  return all;
}
