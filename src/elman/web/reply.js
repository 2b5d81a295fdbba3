// Reply: three replies under a message, each with another meaning; the one that is used goes on with the conversation.

import {add} from "./dom.js";
import {ask} from "./server.js";
import {mountShaded} from "./shaded.js";
import {announcer, asking} from "./views.js";

const DELAY = 200;
const MOST = 3;
/** How replies are ranked, also while other views are looked at. */
let ranked = "";

/** A conversation, a field for the next message, and replies of each model. */
export function reply(root, page) {
  root.replaceChildren();
  const turns = [];
  const log = add(root, "ol", {className: "turns", hidden: true});
  log.setAttribute("aria-label", "Conversation");
  const shaded = mountShaded(root, {
    label: "Message", placeholder: "Type a message that somebody sends you", value: page.text, paint() {}, say: () => "",
    hint: "Choose a reply to use it. The next replies then know the conversation.",
    onChange(text) {
      page.text = text;
      for (const each of all) each.later();
    },
  });
  // A language model that forgets a message at the end of its line cannot say what fits it.
  const helpers = page.models.filter(({elman}) => elman.forgets_lines === false);
  const controls = add(root, "form", {className: "controls", hidden: !helpers.length});
  const by = add(add(controls, "label", {textContent: "Ranked by"}), "select", {name: "by"});
  by.append(new Option("the model of replies", ""));
  for (const {id: lm} of helpers) {
    by.append(new Option(`it and ${lm}`, JSON.stringify({lm})), new Option(`${lm} alone`, JSON.stringify({lm, lm_weight: 1})));
  }
  if ([...by.options].some(({value}) => value === ranked)) by.value = ranked;
  by.addEventListener("input", () => {
    ranked = by.value;
    for (const each of all) each.now();
  });
  const columns = add(root, "div", {className: "columns"}), told = announcer(root);
  const chosen = page.chosen();
  const all = chosen.map((model) => {
    const column = add(columns, "div", {});
    if (chosen.length > 1) add(column, "h2", {textContent: model});
    const chips = add(column, "div", {className: "typing typing-chips replies"});
    chips.setAttribute("role", "group");
    chips.setAttribute("aria-label", `Replies of ${model}`);
    return asking(page, model, DELAY, async (signal) => {
      const message = shaded.text.trim();
      const earlier = turns.map(({text}) => text);
      const {replies} = message ? await ask("v1/reply", {model, message, earlier, n: MOST, ...JSON.parse(by.value || "{}")}, signal) : {replies: []};
      chips.replaceChildren();
      for (const {text} of replies) {
        const chip = add(chips, "button", {type: "button", className: "typing-chip", textContent: text});
        chip.setAttribute("aria-label", `Use this: ${text}`);
        chip.addEventListener("click", () => use(message, text));
      }
      if (replies.length) told.say(`Replies: ${replies.map(({text}) => text).join("; ")}`);
    });
  });
  const again = add(root, "button", {type: "button", className: "more", textContent: "Begin again", hidden: true});

  function draw() {
    log.replaceChildren();
    for (const {text, own} of turns) {
      const turn = add(log, "li", {className: own ? "own-turn" : "", textContent: text});
      turn.setAttribute("aria-label", `${own ? "You" : "Message"}: ${text}`);
    }
    log.hidden = again.hidden = turns.length === 0;
    for (const each of all) each.now();
    shaded.field.focus();
  }

  function use(message, text) {
    turns.push({text: message}, {text, own: true});
    page.text = shaded.text = "";
    draw();
  }

  again.addEventListener("click", () => {
    turns.length = 0;
    draw();
  });
  draw();
  return () => {
    for (const each of [...all, told]) each.stop();
    shaded.destroy();
  };
}
