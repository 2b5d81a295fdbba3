// A page of word vectors: a word is asked, its neighbours are listed, and all words stand on a map.

import {bytes} from "./bytes.js";
import {ByteVectors} from "./bytevectors.js";
import {add} from "./dom.js";
import {WordMap} from "./wordmap.js";

const NEIGHBOURS = 20, OFFERED = 8;

export function begin(about, page) {
  const vectors = new ByteVectors(about), {words} = vectors;
  const [field, offered, said, near] = ["word", "offered", "said", "near"].map((id) => page.querySelector(`#${id}`));
  const map = new WordMap(page.querySelector("#map"), {
    words, places: new Float32Array(bytes(about.places).buffer), clusters: bytes(about.clusters),
  }, choose);

  function choose(row) {
    field.value = words[row];
    ask();
  }

  function button(parent, row) {
    const made = add(parent, "button", {type: "button"});
    made.addEventListener("click", () => choose(row));
    return made;
  }

  function ask() {
    const row = vectors.row(field.value);
    const others = vectors.beginning(field.value, OFFERED + 1).filter((other) => other !== row).slice(0, OFFERED);
    offered.replaceChildren();
    for (const other of others) Object.assign(button(offered, other), {className: "plain", textContent: words[other]});
    near.replaceChildren();
    if (row === undefined) {
      const asked = field.value.trim();
      const found = others.length ? "Words that begin so:" : `“${asked.slice(0, 40)}” is not among the ${words.length.toLocaleString("en")} words of this page.`;
      said.textContent = asked ? found : "Type a word, or tap one on the map.";
      map.mark([]);
      return;
    }
    said.textContent = `Nearest to “${words[row]}”, with cosines:`;
    const found = vectors.neighbours(row, NEIGHBOURS);
    for (const [other, cosine] of found) {
      const made = button(add(near, "li"), other);
      add(made, "span", {textContent: words[other]});
      add(made, "small", {textContent: cosine.toFixed(3)});
    }
    map.mark([row, ...found.map(([other]) => other)]);
  }

  for (const [number, names] of about.names.entries()) {
    const line = add(page.querySelector("#clusters"), "li");
    add(line, "i").style.background = `var(--c${number})`;
    line.append(names.join(", "));
  }
  page.querySelector("#zoom").addEventListener("click", ({target}) => {
    const factor = Number(target.dataset.zoom), {clientWidth: width, clientHeight: height} = map.canvas;
    if (factor) map.zoomAt(factor, width / 2, height / 2);
    else map.reset();
  });
  page.querySelector("#ask").addEventListener("submit", (event) => event.preventDefault());
  field.addEventListener("input", ask);
  page.elman = {vectors, map, choose};
  ask();
}
