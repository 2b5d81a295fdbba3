// The one thing that every view does: an element, with its properties, at the end of another.

export function add(parent, kind, properties = {}) {
  const made = Object.assign(document.createElement(kind), properties);
  parent.append(made);
  return made;
}
