// The list of the user's own words: kept in this browser, shown, edited, exported, imported and erased. It needs
// learnedlist.css.

import {Learned, mayBeLearned, wordBefore} from "./learned.js";

const STORED_AT = "elman-learned";
const ENDED = /[\s.,;:!?)\]}"”»…]$/u;

/**
 * Builds the list inside `root`. Gives `{offer(answer, how), follow(text), confirm(isUnknown)}`: `offer` is that of learned.js;
 * `follow` is told each text, and keeps the words that a key has finished; `confirm` counts those of them that the model
 * does not know.
 */
export function mountLearned(root, onChange) {
  const box = addElement(root, "details", {className: "learned"});
  const title = addElement(box, "summary", {});
  const note = "A word that the model does not know is offered once you have typed it twice. Numbers, addresses and what "
    + "else looks private are never kept. All of it stays in this browser.";
  addElement(box, "p", {className: "learned-note", textContent: note});
  const list = addElement(box, "ul", {});
  const bar = addElement(box, "p", {className: "learned-bar"});
  const save = addElement(bar, "button", {type: "button", textContent: "Export"});
  const load = addElement(bar, "button", {type: "button", textContent: "Import"});
  const none = addElement(bar, "button", {type: "button", textContent: "Erase all"});
  const file = addElement(bar, "input", {type: "file", accept: ".jsonl,.json,.txt", hidden: true});
  const said = addElement(box, "p", {className: "learned-note"});
  said.setAttribute("role", "status");
  const pending = [];
  let words = storedWords(), text = null;

  function draw() {
    const {entries} = words;
    title.textContent = `Words of yours: ${entries.length}`;
    save.disabled = none.disabled = entries.length === 0;
    list.replaceChildren(...entries.map(({word, count}) => {
      const item = document.createElement("li");
      const field = addElement(item, "input", {value: word, size: 12, spellcheck: false});
      field.setAttribute("aria-label", `Word ${word}`);
      field.addEventListener("change", () => rename(word, field.value.trim()));
      addElement(item, "span", {textContent: `${count}×`});
      const button = addElement(item, "button", {type: "button", textContent: "✕"});
      button.setAttribute("aria-label", `Forget ${word}`);
      button.addEventListener("click", () => {
        words.forget(word);
        changed("");
        (list.querySelector("button") ?? title).focus();
      });
      return item;
    }));
  }

  function changed(what) {
    try {
      localStorage.setItem(STORED_AT, JSON.stringify(words.entries));
    } catch {
      // A browser that keeps nothing forgets them with the page.
    }
    said.textContent = what;
    draw();
    onChange();
  }

  function rename(word, other) {
    const entry = words.words.get(word);
    if (!mayBeLearned(other) || (other !== word && words.words.has(other))) {
      changed(`“${other}” cannot be kept: a word has letters only, and stands there once.`);
      return;
    }
    words.forget(word);
    words.words.set(other, {...entry, word: other});
    changed("");
  }

  save.addEventListener("click", () => {
    const url = URL.createObjectURL(new Blob([words.toLines()], {type: "application/jsonl"}));
    addElement(document.body, "a", {href: url, download: "learned.jsonl", hidden: true}).click();
    document.body.lastElementChild.remove();
    setTimeout(() => URL.revokeObjectURL(url), 1000);
  });
  load.addEventListener("click", () => file.click());
  file.addEventListener("change", async () => {
    try {
      if (file.files.length) words.add(Learned.fromLines(await file.files[0].text()));
      changed("");
    } catch (error) {
      said.textContent = error.message;
    }
    file.value = "";
  });
  none.addEventListener("click", () => {
    words = new Learned();
    changed("");
  });
  draw();

  return {
    offer: (answer, how) => words.offer(answer, how),
    follow(now) {
      // Only what keys add at the end is typed: pasted texts and changes inside are not looked at.
      const typed = text !== null && now.length - text.length === 1 && now.startsWith(text) && ENDED.test(now);
      const head = text;
      text = now;
      const word = typed && !ENDED.test(head) ? wordBefore(head) : "";
      if (word) pending.push({word, last: wordBefore(head.slice(0, head.length - word.length))});
    },
    confirm(isUnknown) {
      let more = false;
      for (const {word, last} of pending.splice(0)) {
        const counted = isUnknown(word) && words.count(word, last);
        more = words.followedBy(last, word) || counted || more;
      }
      if (more) changed("");
    },
  };
}

function storedWords() {
  try {
    return new Learned(JSON.parse(localStorage.getItem(STORED_AT)) ?? []);
  } catch {
    return new Learned();
  }
}

function addElement(parent, kind, properties) {
  const made = Object.assign(document.createElement(kind), properties);
  parent.append(made);
  return made;
}
