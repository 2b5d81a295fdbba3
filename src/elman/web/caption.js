// Caption: what each model says of a picture; a word that is pointed at shows where the model looked.

import {add} from "./dom.js";
import {ask} from "./server.js";
import {percent} from "./typing.js";
import {announcer, asking} from "./views.js";

/** Larger files are sent as a smaller picture; the server takes about a megabyte. */
const MOST_BYTES = 600_000;
const LONGEST = 1024;
/** Pixels of the longer side of a picture as it is shown. */
const SHOWN = 640;
const DIMMED = 0.82;
/** The last picture, also while other views are looked at: what is sent, and what is shown. */
let kept = null;

/** A place for a picture, and its caption by each model. */
export function caption(root, page) {
  root.replaceChildren();
  const all = [], box = add(root, "div", {});
  const drop = add(box, "label", {className: "drop"});
  add(drop, "span", {textContent: "Choose a picture, drop it here, or paste it."});
  const file = add(drop, "input", {type: "file", name: "picture", accept: "image/*"});
  const columns = add(box, "div", {className: "columns"}), told = announcer(box);
  for (const model of page.chosen()) all.push(mount(add(columns, "div", {className: "caption"}), model, page, told));

  async function take(given) {
    if (!given) return;
    const bitmap = await createImageBitmap(given).catch(() => null);
    if (!bitmap && given.size > MOST_BYTES) {
      page.trouble(new Error("This browser cannot read that file, and it is too large to be sent as it is. Choose a PNG or a JPEG."));
      return;
    }
    page.trouble(null);
    kept = {url: given.size > MOST_BYTES ? smaller(bitmap) : await addressOf(given), bitmap};
    for (const each of all) each.show();
  }

  function pasted(event) {
    const [picture] = event.clipboardData?.files ?? [];
    take(picture);
  }

  file.addEventListener("change", () => take(file.files[0]));
  box.addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
  for (const name of ["dragleave", "drop"]) box.addEventListener(name, () => drop.classList.remove("over"));
  box.addEventListener("drop", (event) => {
    event.preventDefault();
    take(event.dataTransfer.files[0]);
  });
  document.addEventListener("paste", pasted);
  for (const each of all) each.show();
  file.focus();
  return () => {
    document.removeEventListener("paste", pasted);
    for (const each of [...all, told]) each.stop();
  };
}

/** A picture, and under it its caption. */
function mount(root, model, page, told) {
  const {attention, patches: [rows, columns]} = page.models.find(({id}) => id === model).elman;
  if (page.chosen().length > 1) add(root, "h2", {textContent: model});
  const canvas = add(root, "canvas", {className: "seen", hidden: true}), made = add(root, "p", {className: "made written", hidden: true});
  const note = add(root, "p", {className: "soft told"});
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", "The picture");
  let looked = [], words = [];

  /** The picture, uncovered where a word looked; all of it if there is none. */
  function draw(at) {
    if (!kept?.bitmap) return;
    const {width, height} = paint(canvas, kept.bitmap, SHOWN), brush = canvas.getContext("2d");
    const weights = looked[at] ?? [], most = Math.max(...weights.flat());
    weights.forEach((row, y) => row.forEach((weight, x) => {
      const [left, right, top, bottom] = [x / columns * width, (x + 1) / columns * width, y / rows * height, (y + 1) / rows * height].map(Math.round);
      brush.fillStyle = `rgba(0, 0, 0, ${DIMMED * (1 - weight / most)})`;
      brush.fillRect(left, top, right - left, bottom - top);
    }));
    note.textContent = looked.length ? "Point at a word to see where the model looked." : "";
    if (!weights.length) return;
    const place = weights.flat().indexOf(most);
    const where = `row ${Math.floor(place / columns) + 1} of ${rows}, column ${place % columns + 1} of ${columns}`;
    note.textContent = `“${words[at].textContent}” looked most at ${where}: ${percent(most)}.`;
  }

  function pressed() {
    return words.findIndex((word) => word.getAttribute("aria-pressed") === "true");
  }

  function written({caption, attention}) {
    made.replaceChildren();
    looked = attention?.attention ?? [];
    words = (attention?.words ?? []).map((text, at) => {
      const word = add(made, "button", {type: "button", className: "token", textContent: text});
      word.setAttribute("aria-pressed", "false");
      for (const name of ["pointerenter", "focus"]) word.addEventListener(name, () => draw(at));
      for (const name of ["pointerleave", "blur"]) word.addEventListener(name, () => draw(pressed()));
      word.addEventListener("click", () => {
        const off = word.getAttribute("aria-pressed") === "true";
        words.forEach((each, other) => each.setAttribute("aria-pressed", String(other === at && !off)));
        draw(pressed());
      });
      made.append(" ");
      return word;
    });
    if (!words.length) made.textContent = caption;
    made.hidden = false;
    draw(-1);
    told.say(`${model} says: ${caption}`);
  }

  const questions = asking(page, model, 0, async (signal) => {
    const {captions: [found]} = await ask("v1/caption", {model, input: kept.url, attention: attention !== "none"}, signal);
    written(found);
  });

  return {
    stop: questions.stop,
    show() {
      if (!kept) return;
      [looked, words] = [[], []];
      made.hidden = true;
      canvas.hidden = !kept.bitmap;
      note.textContent = kept.bitmap ? "" : "This browser cannot show such a picture.";
      draw(-1);
      questions.now();
    },
  };
}

/** Draw a picture on white, its longer side no longer than so many pixels; gives its size. */
function paint(canvas, bitmap, longest) {
  const scale = Math.min(1, longest / Math.max(bitmap.width, bitmap.height));
  const width = canvas.width = Math.max(Math.round(bitmap.width * scale), 1);
  const height = canvas.height = Math.max(Math.round(bitmap.height * scale), 1);
  const brush = canvas.getContext("2d");
  brush.fillStyle = "#fff";
  brush.fillRect(0, 0, width, height);
  brush.drawImage(bitmap, 0, 0, width, height);
  return {width, height};
}

function smaller(bitmap) {
  const canvas = document.createElement("canvas");
  paint(canvas, bitmap, LONGEST);
  return canvas.toDataURL("image/jpeg", 0.95);
}

/** A file as a data URL. */
function addressOf(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => resolve(reader.result));
    reader.addEventListener("error", () => reject(reader.error));
    reader.readAsDataURL(file);
  });
}
