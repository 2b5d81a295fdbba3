// Forecast: the last values of a series and bands of what comes next.

import {add} from "./dom.js";
import {ask} from "./server.js";

const DELAY = 250;
const WIDTH = 640, HEIGHT = 280, LEFT = 72, BELOW = 30, ABOVE = 12;
const shownNumber = (value) => value.toLocaleString("en", {maximumSignificantDigits: 4});

/** A picture and a table for each model, all of one series. */
export function forecast(root, page) {
  root.replaceChildren();
  const models = page.models.filter((each) => page.chosen().includes(each.id));
  const controls = add(root, "form", {className: "controls"});
  controls.addEventListener("submit", (event) => event.preventDefault());
  const choice = add(add(controls, "label", {textContent: "Series "}), "select", {name: "series"});
  const names = [...new Set(models.flatMap((each) => each.elman.names))];
  choice.append(...names.map((name) => new Option(name || "the series", name)), new Option("my own numbers", "\n"));
  const trained = models[0].elman.horizon;
  const steps = add(add(controls, "label", {textContent: "Steps "}), "input", {
    type: "number", name: "steps", min: 1, max: 100 * trained, value: trained, required: true,
  });
  const own = add(add(root, "label", {className: "wide own", textContent: "Last values, the newest last", hidden: true}), "textarea", {
    rows: 3, value: page.text, placeholder: "12.5, 13, 15.2, 14",
  });
  const columns = add(root, "div", {className: "columns"});
  const all = models.map(({id, elman: {names}}) => {
    const column = add(columns, "div", {className: "forecast"});
    add(column, "h2", {textContent: id});
    return {model: id, names, body: add(column, "div", {})};
  });
  let asked = null, timer = 0;

  function question() {
    const mine = choice.value === "\n";
    own.parentElement.hidden = !mine;
    asked?.abort();
    clearTimeout(timer);
    if (!steps.checkValidity()) return;
    const values = own.value.split(/[\s,;]+/).filter(Boolean).map(Number);
    if (mine && (!values.length || values.some(Number.isNaN))) {
      for (const {body} of all) body.replaceChildren();
      return;
    }
    asked = new AbortController();
    const {signal} = asked, horizon = steps.valueAsNumber, input = [mine ? {values} : {series: choice.value}];
    timer = setTimeout(() => all.forEach(async ({model, names, body}) => {
      if (!mine && !names.includes(choice.value)) {
        body.replaceChildren();
        add(body, "p", {className: "note", textContent: "This model has not learned this series."});
        return;
      }
      try {
        const {forecasts: [found]} = await ask("v1/forecast", {model, input, horizon, history: 3 * horizon}, signal);
        page.trouble(null, model);
        draw(body, found);
      } catch (error) {
        page.trouble(error, model);
      }
    }), DELAY);
  }

  own.addEventListener("input", () => {
    page.text = own.value;
    question();
  });
  for (const field of [choice, steps]) field.addEventListener("input", question);
  question();
  choice.focus();
  return () => {
    asked?.abort();
    clearTimeout(timer);
  };
}

function draw(body, {times, forecast: median, quantiles, history}) {
  const levels = Object.keys(quantiles).map(Number).sort((a, b) => a - b);
  const bands = levels.filter((level) => level < 0.5).map((level) => {
    const other = levels.find((each) => Math.abs(each + level - 1) < 1e-9);
    return other && {share: 1 - 2 * level, low: quantiles[level], high: quantiles[other]};
  }).filter(Boolean);
  const known = history.filter((value) => value !== null);
  const every = [...known, ...median, ...bands.flatMap(({low, high}) => [...low, ...high])];
  const [bottom, top] = [Math.min(...every), Math.max(...every)], span = top - bottom || 1;
  const x = (step) => LEFT + (WIDTH - LEFT - 8) * step / Math.max(history.length + median.length - 1, 1);
  const y = (value) => ABOVE + (HEIGHT - BELOW - ABOVE) * (top - value) / span;
  const points = (values, from) => values.map((value, step) => value === null ? "" : `${x(from + step).toFixed(1)},${y(value).toFixed(1)}`);
  // The parser knows the namespace, which is spelled like an address: pages ask for none.
  const SVG = new DOMParser().parseFromString("<svg></svg>", "text/html").body.firstChild.namespaceURI;
  const picture = document.createElementNS(SVG, "svg"), last = history.length - 1;
  const part = (kind, about, text = "") => {
    const made = document.createElementNS(SVG, kind);
    for (const [name, value] of Object.entries(about)) made.setAttribute(name, value);
    made.textContent = text;
    picture.append(made);
  };
  picture.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  picture.setAttribute("role", "img");
  picture.setAttribute("aria-label", `From ${shownNumber(known.at(-1))} to ${shownNumber(median.at(-1))} at ${times.at(-1)}`);
  for (const share of [0, 0.5, 1]) {
    const value = bottom + share * span;
    part("line", {x1: LEFT, x2: WIDTH - 8, y1: y(value), y2: y(value), class: "grid"});
    part("text", {x: LEFT - 6, y: y(value) + 5, "text-anchor": "end"}, shownNumber(value));
  }
  // The bands open at the last known value.
  const from = known.at(-1);
  for (const {low, high} of bands) {
    part("polygon", {class: "band", points: [...points([from, ...high], last), ...points([from, ...low], last).reverse()].join(" ")});
  }
  part("polyline", {class: "known", points: points(history, 0).join(" ")});
  part("polyline", {class: "median", points: points([from, ...median], last).join(" ")});
  part("text", {x: x(last + 1), y: HEIGHT - 8, "text-anchor": "middle"}, times[0]);
  if (times.length > 1) part("text", {x: WIDTH - 8, y: HEIGHT - 8, "text-anchor": "end"}, times.at(-1));
  body.replaceChildren(picture);
  const widest = bands[0], table = add(add(body, "div", {className: "steps"}), "table", {});
  const head = add(table, "tr", {});
  for (const name of ["time", "forecast", ...(widest ? [`${Math.round(100 * widest.share)}% lie in`] : [])]) add(head, "th", {textContent: name});
  times.forEach((time, step) => {
    const row = add(table, "tr", {});
    const range = widest ? [`${shownNumber(widest.low[step])} to ${shownNumber(widest.high[step])}`] : [];
    for (const text of [time, shownNumber(median[step]), ...range]) add(row, "td", {textContent: text});
  });
}
