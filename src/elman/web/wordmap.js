// A map of words on a canvas: dragged, zoomed by wheel, fingers and buttons, with names where there is room.

const MOST_ZOOM = 200, NEAR = 22, NAMES = 60, COLOURS = 8;

export class WordMap {
  /** `places` are x and y of each word, from -1 to 1; `chosen(row)` is called when a word is tapped. */
  constructor(canvas, {words, places, clusters}, chosen) {
    Object.assign(this, {canvas, words, places, clusters, chosen, marked: [], over: null, fingers: new Map(), moved: 0});
    this.reset();
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.zoomAt(Math.exp(-event.deltaY / 300), event.offsetX, event.offsetY);
    }, {passive: false});
    canvas.addEventListener("pointerdown", (event) => this.down(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, (event) => this.up(event));
    canvas.addEventListener("pointerleave", () => { this.over = null; this.draw(); });
    new ResizeObserver(() => this.draw()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  reset() {
    Object.assign(this, {zoom: 1, x: 0, y: 0});
    this.draw();
  }

  /** Show a word among its neighbours. */
  mark(rows) {
    this.marked = rows;
    this.draw();
  }

  /** Pixels of a unit, across and down: at zoom 1 all words just fit. */
  get scales() {
    return [this.canvas.clientWidth, this.canvas.clientHeight].map((size) => 0.46 * size * this.zoom);
  }

  /** Where a word is drawn. */
  at(row) {
    const {clientWidth: width, clientHeight: height} = this.canvas, [across, down] = this.scales;
    return [width / 2 + (this.places[2 * row] - this.x) * across, height / 2 + (this.places[2 * row + 1] - this.y) * down];
  }

  zoomAt(factor, x, y) {
    const [across, down] = this.scales;
    this.zoom = Math.min(Math.max(this.zoom * factor, 1), MOST_ZOOM);
    const [wider, deeper] = this.scales;
    this.x += (x - this.canvas.clientWidth / 2) * (1 / across - 1 / wider);
    this.y += (y - this.canvas.clientHeight / 2) * (1 / down - 1 / deeper);
    if (this.zoom === 1) this.x = this.y = 0;
    this.draw();
  }

  /** The word nearest to a point, or null. */
  nearest(x, y) {
    let best = null, least = NEAR ** 2;
    for (let row = 0; row < this.words.length; row += 1) {
      const [left, top] = this.at(row), distance = (left - x) ** 2 + (top - y) ** 2;
      if (distance < least) [best, least] = [row, distance];
    }
    return best;
  }

  down(event) {
    this.canvas.setPointerCapture(event.pointerId);
    this.fingers.set(event.pointerId, [event.offsetX, event.offsetY]);
    if (this.fingers.size === 1) this.moved = 0;
  }

  move(event) {
    const before = this.fingers.get(event.pointerId), now = [event.offsetX, event.offsetY];
    if (!before) {
      this.over = this.nearest(...now);
      this.draw();
      return;
    }
    this.fingers.set(event.pointerId, now);
    this.moved += Math.hypot(now[0] - before[0], now[1] - before[1]);
    const [other] = [...this.fingers].filter(([id]) => id !== event.pointerId).map(([, place]) => place);
    if (other) {
      const spread = (place) => Math.max(1, Math.hypot(place[0] - other[0], place[1] - other[1]));
      this.zoomAt(spread(now) / spread(before), (now[0] + other[0]) / 2, (now[1] + other[1]) / 2);
    } else if (this.zoom > 1) {
      const [across, down] = this.scales;
      this.x -= (now[0] - before[0]) / across;
      this.y -= (now[1] - before[1]) / down;
      this.draw();
    }
  }

  up(event) {
    const tapped = this.fingers.delete(event.pointerId) && event.type === "pointerup" && this.moved < 6;
    const row = tapped ? this.nearest(event.offsetX, event.offsetY) : null;
    if (row !== null) this.chosen(row);
  }

  draw() {
    const {canvas} = this, ratio = devicePixelRatio || 1, width = canvas.clientWidth, height = canvas.clientHeight;
    if (!width || !height) return;
    // A page that is not zoomed in scrolls under a finger.
    canvas.style.touchAction = this.zoom > 1 ? "none" : "pan-y";
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    const ink = canvas.getContext("2d"), style = getComputedStyle(canvas), colour = (name) => style.getPropertyValue(name).trim();
    ink.scale(ratio, ratio);
    const colours = Array.from({length: COLOURS}, (_, number) => colour(`--c${number}`));
    const size = Math.min(5, 1.6 + Math.log2(this.zoom) / 2), marked = new Set(this.marked);
    const shown = [];
    for (let row = this.words.length - 1; row >= 0; row -= 1) {
      const [x, y] = this.at(row);
      if (x < -9 || y < -9 || x > width + 9 || y > height + 9) continue;
      shown.push(row);
      ink.globalAlpha = this.marked.length && !marked.has(row) ? 0.3 : 0.75;
      ink.fillStyle = colours[this.clusters[row] % COLOURS];
      ink.beginPath();
      ink.arc(x, y, marked.has(row) ? size + 2 : size, 0, 2 * Math.PI);
      ink.fill();
    }
    ink.globalAlpha = 1;
    Object.assign(ink, {textBaseline: "middle", lineWidth: 3.5, lineJoin: "round", strokeStyle: colour("--paper"), fillStyle: colour("--ink")});
    const first = this.over === null ? this.marked : [this.over, ...this.marked];
    const taken = [], common = shown.reverse().slice(0, 40 * NAMES);
    for (const row of new Set([...first, ...common])) {
      if (taken.length >= NAMES) break;
      this.name(ink, row, taken, row === this.over || row === this.marked[0], width, height);
    }
  }

  /** Write the name of a word if there is room for it. */
  name(ink, row, taken, strong, width, height) {
    const [x, y] = this.at(row), long = this.words[row], text = long.length > 24 ? `${long.slice(0, 23)}…` : long;
    ink.font = `${strong ? "600 14px" : "12px"} system-ui, "DejaVu Sans", sans-serif`;
    const room = ink.measureText(text).width, left = x + room + 12 > width ? x - room - 7 : x + 7;
    const box = [left - 3, y - 9, left + room + 3, y + 9];
    if (y < 0 || y > height || x < 0 || x > width) return;
    if (!strong && taken.some((each) => box[0] < each[2] && each[0] < box[2] && box[1] < each[3] && each[1] < box[3])) return;
    taken.push(box);
    ink.strokeText(text, left, y);
    ink.fillText(text, left, y);
  }
}
