// What views of texts have in common: a column for each model, and questions while one types.

import {add} from "./dom.js";

const QUIET = 900;

/** A column for each chosen model, all with one text. `mount(root, model, page, onChange)` gives what `column` gives. */
export function columnsOf(root, page, className, mount) {
  root.replaceChildren();
  const columns = add(root, "div", {className: "columns"});
  const all = page.chosen().map((model) => mount(add(columns, "div", {className: `${className} parted`}), model, page, (text) => {
    page.text = text;
    for (const other of all) other.text = text;
  }));
  all[0].focus();
  return () => all.forEach((each) => each.destroy());
}

/** The two parts of a column: a field, and what becomes of its text. */
export function parts(root) {
  const both = add(root, "div", {className: "parts"});
  return [add(both, "div", {}), add(both, "div", {})];
}

/** A column around a shaded field; `leave` is called at its end. */
export function column(shaded, questions, told, leave = () => {}) {
  return {
    set text(text) {
      if (text === shaded.text) return;
      shaded.text = text;
      questions.later();
    },
    focus() {
      shaded.field.focus();
    },
    destroy() {
      leave();
      questions.stop();
      told.stop();
      shaded.destroy();
    },
  };
}

/** `question(signal)`, asked some time after the last change, or now. Only the last one counts. */
export function asking(page, model, delay, question) {
  let asked = new AbortController(), timer = 0;

  function stop() {
    asked.abort();
    clearTimeout(timer);
  }

  async function now() {
    stop();
    const {signal} = asked = new AbortController();
    try {
      await question(signal);
      if (!signal.aborted) page.trouble(null, model);
    } catch (error) {
      if (!signal.aborted) page.trouble(error, model);
    }
  }

  return {
    now,
    stop,
    later() {
      stop();
      timer = setTimeout(now, delay);
    },
  };
}

/** For those who hear the page: not every letter's answer, but the one that stays. */
export function announcer(root) {
  const told = add(root, "div", {className: "typing-told"});
  told.setAttribute("role", "status");
  let quiet = 0;
  return {
    say(text) {
      clearTimeout(quiet);
      quiet = setTimeout(() => { told.textContent = text; }, QUIET);
    },
    stop() {
      clearTimeout(quiet);
    },
  };
}
