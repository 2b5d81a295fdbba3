// A text field that shows what comes next: ghost text after the cursor, and the likely words below as chips.
//
// Tab, or the right arrow at the end of the text, takes one word of the ghost. A chip is taken by a click, by Alt and
// its number, or by its number alone while a chip has the focus. Esc puts the ghost away until the next key, so that
// Tab can leave the field. It needs no other file but typing.css.

const WORD = /^\s*\S+/;
/** What a word stands right after: a bracket or quote that opens, the sign of a name, a hyphen. */
const OPENS = /[\s([{¿¡“„«@#/-]$|(?:^|\s)["']$/u;
/** A mark after a space that a word, a space and the mark's key leave behind. */
const STRAY = /[\p{L}\p{N}\p{M}] ([.,])$/u;
const KINDS = { correction: "a correction", learned: "a word of yours" };
const SPACE = /\s$/;

/** What to say of the words before the cursor. */
function notes({unknown, readAs = {}}) {
  const read = Object.entries(readAs).map(([typed, meant]) => `“${typed}” is read as “${meant}”.`);
  return unknown ? [...read, `“${unknown}” is new to this model.`] : read;
}

/**
 * Builds the field inside `root`.
 *
 * `predict(text, {signal})` promises `{words, partial, ghost, unknown}` for the text before the cursor: `words` are
 * `{text, probability, kind}`, the candidates for the next or half-typed word, best first; `partial` is the half-typed word
 * that they complete, in other letters perhaps, or ""; `ghost` is the text that Tab would add, several words perhaps;
 * `unknown` is the last word, if the model does not know it; `readAs` has the misspelled words before the cursor, each with
 * the word that it is read as, and may be left out.
 *
 * Options, all of them free to be left out: `label`, `placeholder`, `value`, `chips` (how many, up to 9; 7),
 * `delay` (milliseconds between a key and the question; 20), `onChange(text)`, `onMove()`
 * (the cursor alone), `onError(error)`, `onAnswer(answer)`.
 *
 * Gives `{field, text, refresh(), stand(start, end), destroy()}`; `text` can be set, which calls no `onChange`.
 */
export function mountTyping(root, predict, options = {}) {
  const { label = "Text", placeholder = "", value = "", chips = 7, delay = 20 } = options;
  const made = build(root, { label, placeholder, value, chips: Math.min(chips, 9) });
  const { box, paper, field, before, ghost, list, note, told } = made;
  const nothing = { words: [], partial: "", ghost: "", unknown: "" };
  let answer = nothing;
  let asked = null;
  let timer = 0;
  let dismissed = false;
  /** The text after which a space was put for a mark. */
  let spaced = "";

  const head = () => field.value.slice(0, field.selectionStart);
  const atEnd = () => field.selectionStart === field.value.length && field.selectionEnd === field.value.length;

  function showGhost() {
    const shown = !dismissed && atEnd() ? answer.ghost : "";
    before.textContent = field.value;
    ghost.textContent = shown;
    // The screen reader is told the one word that Tab takes, not the whole guess; not of a field beside.
    const next = shown.match(WORD);
    told.textContent = next && box.contains(document.activeElement) ? `Tab: ${completed(head(), next[0])}` : "";
    // The mirror is as tall as the text with its ghost; the field follows it, and the end stays in sight.
    box.classList.toggle("typing-has-ghost", shown !== "");
    if (atEnd()) paper.scrollTop = paper.scrollHeight;
  }

  function showChips() {
    const focused = [...list.children].indexOf(document.activeElement);
    note.textContent = notes(answer).join(" ");
    list.replaceChildren(...answer.words.slice(0, Math.min(chips, 9)).map(chip));
    if (focused >= 0) (list.children[Math.min(focused, list.children.length - 1)] || field).focus();
  }

  function chip({ text, probability, kind }, place) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "typing-chip";
    const share = percent(probability);
    if (kind) button.classList.add(`typing-${kind}`);
    button.setAttribute("aria-label", `${text}, ${share}${kind ? `, ${KINDS[kind] ?? kind}` : ""}`);
    button.title = KINDS[kind] ?? "";
    button.setAttribute("aria-keyshortcuts", `Alt+${place + 1}`);
    button.style.setProperty("--share", `${Math.max(probability * 100, 1)}%`);
    button.append(span("typing-number", String(place + 1)), span("typing-word", text), span("typing-share", share));
    button.addEventListener("click", () => {
      take(text);
      field.focus();
    });
    return button;
  }

  function insert(text) {
    const keep = document.activeElement;
    field.focus();
    // Only this way does the browser's undo know of it.
    if (!document.execCommand("insertText", false, text)) {
      field.setRangeText(text, field.selectionStart, field.selectionEnd, "end");
      changed();
    }
    if (keep && keep !== field && keep.isConnected && root.contains(keep)) keep.focus();
  }

  function take(word) {
    if (answer.partial) {
      // What was typed since the answer came is part of the word.
      const text = head(), begun = text.endsWith(answer.partial) ? answer.partial : /\S*$/u.exec(text)[0];
      if (word.startsWith(begun)) {
        insert(word.slice(begun.length));
      } else {
        field.setSelectionRange(text.length - begun.length, text.length);
        insert(word);
      }
    } else {
      insert(seam(head(), word) + word);
    }
  }

  function takeGhost() {
    const next = answer.ghost.match(WORD);
    const left = answer.ghost.slice(next[0].length);
    insert(next[0]);
    // What is left of the guess stays until the new one is there.
    answer = { ...answer, ghost: left, partial: "" };
    showGhost();
  }

  async function ask() {
    asked?.abort();
    asked = new AbortController();
    const mine = asked;
    try {
      const found = await predict(head(), { signal: mine.signal });
      if (mine.signal.aborted) return;
      answer = found;
      showGhost();
      showChips();
      options.onAnswer?.(found);
    } catch (error) {
      if (mine.signal.aborted || error?.name === "AbortError") return;
      answer = nothing;
      showGhost();
      showChips();
      options.onError?.(error);
    }
  }

  function refresh() {
    asked?.abort();
    clearTimeout(timer);
    timer = setTimeout(ask, delay);
  }

  /** Turn "word ." into "word. " when the mark has just been typed. A space typed next adds no second one. */
  function mendSpacing({ inputType, data }) {
    const typed = inputType === "insertText" && atEnd() ? data : null, mended = spaced;
    spaced = "";
    if (typed === " " && mended && field.value === `${mended} `) {
      field.setSelectionRange(mended.length, mended.length + 1);
      document.execCommand("delete");
    } else if (typed !== null && STRAY.exec(head())?.[1] === typed) {
      field.setSelectionRange(field.value.length - 2, field.value.length);
      insert(`${typed} `);
      spaced = field.value;
    }
  }

  function changed() {
    dismissed = false;
    // Typing what the ghost says eats it; anything else makes it stale.
    const typed = field.value.slice(before.textContent.length);
    const eaten = typed && field.value.startsWith(before.textContent) && answer.ghost.startsWith(typed);
    answer = { ...answer, ghost: eaten ? answer.ghost.slice(typed.length) : "" };
    showGhost();
    refresh();
    options.onChange?.(field.value);
  }

  function key(event) {
    const plain = !event.ctrlKey && !event.metaKey && !event.altKey && !event.shiftKey;
    if (event.isComposing) return;
    const visible = ghost.textContent !== "";
    const digit = /^Digit([1-9])$/.exec(event.code || "");
    if (plain && visible && (event.key === "Tab" || event.key === "ArrowRight")) {
      event.preventDefault();
      takeGhost();
    } else if (plain && event.key === "Escape" && visible) {
      event.preventDefault();
      dismissed = true;
      showGhost();
    } else if (digit && event.altKey && !event.ctrlKey && !event.metaKey) {
      const word = answer.words[digit[1] - 1];
      if (word && digit[1] <= list.children.length) {
        event.preventDefault();
        take(word.text);
      }
    }
  }

  function chipKey(event) {
    const places = [...list.children];
    const here = places.indexOf(document.activeElement);
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (step && here >= 0) {
      event.preventDefault();
      places[(here + step + places.length) % places.length].focus();
    } else if (/^[1-9]$/.test(event.key) && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      places[event.key - 1]?.click();
    } else if (event.key === "Escape") {
      field.focus();
    }
  }

  let caret = 0;
  function moved() {
    if (document.activeElement !== field || field.selectionStart === caret) return;
    caret = field.selectionStart;
    showGhost();
    refresh();
    options.onMove?.();
  }

  field.addEventListener("input", (event) => {
    caret = field.selectionStart;
    changed();
    mendSpacing(event);
  });
  field.addEventListener("keydown", key);
  list.addEventListener("keydown", chipKey);
  document.addEventListener("selectionchange", moved);
  before.textContent = field.value;
  refresh();

  return {
    field,
    refresh,
    get text() {
      return field.value;
    },
    set text(text) {
      if (text === field.value) return;
      field.value = text;
      dismissed = false;
      answer = { ...answer, ghost: "" };
      showGhost();
      refresh();
    },
    /** Put the cursor somewhere, without taking the keyboard. */
    stand(start, end) {
      if (field.selectionStart === start && field.selectionEnd === end) return;
      field.setSelectionRange(start, end);
      showGhost();
      refresh();
    },
    destroy() {
      asked?.abort();
      clearTimeout(timer);
      document.removeEventListener("selectionchange", moved);
      box.remove();
    },
  };
}

/** The space between a text and a word, or nothing: after a bracket that opens, and before a mark that closes. */
export function seam(text, word) {
  return text === "" || OPENS.test(text) || /^[.,;:!?%)\]}”»…]/u.test(word) ? "" : " ";
}

