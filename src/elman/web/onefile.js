// A page that is a model: what is typed is continued here, and nothing leaves the page.

import {Tape, bytes} from "./tape.js";
import {mountTyping, overlap} from "./typing.js";
import {Words} from "./words.js";

const AHEAD = 3;
const PAUSE = 150;
const TIE = 0.02;

export class Model {
  constructor(about) {
    const weights = new Int8Array(bytes(about.weights).buffer);
    this.words = new Words(about.tokens, about.tokenizer);
    this.stepTape = new Tape(about.step, weights);
    this.endTape = new Tape(about.end, weights);
    const empty = Object.fromEntries(this.stepTape.inputs.map(([name, , size]) => [name, new Float32Array(size)]));
    // States after each token of the text so far: a key costs at most one step, going back costs none.
    this.path = [{id: about.tokens.length, state: this.after(about.tokens.length, empty)}];
    this.steps = 0;
  }

  after(id, state) {
    const found = this.stepTape.run({ids: id}, state);
    return Object.fromEntries(Object.entries(found).map(([name, part]) => [name.replace(/^next\./u, ""), part]));
  }

  /** The log-probabilities of all types after token ids. */
  logProbs(ids) {
    let same = 0;
    while (same < ids.length && this.path[same + 1]?.id === ids[same]) same += 1;
    // What goes further than the text stays while it fits: backspace, and the same guess again, cost nothing.
    if (same < ids.length) this.path.length = same + 1;
    for (const id of ids.slice(same)) {
      this.path.push({id, state: this.after(id, this.path.at(-1).state)});
      this.steps += 1;
    }
    const last = this.path[ids.length];
    last.logProbs ??= this.endTape.run({targets: 0}, {top: last.state.top}).log_probs;
    return last.logProbs;
  }

  complete(text, n = 7) {
    const opening = this.words.open(text);
    return {words: this.words.likeliest(opening, this.logProbs(opening.ids), n), partial: opening.partial};
  }

  /** The words for a text, and a guess of `ahead` words. */
  predict(text, ahead) {
    const found = this.complete(text);
    let ghost = "", next = found;
    for (let word = 0; word < ahead && next.words.length; word += 1) {
      const best = next.words[0].text, so = text + ghost;
      ghost += next.partial ? best.slice(overlap(so, best)) : (so === "" || /\s$/u.test(so) ? "" : " ") + best;
      if (word < ahead - 1) next = this.complete(`${text}${ghost} `, 1);
    }
    return {words: found.words, partial: found.partial !== "", ghost};
  }

  /**
   * Which of the contexts that Python completed are completed otherwise here (`wrong`), and how many alike but for words
   * that are as good as equally likely and change places (`swapped`): rounding to 8 bits turns on the last bit of what
   * is rounded.
   */
  check(contexts) {
    let swapped = 0;
    const tied = (one, other) => Math.abs(one - other) <= TIE * Math.max(one, other);
    const alike = (word, [text, probability]) => word.text === text
      ? tied(word.probability, probability) || Math.abs(word.probability - probability) <= 2e-3
      : tied(word.probability, probability);
    const wrong = contexts.filter(({prompt, words}) => {
      const mine = this.complete(prompt, Math.max(words.length, 1)).words;
      if (mine.length !== words.length || !mine.every((word, place) => alike(word, words[place]))) return true;
      if (mine.some((word, place) => word.text !== words[place][0])) swapped += 1;
      return false;
    });
    return {checked: contexts.length, wrong, swapped};
  }
}

export function begin(about, root) {
  const model = new Model(about);
  const said = root.querySelector("#said");
  let last = null, timer = 0;
  // A key is answered with one word at once; when nobody types, the guess grows.
  const predict = async (text) => {
    clearTimeout(timer);
    const again = text === last;
    last = text;
    if (!again) timer = setTimeout(() => typing.refresh(), PAUSE);
    return model.predict(text, again ? AHEAD : 1);
  };
  const typing = mountTyping(root.querySelector("#typing"), predict, {
    label: "Text", placeholder: "Type, or take what stands in grey with Tab", delay: 0,
    onError(error) { said.textContent = error.message; },
  });
  typing.field.focus();
  root.querySelector("#check").addEventListener("click", () => check(model, about, said));
  if (location.hash === "#check") check(model, about, said);
  root.elman = model;
  return model;
}

function check(model, about, said) {
  const {checked, wrong, swapped} = model.check(about.contexts);
  const order = swapped ? `, ${swapped} of them with equally likely words in another order` : "";
  said.textContent = wrong.length === 0
    ? `All ${checked} contexts are completed here as by elman${order}.`
    : `${wrong.length} of ${checked} contexts are completed otherwise, the first one ${JSON.stringify(wrong[0].prompt)}.`;
}
