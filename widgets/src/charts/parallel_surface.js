/** Parallel coordinates on the page: lines, axes, brushes by mouse and keyboard, axes that can be moved. */

import { make, setText, svg } from "../dom.js";
import { Brushes } from "./brushes.js";
import { AxisView, frameOf } from "./parallel_axes.js";
import { drawLines } from "./parallel_canvas.js";
import { LINES, lineAt, linesOf, moved, pictureOf } from "./parallel_picture.js";
import { partsOf } from "./points.js";
import { gradient } from "./ramp.js";

/** Pixels: how near the mouse has to be to an axis, to an end of a brush, to a line. */
const [NEAR_AXIS, NEAR_END, NEAR_LINE] = [12, 6, 5];
/** Pixels that the mouse may move in a click. */
const CLICK = 4;

/**
 * What the mouse is doing.
 * @typedef {{
 *   kind: "brush" | "move-brush" | "move-axis" | "line", index: number, x: number, y: number, far: boolean,
 *   from: number, to: number,
 * }} Drag `from` and `to` are places
 */

export class ParallelSurface {
  /** @param {import("../view.js").Does} does */
  constructor(does) {
    this.does = does;
    this.root = make("div", "astraml-parallel");
    this.canvas = make("canvas", "astraml-parallel-lines");
    this.over = svg("svg", { class: "astraml-parallel-axes", role: "group", "aria-label": "Parallel coordinates" });
    this.tip = make("div", "astraml-tip", "", { role: "status" });
    this.tip.hidden = true;
    this.root.append(this.canvas, this.over, this.tip);
    this.brushes = new Brushes();
    /** @type {string[]} */
    this.order = [];
    /** @type {import("./parallel_picture.js").Picture} */
    this.picture = { rows: [], axes: [], shades: new Uint8Array(0), key: "", left: 0 };
    this.lines = new Uint32Array(0);
    /** @type {AxisView[]} */
    this.views = [];
    this.frame = frameOf(0, 1, 1);
    /** @type {import("./tab.js").Scene | null} */
    this.scene = null;
    /** @type {Drag | null} */
    this.drag = null;
    this.current = 0;
    this.request = 0;
    /** The trials that were brushed, and the selection that was drawn last. @type {number[]} */
    this.chosen = [];
    this.selected = -1;
    this.madeOf = "";
    this.laidOut = "";
    this.#listen();
  }

  /** Whether a drag is under way: nothing may be drawn under the mouse. */
  get busy() {
    return this.drag !== null;
  }

