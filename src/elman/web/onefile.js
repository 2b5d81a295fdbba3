// A page that is a model: what is typed is continued here, and nothing leaves the page.

import {digestOf, predictorOf} from "./predictors.js";
import {mountLearned} from "./learnedlist.js";
import {added, mountTyping} from "./typing.js";
import {Words} from "./words.js";

const AHEAD = 3;
const PAUSE = 150;

export class Model {
  constructor(about) {
    this.words = new Words(about.tokens, about.tokenizer, about.offers);
    this.predictor = predictorOf(about.model, about.tokens.length);
    // States after each token of the text so far: a key costs at most one step, going back costs none.
    this.path = [{id: null, state: this.predictor.start()}];
    this.steps = 0;
  }

  /** The place after token ids: its state, and there the log-probabilities of all types once they were asked for. */
  placeAfter(ids) {
    let same = 0;
    while (same < ids.length && this.path[same + 1]?.id === ids[same]) same += 1;
    // What goes further than the text stays while it fits: backspace, and the same guess again, cost nothing.
    if (same < ids.length) this.path.length = same + 1;
    for (const id of ids.slice(same)) {
      this.path.push({id, state: this.predictor.after(id, this.path.at(-1).state)});
      this.steps += 1;
    }
    return this.path[ids.length];
  }

  /** The log-probabilities of all types after token ids. */
  logProbs(ids) {
    const place = this.placeAfter(ids);
    place.logProbs ??= this.predictor.logProbs(place.state);
    return place.logProbs;
  }

  complete(text, n = 7, typos = false) {
    return this.words.complete(text, (ids) => this.logProbs(ids), n, typos);
  }

  /** The words for a text, the user's own among them, and a guess of `ahead` words. */
  predict(text, ahead, learned) {
    const locale = this.words.locale;
    let found = this.complete(text, 7, true);
    if (learned) found = learned.offer(found, {begun: found.begun, before: found.before, n: 7, locale});
    let ghost = "", next = found;
    for (let word = 0; word < ahead && next.words.length; word += 1) {
      const more = added(text + ghost, next);
      if (more === null) break;
      ghost += more;
      if (word < ahead - 1) next = this.complete(`${text}${ghost} `, 1);
    }
    return {...found, ghost};
  }

  /**
   * The contexts that are completed otherwise than by Python: other bits of a log-probability, other words or another
   * order. A word's probability is computed from them in float64, whose exponential differs between libraries in the last
   * digit: ten digits of it are compared.
   */
  check(contexts) {
    return contexts.filter((wanted) => {
      const opening = this.words.asked(wanted.prompt, (ids) => this.logProbs(ids));
      const {words} = this.complete(wanted.prompt, Math.max(wanted.words.length, 1));
      const same = words.length === wanted.words.length && words.every(({text, probability}, place) => {
        const [word, share] = wanted.words[place];
        return text === word && Math.abs(probability - share) <= 1e-10 * share;
      });
      return !same || digestOf(this.predictor, this.placeAfter(opening.ids).state) !== wanted.digest;
    });
  }
}

export function begin(about, root) {
  const model = new Model(about);
  const said = root.querySelector("#said");
  let last = null, timer = 0, typing = null;
  // A key is answered with one word at once; when nobody types, the guess grows.
  const predict = async (text) => {
    clearTimeout(timer);
    const again = text === last;
    last = text;
    if (!again) timer = setTimeout(() => typing.refresh(), PAUSE);
    learned.confirm((word) => !model.words.knows(word));
    return model.predict(text, again ? AHEAD : 1, learned);
  };
  const learned = mountLearned(root.querySelector("#learned"), () => typing?.refresh());
  typing = mountTyping(root.querySelector("#typing"), predict, {
    label: "Text", placeholder: "Type, or take what stands in grey with Tab", delay: 0,
    onChange: learned.follow,
    onError() { said.textContent = "Something went wrong in this page. Reload it, and what you type will be completed again."; },
  });
  typing.field.focus();
  root.querySelector("#check").addEventListener("click", () => check(model, about, said));
  if (location.hash === "#check") check(model, about, said);
  root.elman = model;
  return model;
}

function check(model, about, said) {
  const wrong = model.check(about.contexts);
  const parts = about.model.kind === "mixture" ? " of its parts" : "";
  said.textContent = wrong.length === 0
    ? `All ${about.contexts.length} contexts are completed here as by elman: every log-probability${parts} has the same bits, `
      + "the words and their order are the same, their probabilities agree in ten digits."
    : `${wrong.length} of ${about.contexts.length} contexts are completed otherwise, the first one `
      + `${JSON.stringify(wrong[0].prompt)}.`;
}
