// What every view does: an element, with its properties, at the end of another; and whether it is touched.

export function add(parent, kind, properties = {}) {
  const made = Object.assign(document.createElement(kind), properties);
  parent.append(made);
  return made;
}

/** Whether people point with a finger here. */
export function isTouch() {
  return matchMedia("(hover: none) and (pointer: coarse)").matches;
}

/** A token as people call it. */
export function named(text) {
  if (text === "\n") return "line end";
  return text === "<unk>" ? "an unknown word" : text.trim() || "space";
}
