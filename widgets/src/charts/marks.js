/**
 * Many marks, drawn on a canvas below plotly's drawing: plotly would make an element of each, which costs a tenth
 * of a millisecond. It still knows where they are: hovering, clicking and selecting stay its own.
 */

import { make } from "../dom.js";
import { SHADES, shades } from "./ramp.js";

/** Marks of a chart up to which plotly draws them all. */
const FEW = 150;
/** Points of a trace up to which it stays plotly's, above the others. */
const LEAST = 20;

/**
 * @typedef {{index: number, size: number, colour: (at: number) => string, symbol: (at: number) => string,
 *   opacity: (at: number) => number, ring: (at: number) => number, ringColour: string}} Marks how a trace's points look
 */

export class MarksCanvas {
  constructor() {
    this.root = make("canvas", "astraml-plot-marks", "", { "aria-hidden": "true" });
    /** @type {Marks[]} */
    this.marks = [];
  }

  /**
   * Take the marks of large traces over; what is returned is for plotly.
   * @param {any[]} data
   * @param {import("../look.js").Look} look
   */
  take(data, look) {
    const { data: left, marks } = taken(data, look);
    this.marks = marks;
    return left;
  }

  /**
   * Draw them where plotly has their points.
   * @param {any} graph plotly's element
   */
  draw(graph) {
    const { width, height } = graph._fullLayout;
    const context = prepared(this.root, this.marks.length ? width : 0, height);
    if (!context || !this.marks.length) return;
    for (const marks of this.marks) {
      const points = graph.calcdata[marks.index];
      const { xaxis: x, yaxis: y } = points[0].trace;
      const [across, up] = [graph._fullLayout[axisName(x)], graph._fullLayout[axisName(y)]];
      context.save();
      context.beginPath();
      context.rect(across._offset, up._offset, across._length, up._length);
      context.clip();
      context.translate(across._offset, up._offset);
      points.forEach((/** @type {any} */ point, /** @type {number} */ at) => {
        const [left, top] = [across.c2p(point.x), up.c2p(point.y)];
        if (Number.isFinite(left) && Number.isFinite(top)) mark(context, marks, at, left, top);
      });
      context.restore();
    }
  }
}

/**
 * What of a chart is drawn here, and what is left to plotly.
 * @param {any[]} data
 * @param {import("../look.js").Look} look
 */
export function taken(data, look) {
  const many = data.reduce((sum, trace) => sum + (trace.marker ? trace.x.length : 0), 0) > FEW;
  /** @type {Marks[]} */
  const marks = [];
  const left = data.map((trace, index) => {
    if (!many || trace.type !== "scatter" || trace.mode !== "markers" || trace.x.length <= LEAST) return trace;
    const mine = marksOf(trace, index, look);
    marks.push(mine);
    const { color, size } = trace.marker;
    const colours = Array.isArray(color) ? color.map((_, at) => mine.colour(at)) : color; // under the mouse, a label has them
    return { ...trace, marker: { size, color: colours, opacity: 0, maxdisplayed: 1 } };
  });
  return { data: left, marks };
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {number} width
 * @param {number} height
 */
function prepared(canvas, width, height) {
  const ratio = globalThis.devicePixelRatio || 1;
  const [wide, high] = [Math.round(width * ratio), Math.round(height * ratio)];
  canvas.hidden = !wide;
  if (canvas.width !== wide) canvas.width = wide;
  if (canvas.height !== high) canvas.height = high;
  const context = canvas.getContext("2d", { willReadFrequently: true }); // by the processor, as other lines
  context?.setTransform(ratio, 0, 0, ratio, 0, 0);
  context?.clearRect(0, 0, width, height);
  return context;
}

/** @param {string} name as a trace has it: `x2` */
const axisName = (name) => `${name[0]}axis${name.slice(1)}`;

/**
 * @param {any} trace
 * @param {number} index
 * @param {import("../look.js").Look} look
 * @returns {Marks}
 */
export function marksOf({ marker }, index, look) {
  const { color, symbol = "circle", opacity = 1, size, line = {}, cmin = 0, cmax = 1 } = marker;
  const ramp = shades(look.dark);
  /** @param {any} value @returns {(at: number) => any} */
  const each = (value) => (Array.isArray(value) ? (at) => value[at] : () => value);
  const raw = each(color);
  /** @param {number} at */
  const colour = (at) => {
    const value = raw(at);
    if (typeof value !== "number") return value;
    const part = (value - cmin) / (cmax - cmin || 1);
    return ramp[Math.round(Math.min(1, Math.max(0, part)) * (SHADES - 1))] ?? look.finished;
  };
  return { index, size, colour, symbol: each(symbol), opacity: each(opacity), ring: each(line.width ?? 0), ringColour: line.color ?? look.ink };
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Marks} marks
 * @param {number} at
 * @param {number} x
 * @param {number} y
 */
function mark(context, marks, at, x, y) {
  const [symbol, colour, ring] = [marks.symbol(at), marks.colour(at), marks.ring(at)];
  context.globalAlpha = marks.opacity(at);
  context.beginPath();
  (SHAPES[symbol.replace("-open", "")] ?? circle)(context, x, y, marks.size / 2);
  if (symbol.endsWith("-open")) {
    context.lineWidth = 1;
    context.strokeStyle = colour;
    context.stroke();
  } else {
    context.fillStyle = colour;
    context.fill();
  }
  if (!ring) return;
  context.lineWidth = ring;
  context.strokeStyle = marks.ringColour;
  context.stroke();
}

/** @typedef {(context: CanvasRenderingContext2D, x: number, y: number, radius: number) => void} Shape */

/** @type {Shape} */
function circle(context, x, y, radius) {
  context.arc(x, y, radius, 0, 2 * Math.PI);
}

/** @type {Shape} */
function cross(context, x, y, radius) {
  const [arm, half] = [radius * 1.1, radius * 0.35];
  context.translate(x, y);
  context.rotate(Math.PI / 4);
  context.rect(-arm, -half, 2 * arm, 2 * half);
  context.rect(-half, -arm, 2 * half, 2 * arm);
  context.rotate(-Math.PI / 4);
  context.translate(-x, -y);
}

/** @param {[number, number][]} corners in radii @returns {Shape} */
const polygon = (corners) => (context, x, y, radius) => {
  for (const [across, up] of corners) context.lineTo(x + across * radius, y + up * radius);
  context.closePath();
};

/** The shapes as plotly draws them. @type {Record<string, Shape>} */
const SHAPES = {
  circle,
  x: cross,
  square: polygon([[-1, -1], [1, -1], [1, 1], [-1, 1]]),
  diamond: polygon([[0, -1.3], [1.3, 0], [0, 1.3], [-1.3, 0]]),
  "triangle-right": polygon([[-0.58, -1.15], [1.15, 0], [-0.58, 1.15]]),
};
