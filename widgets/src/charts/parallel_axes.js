/** The axes of parallel coordinates on the page: lines, ticks, titles, brushes with their two thumbs. */

import { svg } from "../dom.js";
import { shorten } from "../format.js";
import { wordsAt } from "./axes.js";

/** Pixels around the axes. */
export const EDGE = { left: 34, right: 46, top: 40, bottom: 16 };
const LETTER = 6.2;
/** Pixels between two axes below which their titles take turns in two rows, and only the outer ticks have words. */
const NARROW = 92;
const TIGHT = 50;
const TICK_HEIGHT = 13;

/**
 * Where the axes are, in pixels.
 * @param {number} count
 * @param {number} width
 * @param {number} height
 */
export function frameOf(count, width, height) {
  const inner = Math.max(1, width - EDGE.left - EDGE.right);
  const gap = count > 1 ? inner / (count - 1) : inner;
  const [top, bottom] = [EDGE.top, Math.max(EDGE.top + 1, height - EDGE.bottom)];
  return {
    gap, top, bottom,
    /** @param {number} index */
    x: (index) => EDGE.left + (count > 1 ? index * gap : inner / 2),
    /** @param {number} place */
    y: (place) => bottom - place * (bottom - top),
    /** @param {number} y */
    place: (y) => Math.min(1, Math.max(0, (bottom - y) / (bottom - top))),
    /** @param {number} x */
    across: (x) => (count > 1 ? (x - EDGE.left) / gap : 0),
  };
}

/** @typedef {ReturnType<typeof frameOf>} Frame */

/** One axis, as elements. */
export class AxisView {
  /**
   * @param {import("./axes.js").Axis} axis
   * @param {number} index
   * @param {number} count
   * @param {Frame} frame
   * @param {import("../look.js").Look} look
   */
  constructor(axis, index, count, frame, look) {
    this.axis = axis;
    this.frame = frame;
    this.root = svg("g", { transform: `translate(${frame.x(index)} 0)`, role: "group", "aria-label": axis.name });
    this.root.append(svg("line", { x1: 0, x2: 0, y1: frame.top, y2: frame.bottom, stroke: look.quiet, "stroke-width": 1.2 }));
    this.#drawTicks(look, index === count - 1);
    const staggered = count > 1 && frame.gap < NARROW;
    const letters = Math.floor((frame.gap * (staggered ? 1.9 : 0.96)) / LETTER);
    const anchor = index === 0 ? "start" : index === count - 1 ? "end" : "middle";
    const shift = index === 0 ? -EDGE.left + 4 : index === count - 1 ? EDGE.right - 4 : 0;
    const y = staggered && index % 2 ? 12 : staggered ? 27 : 22;
    const title = svg("text", { x: shift, y, "text-anchor": anchor, fill: look.ink, "font-size": 12, class: "astraml-axis-title", "data-axis": axis.name }, shorten(axis.name, Math.max(4, letters)));
    title.append(svg("title", {}, `${axis.name}: drag to move the axis`));
    this.brush = svg("rect", { x: -7, width: 14, fill: look.best, "fill-opacity": 0.28, stroke: look.best, rx: 2 });
    this.thumbs = { low: this.#thumb("low", look), high: this.#thumb("high", look) };
    this.root.append(title, this.brush, this.thumbs.low, this.thumbs.high);
  }

  /**
   * @param {import("../look.js").Look} look
   * @param {boolean} last
   */
  #drawTicks(look, last) {
    const { axis, frame } = this;
    const tight = frame.gap < TIGHT;
    let before = Infinity;
    axis.ticks.forEach((tick, index) => {
      const y = frame.y(tick.at);
      const outer = index === 0 || index === axis.ticks.length - 1;
      this.root.append(svg("line", { x1: -3, x2: 3, y1: y, y2: y, stroke: look.quiet }));
      if (tight ? !outer : before - y < TICK_HEIGHT) return;
      before = y;
      const letters = tight ? 5 : last ? 8 : Math.max(4, Math.floor((frame.gap - 12) / LETTER));
      const text = svg("text", { x: 7, y: y + 3.5, fill: look.quiet, "font-size": 10.5, stroke: look.paper, "stroke-width": 3, "stroke-linejoin": "round", "paint-order": "stroke" }, shorten(tick.text, letters));
      this.root.append(text);
    });
  }

  /**
   * @param {"low" | "high"} end
   * @param {import("../look.js").Look} look
   */
  #thumb(end, look) {
    const thumb = svg("path", { d: end === "high" ? "M-7 0h14l-7-6z" : "M-7 0h14l-7 6z", fill: look.best, class: "astraml-thumb", role: "slider", "aria-orientation": "vertical", "data-axis": this.axis.name, "data-end": end });
    thumb.setAttribute("aria-label", `${this.axis.name}, ${end === "high" ? "upper" : "lower"} end of the marked range`);
    thumb.setAttribute("aria-valuemin", "0");
    thumb.setAttribute("aria-valuemax", "100");
    return thumb;
  }

  /**
   * Show the range that is marked on it.
   * @param {import("./brushes.js").Range | null} range
   * @param {boolean} current whether Tab stops here
   */
  update(range, current) {
    const { low, high } = range ?? { low: 0, high: 1 };
    const [top, bottom] = [this.frame.y(high), this.frame.y(low)];
    this.brush.setAttribute("y", String(top));
    this.brush.setAttribute("height", String(Math.max(2, bottom - top)));
    this.brush.setAttribute("visibility", range ? "visible" : "hidden");
    for (const [end, place] of /** @type {const} */ ([["low", low], ["high", high]])) {
      const thumb = this.thumbs[end];
      thumb.setAttribute("transform", `translate(0 ${this.frame.y(place)})`);
      thumb.setAttribute("tabindex", current ? "0" : "-1");
      thumb.setAttribute("aria-valuenow", String(Math.round(place * 100)));
      thumb.setAttribute("aria-valuetext", wordsAt(this.axis, place));
      thumb.classList.toggle("is-on", range !== null);
    }
  }
}
