// The page: which models, which view, and one text for all of them.

import {answer} from "./answer.js";
import {caption} from "./caption.js";
import {classify} from "./classify.js";
import {correct} from "./correct.js";
import {add} from "./dom.js";
import {forecast} from "./forecast.js";
import {ask, useKey} from "./server.js";
import {generate} from "./generate.js";
import {memory} from "./memory.js";
import {rank} from "./rank.js";
import {reply} from "./reply.js";
import {rescore} from "./rescore.js";
import {summarize} from "./summarize.js";
import {surprise} from "./surprise.js";
import {tags} from "./tags.js";
import {translate} from "./translate.js";
import {type} from "./type.js";

const views = {
  type, surprise, memory, generate, correct, rescore, classify, tags, translate, caption, reply, rank, answer, summarize,
  forecast,
};
/** Views that need no choice of a model. */
const WITHOUT_MODEL = ["summarize"];
const find = (id) => document.getElementById(id);
const troubles = new Map();
const page = {
  text: "",
  models: [],
  /** The models that are looked at, one or two. */
  chosen: () => [find("model").value, find("second").value].filter((name) => name !== ""),
  /** Say what went wrong with a model, or with all, or that it no longer does; a key that is missing is asked for. */
  trouble(error, model = "") {
    if (error?.name === "AbortError") return;
    if (error) troubles.set(model, error);
    else troubles.delete(model);
    const all = [...troubles.values()];
    const said = [...new Set(all.map((each) => each.message))].join(" ");
    // An alert is read aloud whenever it is written.
    if (said !== find("trouble").textContent) find("trouble").textContent = said;
    find("ask-key").hidden = !all.some((each) => each.status === 401);
  },
};
let tabs = [], shown = "", leave = null;
/** The models that were chosen, by the names of those that could be. */
const choices = new Map();

const able = (name) => page.models.filter((model) => model.elman.views.includes(name));

/** Offer the models that a view is for. Views of the same models have one choice. */
function offer(name) {
  const models = able(name), key = JSON.stringify(models.map((model) => model.id));
  if (find("model").dataset.offered !== key) {
    const options = models.map(({id, elman: {name}}) => {
      // A model that is called like its kind is named once.
      return new Option(id.toLowerCase() === name.toLowerCase() ? id : `${id} (${name})`, id);
    });
    find("model").replaceChildren(...options);
    find("second").replaceChildren(new Option("nothing", ""), ...options.map((option) => option.cloneNode(true)));
    find("model").dataset.offered = key;
    [find("model").value, find("second").value] = choices.get(key) ?? [models[0].id, models[1]?.id ?? ""];
  }
  choices.set(key, [find("model").value, find("second").value]);
  find("model").parentElement.hidden = WITHOUT_MODEL.includes(name);
  find("beside").hidden = models.length < 2 || WITHOUT_MODEL.includes(name);
}

function open(name) {
  shown = name;
  for (const other of Object.keys(views)) {
    const tab = find(`tab-${other}`);
    tab.setAttribute("aria-selected", String(other === name));
    tab.tabIndex = other === name ? 0 : -1;
    if (other === name) tab.scrollIntoView({block: "nearest", inline: "center"});
    find(other).hidden = other !== name;
  }
  leave?.();
  for (const other of Object.keys(views)) if (other !== name) find(other).replaceChildren();
  troubles.clear();
  page.trouble(null);
  offer(name);
  leave = views[name](find(name), page) ?? null;
}

async function begin() {
  try {
    page.models = (await ask("v1/models")).data;
  } catch (error) {
    page.trouble(error);
    return;
  }
  page.trouble(null);
  tabs = Object.keys(views).filter((name) => able(name).length > 0);
  for (const name of Object.keys(views)) find(`tab-${name}`).hidden = !tabs.includes(name);
  document.querySelector("[role=tablist]").hidden = tabs.length < 2;
  if (!tabs.length) {
    page.trouble(new Error("These models have no view here. /openapi.json says how programs ask them."));
    return;
  }
  open(tabs.includes(shown) ? shown : tabs[0]);
}

for (const name of Object.keys(views)) {
  const title = name[0].toUpperCase() + name.slice(1);
  const tab = add(document.querySelector("[role=tablist]"), "button", {id: `tab-${name}`, textContent: title, hidden: true});
  tab.setAttribute("role", "tab");
  tab.setAttribute("aria-controls", name);
  const panel = add(document.querySelector("main"), "section", {id: name, tabIndex: -1, hidden: true});
  panel.setAttribute("role", "tabpanel");
  panel.setAttribute("aria-labelledby", tab.id);
  tab.addEventListener("click", () => open(name));
  tab.addEventListener("keydown", (event) => {
    const step = {ArrowRight: 1, ArrowLeft: -1}[event.key];
    if (!step) return;
    const next = tabs[(tabs.indexOf(name) + step + tabs.length) % tabs.length];
    open(next);
    find(`tab-${next}`).focus();
  });
}
for (const id of ["model", "second"]) find(id).addEventListener("change", () => open(shown));
find("ask-key").addEventListener("submit", (event) => {
  event.preventDefault();
  useKey(find("key").value);
  begin();
});
begin();
