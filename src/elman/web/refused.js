// Corrections that were refused: kept in this browser, shown, and forgotten when that is asked for.

import {add} from "./dom.js";

const KEY = "elman-refused";
const MOST = 500;

/** Builds the list inside `root`; gives `{has(change), add(change)}`. `onChange` is called after each change of the list. */
export function mountRefused(root, onChange) {
  const box = add(root, "section", {className: "refused", hidden: true});
  box.setAttribute("aria-label", "Refused corrections");
  add(box, "h2", {textContent: "Refused, and no longer suggested"});
  const list = add(box, "ul", {className: "kinds"});
  const none = add(box, "button", {type: "button", className: "more", textContent: "Forget all of them"});
  add(box, "p", {className: "note", textContent: "They are kept in this browser only."});
  let pairs = stored();

  function same(one, other) {
    return one.original === other.original && one.text === other.text;
  }

  function draw() {
    box.hidden = pairs.length === 0;
    list.replaceChildren();
    for (const each of pairs) {
      const button = add(add(list, "li", {}), "button", {type: "button", textContent: `${each.original} → ${each.text} ✕`});
      button.setAttribute("aria-label", `Suggest ${each.text} for ${each.original} again`);
      button.addEventListener("click", () => change(pairs.filter((other) => !same(each, other))));
    }
  }

  function change(next) {
    pairs = next.slice(-MOST);
    try {
      localStorage.setItem(KEY, JSON.stringify(pairs));
    } catch {
      // A browser that keeps nothing forgets them with the page.
    }
    draw();
    onChange();
  }

  none.addEventListener("click", () => change([]));
  draw();
  return {
    has: (change) => pairs.some((each) => same(each, change)),
    add: ({original, text}) => change([...pairs, {original, text}]),
  };
}

function stored() {
  try {
    const found = JSON.parse(localStorage.getItem(KEY));
    return found.filter(({original, text}) => typeof original === "string" && typeof text === "string");
  } catch {
    return [];
  }
}
