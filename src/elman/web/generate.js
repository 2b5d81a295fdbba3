// Generate: text that the models make up, as it comes.

import {add} from "./dom.js";
import {stream} from "./server.js";
import {mountShaded} from "./shaded.js";

const settings = {temperature: 0.8, top_p: 0.95, max_tokens: 80, seed: 1, stop: ""};
const fields = [
  ["temperature", "Temperature", {type: "number", min: 0, max: 5, step: 0.01}],
  ["top_p", "Top-p", {type: "number", min: 0.01, max: 1, step: 0.01}],
  ["max_tokens", "Tokens", {type: "number", min: 1, max: 2048, step: 1}],
  ["seed", "Seed", {type: "number", min: 0, max: 4294967295, step: 1}],
];

export function generate(root, page) {
  root.replaceChildren();
  const field = mountShaded(root, {
    label: "Text, which the models go on with", placeholder: "Type a beginning, or nothing", value: page.text, hint: "",
    say: () => "",
    onChange(text) {
      page.text = text;
      running?.abort();
      halt.disabled = true;
      for (const {made} of outputs) begin(made);
    },
  });
  const controls = add(root, "form", {className: "controls"});
  for (const [name, label, about] of fields) {
    const field = add(add(controls, "label", {textContent: label}), "input", {...about, value: settings[name], required: true, name});
    field.addEventListener("input", () => { settings[name] = field.valueAsNumber; });
  }
  const wide = add(controls, "label", {textContent: "Stop before (a|b: either)", className: "wide"});
  const stop = add(wide, "input", {type: "text", value: settings.stop, name: "stop"});
  stop.addEventListener("input", () => { settings.stop = stop.value; });
  const go = add(controls, "button", {className: "act", textContent: "Generate"});
  const halt = add(controls, "button", {className: "act stop", type: "button", textContent: "Stop", disabled: true});
  const columns = add(root, "div", {className: "columns"});
  const outputs = page.chosen().map((model) => {
    const column = add(columns, "div", {});
    add(column, "h2", {textContent: model});
    const made = add(column, "p", {className: "made"});
    made.setAttribute("aria-label", `Text of ${model}`);
    begin(made);
    return {model, made};
  });
  let running = null;

  function begin(made) {
    made.replaceChildren();
    add(made, "span", {className: "given", textContent: page.text});
  }

  async function write({model, made}, signal) {
    begin(made);
    const {temperature, top_p, max_tokens, seed} = settings;
    const body = {model, prompt: page.text, temperature, top_p, max_tokens, seed};
    const stops = settings.stop.split("|").filter((each) => each !== "");
    if (stops.length) body.stop = stops;
    try {
      for await (const piece of stream(body, signal)) made.append(piece);
    } catch (error) {
      page.trouble(error, model);
    }
  }

  controls.addEventListener("submit", async (event) => {
    event.preventDefault();
    running?.abort();
    const mine = running = new AbortController();
    for (const {model} of outputs) page.trouble(null, model);
    halt.disabled = false;
    await Promise.all(outputs.map((output) => write(output, mine.signal)));
    if (running === mine) halt.disabled = true;
  });
  halt.addEventListener("click", () => {
    running?.abort();
    halt.disabled = true;
    go.focus();
  });
  return () => {
    running?.abort();
    field.destroy();
  };
}
