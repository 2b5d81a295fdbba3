// A bar for each label or tag of a model. Rows stay where they are while their figures move.

import {add} from "./dom.js";
import {percent} from "./typing.js";

const MOST = 8;

/**
 * Gives `{list, more, show(labels, prediction)}`, elements and a function; without a prediction all bars are empty.
 * `units` is what the labels are called.
 */
export function mountBars(root, name, units = "labels") {
  const list = add(root, "ol", {className: "bars"});
  list.setAttribute("aria-label", name);
  const more = add(root, "button", {type: "button", className: "more", hidden: true});
  const rows = [];
  let labels = [], prediction = null, all = false;

  function row() {
    const item = add(list, "li", {});
    const label = add(item, "span", {className: "bars-label"});
    const track = add(item, "span", {className: "bars-track"});
    track.setAttribute("aria-hidden", "true");
    return {item, label, fill: add(track, "i", {}), share: add(item, "span", {className: "bars-share"})};
  }

  function draw() {
    const chance = (label) => prediction?.probabilities[label] ?? 0;
    const few = labels.length <= MOST;
    // Few labels keep their order. Of many the likeliest are shown, or all of them in their order.
    const shown = few || all ? labels : [...labels].sort((a, b) => chance(b) - chance(a)).slice(0, MOST);
    while (rows.length < shown.length) rows.push(row());
    while (rows.length > shown.length) rows.pop().item.remove();
    for (const [number, label] of shown.entries()) {
      const {item, label: named, fill, share} = rows[number];
      if (named.textContent !== label) Object.assign(named, {textContent: label, title: label});
      fill.style.width = `${100 * chance(label)}%`;
      share.textContent = prediction ? percent(chance(label)) : "";
      item.classList.toggle("chosen", prediction?.labels.includes(label) ?? false);
    }
    list.classList.toggle("many", !few);
    list.classList.toggle("all", !few && all);
    // A list that scrolls must be reached by keyboard.
    if (!few && all) list.tabIndex = 0;
    else list.removeAttribute("tabindex");
    more.hidden = few;
    more.textContent = all ? `Only the ${MOST} likeliest` : `All ${labels.length} ${units}`;
  }

  more.addEventListener("click", () => {
    all = !all;
    draw();
  });
  return {
    list,
    more,
    show(names, found) {
      [labels, prediction] = [names, found];
      draw();
    },
  };
}