  #listen() {
    // They go with the elements: nothing outside is listened to.
    const on = (/** @type {string} */ type, /** @type {(event: any) => void} */ heard) => this.over.addEventListener(type, heard);
    on("pointerdown", (event) => this.#press(event));
    on("pointermove", (event) => this.#move(event));
    on("pointerup", (event) => this.#release(event));
    on("pointercancel", () => this.#stop());
    on("pointerleave", () => this.#say(-1, 0, 0));
    on("keydown", (event) => this.#key(event));
    // Not on the drawing itself: Chromium would let that have the focus, with a frame around all of it.
    this.root.addEventListener("focusin", (event) => this.#focus(/** @type {SVGElement} */ (event.target).dataset.axis));
  }

  /** @param {import("./tab.js").Scene} scene */
  draw(scene) {
    const { store, look, selected, width, height } = scene;
    this.scene = scene;
    const made = `${store.revision} ${store.job?.id} ${store.job?.params.length} ${this.order.join("\n")}`;
    if (made !== this.madeOf) {
      this.madeOf = made;
      this.picture = pictureOf(store, this.order);
      this.laidOut = "";
    }
    const { picture } = this;
    if (!store.job || !picture.rows.length) return { keys: [], empty: "Each finished trial will appear here as a line through its parameters and results." };
    if (this.selected !== selected.revision) {
      this.selected = selected.revision;
      // Something else was selected elsewhere: the brushes do not say what is selected any more.
      const ours = this.chosen.length === selected.size && this.chosen.every((number) => selected.has(number));
      if (!ours) this.brushes.clear();
    }
    this.lines = linesOf(picture, store.job, selected);
    this.frame = frameOf(picture.axes.length, width, height);
    const layout = `${width}x${height} ${look.paper} ${look.ink}`;
    if (layout !== this.laidOut) this.#layOut(layout);
    this.#paint();
    return { keys: this.#keys(), empty: "" };
  }

  /** @param {string} layout */
  #layOut(layout) {
    const { scene, picture, frame } = this;
    if (!scene) return;
    this.laidOut = layout;
    const focused = /** @type {SVGElement | null} */ (this.over.querySelector(":focus"));
    const [name, end] = [focused?.dataset.axis, focused?.dataset.end];
    this.over.setAttribute("viewBox", `0 0 ${scene.width} ${scene.height}`);
    this.over.setAttribute("font-family", scene.look.font);
    this.current = Math.min(this.current, picture.axes.length - 1);
    this.views = picture.axes.map((axis, index) => new AxisView(axis, index, picture.axes.length, frame, scene.look));
    this.over.replaceChildren(...this.views.map((view) => view.root));
    if (name !== undefined) this.#focusOn(name, end === "low" ? "low" : "high");
  }

  /** Draw lines and brushes. */
  #paint() {
    const { scene, picture, brushes } = this;
    if (!scene) return;
    const mask = brushes.size ? brushes.mask(picture.axes, picture.rows.length) : null;
    const lit = (/** @type {number} */ index) => (mask ? mask[index] === 1 : scene.selected.has(picture.rows[index]?.n ?? -1));
    // A selected trial without a result has no line here: the others do not step back for it.
    const some = mask !== null || scene.selected.size > 0 && picture.rows.some((row) => scene.selected.has(row.n));
    drawLines(this.canvas, picture, this.lines, lit, this.frame, scene, !some);
    this.views.forEach((view, index) => view.update(brushes.on(view.axis), index === this.current));
  }

  #paintSoon() {
    this.request ||= requestAnimationFrame(() => {
      this.request = 0;
      this.#paint();
    });
  }

  #keys() {
    const { picture, scene } = this;
    const key = { colour: gradient(scene?.look.dark ?? false), dash: "ramp", width: 9, numbers: [] };
    const all = picture.rows.length;
    const thin = all > LINES ? `, ${LINES} lines drawn` : "";
    const left = picture.left ? `; ${picture.left} more parameters have no axis` : "";
    const keys = picture.key ? [{ ...key, label: `${picture.key} (better)` }] : [];
    return [...keys, { label: `${all} finished trials${thin}${left}`, colour: scene?.look.finished ?? "", dash: "none", width: 0, numbers: [] }];
  }

  /** Tell everybody which trials lie in the marked ranges. */
  #select() {
    const { picture, brushes } = this;
    const mask = brushes.mask(picture.axes, picture.rows.length);
    this.chosen = brushes.size ? picture.rows.filter((_, index) => mask[index]).map((row) => row.n) : [];
    this.does.select(this.chosen);
  }

  /** @param {PointerEvent} event */
  #at(event) {
    const box = this.over.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const index = Math.min(this.views.length - 1, Math.max(0, Math.round(this.frame.across(x))));
    return { x, y, index, place: this.frame.place(y), near: Math.abs(this.frame.x(index) - x) <= NEAR_AXIS };
  }

  /** @param {PointerEvent} event */
  #press(event) {
    if (event.button !== 0 || !this.views.length) return;
    const { x, y, index, place, near } = this.#at(event);
    const title = /** @type {Element} */ (event.target).closest?.(".astraml-axis-title");
    const bare = { index, x, y, far: false, from: place, to: place };
    if (title) {
      const name = /** @type {SVGElement} */ (title).dataset.axis;
      this.drag = { ...bare, kind: "move-axis", index: this.views.findIndex((view) => view.axis.name === name) };
    } else if (near && y >= this.frame.top - NEAR_AXIS) {
      this.drag = this.#grab(bare, place);
      this.#focus(this.views[index]?.axis.name);
    } else {
      this.drag = { ...bare, kind: "line" };
    }
    this.over.setPointerCapture(event.pointerId);
    this.#say(-1, 0, 0);
  }