/**
 * What the best of an answer's words adds to a text: the rest of the half-typed one, or a word after a space. Nothing
 * (null) if it takes the place of what was typed, as "I" does of "i".
 */
export function added(text, { words, partial }) {
  const best = words[0].text;
  if (!partial) return seam(text, best) + best;
  return best.startsWith(partial) ? best.slice(partial.length) : null;
}

/** A probability as people read it: 42%, 3.1%, 0.04%, <0.01%. */
export function percent(probability) {
  const share = probability * 100;
  if (share > 99.5 && share < 100) return ">99%";
  if (share >= 9.95) return `${share.toFixed(0)}%`;
  if (share >= 0.995) return `${share.toFixed(1)}%`;
  return share < 0.01 ? "<0.01%" : `${share.toFixed(2)}%`;
}

function completed(text, next) {
  const open = SPACE.test(text) || SPACE.test(next[0]) ? "" : text.match(/\S*$/)[0];
  return (open + next).trim();
}

function build(root, { label, placeholder, value, chips }) {
  const id = `typing-${(build.count = (build.count || 0) + 1)}`;
  const box = element("div", "typing");
  const name = element("label", "typing-label", label);
  name.htmlFor = id;
  const paper = element("div", "typing-paper");
  const mirror = element("div", "typing-mirror");
  mirror.setAttribute("aria-hidden", "true");
  const before = span("typing-before", "");
  const ghost = span("typing-ghost", "");
  mirror.append(before, ghost, span("", "\u200b"));
  const field = element("textarea", "typing-field");
  Object.assign(field, { id, value, placeholder, rows: 1, spellcheck: false, autocapitalize: "off" });
  field.setAttribute("autocomplete", "off");
  field.setAttribute("autocorrect", "off");
  field.setAttribute("aria-describedby", `${id}-keys`);
  paper.append(mirror, field);
  const list = element("div", "typing-chips");
  list.setAttribute("role", "group");
  list.setAttribute("aria-label", "Likely words");
  const note = element("p", "typing-note");
  note.setAttribute("role", "status");
  const touch = element("p", "typing-touch", "Tap a word to take it.");
  const keys = element("p", "typing-keys");
  keys.id = `${id}-keys`;
  for (const [name, does] of [["Tab", "takes the grey word"], [`Alt 1-${chips}`, "a word below"], ["Esc", "puts it away"]]) {
    keys.append(element("kbd", "", name), ` ${does}  `);
  }
  const told = element("div", "typing-told");
  told.setAttribute("role", "status");
  box.append(name, paper, note, list, keys, touch, told);
  root.append(box);
  return { box, paper, field, before, ghost, list, note, told };
}

function element(tag, className, text = "") {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

function span(className, text) {
  return element("span", className, text);
}