  /**
   * Take hold of an end of a brush, of a whole one, or begin another.
   * @param {Omit<Drag, "kind">} bare
   * @param {number} place
   * @returns {Drag}
   */
  #grab(bare, place) {
    const view = this.views[bare.index];
    const range = view && this.brushes.on(view.axis);
    if (!range) return { ...bare, kind: "brush" };
    const slack = NEAR_END / (this.frame.bottom - this.frame.top);
    if (Math.abs(place - range.low) <= slack) return { ...bare, kind: "brush", from: range.high };
    if (Math.abs(place - range.high) <= slack) return { ...bare, kind: "brush", from: range.low };
    if (place > range.low && place < range.high) return { ...bare, kind: "move-brush", from: range.low, to: range.high };
    return { ...bare, kind: "brush" };
  }

  /** @param {PointerEvent} event */
  #move(event) {
    const { drag } = this;
    const { x, y, place, near } = this.#at(event);
    if (!drag) {
      this.over.style.cursor = near && y >= this.frame.top ? "crosshair" : "";
      return this.#hover(event, x, y, near);
    }
    drag.far ||= Math.hypot(x - drag.x, y - drag.y) > CLICK;
    const view = this.views[drag.index];
    if (!drag.far || !view) return;
    if (drag.kind === "move-axis") {
      view.root.setAttribute("transform", `translate(${x} 0)`);
    } else if (drag.kind === "brush") {
      this.brushes.set(view.axis, drag.from, place);
      this.#paintSoon();
    } else if (drag.kind === "move-brush") {
      const shift = Math.min(1 - drag.to, Math.max(-drag.from, (drag.y - y) / (this.frame.bottom - this.frame.top)));
      this.brushes.set(view.axis, drag.from + shift, drag.to + shift);
      this.#paintSoon();
    }
  }

  /** @param {PointerEvent} event */
  #release(event) {
    const { drag } = this;
    if (!drag) return;
    const { x, y, index } = this.#at(event);
    const view = this.views[drag.index];
    this.#stop();
    if (drag.kind === "line") {
      if (!drag.far) this.#pick(x, y, event.ctrlKey || event.metaKey);
    } else if (drag.kind === "move-axis") {
      if (view && drag.far) this.#moveAxis(view.axis.name, index);
    } else if (view) {
      if (!drag.far && !this.brushes.on(view.axis)) return this.#pick(x, y, event.ctrlKey || event.metaKey);
      if (!drag.far) this.brushes.clear(view.axis.name);
      this.#select();
    }
  }

  #stop() {
    this.drag = null;
    this.does.changed();
  }

  /**
   * @param {string} name
   * @param {number} to
   */
  #moveAxis(name, to) {
    this.order = moved(this.picture, name, to);
    this.current = Math.min(this.views.length - 1, Math.max(0, to));
    this.laidOut = "";
    if (this.scene) this.draw(this.scene);
  }

  /** @param {number} x @param {number} y */
  #lineAt(x, y) {
    const slack = NEAR_LINE / (this.frame.bottom - this.frame.top);
    return lineAt(this.picture, this.lines, this.frame.across(x), (this.frame.bottom - y) / (this.frame.bottom - this.frame.top), slack);
  }

  /** @param {number} x @param {number} y @param {boolean} beside */
  #pick(x, y, beside) {
    const row = this.picture.rows[this.#lineAt(x, y)];
    if (row) this.does.pick(row.n, beside);
  }

  /** @param {PointerEvent} event @param {number} x @param {number} y @param {boolean} near */
  #hover(event, x, y, near) {
    this.#say(event.buttons || near ? -1 : this.#lineAt(x, y), x, y);
  }

  /**
   * Say of a trial what it is.
   * @param {number} index
   * @param {number} x
   * @param {number} y
   */
  #say(index, x, y) {
    const row = this.picture.rows[index];
    const job = this.scene?.store.job;
    this.tip.hidden = !row;
    if (!row || !job || !this.scene) return;
    const [name, state, ...rest] = partsOf(row, job);
    setText(this.tip, [`${name} · ${state}`, ...rest].join("\n"));
    const right = x > this.scene.width / 2;
    this.tip.style.left = right ? "" : `${x + 14}px`;
    this.tip.style.right = right ? `${this.scene.width - x + 14}px` : "";
    this.tip.style.top = `${Math.max(0, Math.min(y - 20, this.scene.height - this.tip.offsetHeight))}px`;
  }

  /** @param {string | undefined} name */
  #focus(name) {
    const at = this.views.findIndex((view) => view.axis.name === name);
    if (at < 0 || at === this.current) return;
    this.current = at;
    this.views.forEach((view, index) => view.update(this.brushes.on(view.axis), index === at));
  }

  /** @param {string} name @param {"low" | "high"} end */
  #focusOn(name, end) {
    const view = this.views.find((each) => each.axis.name === name);
    view?.update(this.brushes.on(view.axis), true);
    /** @type {any} */ (view?.thumbs[end])?.focus({ preventScroll: true });
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const { axis: name, end } = /** @type {SVGElement} */ (event.target).dataset ?? {};
    const view = this.views.find((each) => each.axis.name === name);
    if (!view || (end !== "low" && end !== "high")) return;
    const up = { ArrowUp: 1, ArrowDown: -1, PageUp: 10, PageDown: -10, Home: -1e6, End: 1e6 }[event.key];
    const side = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const off = ["Delete", "Backspace", "Escape"].includes(event.key);
    if (!up && !side && !off) return;
    event.preventDefault();
    event.stopPropagation();
    const at = this.views.indexOf(view);
    if (up) this.brushes.nudge(view.axis, end, up);
    else if (off) this.brushes.clear(view.axis.name);
    else if (side && event.shiftKey) return this.#moveAxis(view.axis.name, at + side);
    else if (side) return this.#focusOn(this.views[(at + side + this.views.length) % this.views.length]?.axis.name ?? "", end);
    this.#select();
  }

  /** Let go of all brushes, and put the axes back. */
  reset() {
    this.order = [];
    const had = this.brushes.size > 0;
    this.brushes.clear();
    if (had) this.#select();
    if (this.scene) this.draw(this.scene);
  }

  /** @param {import("./tab.js").Scene} scene */
  async png({ look, width, height }) {
    const ratio = 2;
    const canvas = make("canvas");
    [canvas.width, canvas.height] = [width * ratio, height * ratio];
    const context = canvas.getContext("2d");
    if (!context) throw new Error("no canvas");
    context.scale(ratio, ratio);
    context.fillStyle = look.paper;
    context.fillRect(0, 0, width, height);
    context.drawImage(this.canvas, 0, 0, width, height);
    const copy = /** @type {SVGElement} */ (this.over.cloneNode(true));
    copy.setAttribute("width", String(width));
    copy.setAttribute("height", String(height));
    for (const thumb of copy.querySelectorAll(".astraml-thumb:not(.is-on)")) thumb.remove();
    const image = new Image();
    image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(new XMLSerializer().serializeToString(copy))}`;
    await image.decode();
    context.drawImage(image, 0, 0, width, height);
    return canvas.toDataURL("image/png");
  }

  remove() {
    cancelAnimationFrame(this.request);
    this.root.remove();
  }
}
