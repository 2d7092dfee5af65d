/** The lines of parallel coordinates, drawn on a canvas: thousands of them within a frame of the browser. */

import { shades } from "./ramp.js";

/** Up to so many lines may be thick: beyond one pixel a line costs ten times as much to draw. */
const FEW = 60;

/**
 * @param {HTMLCanvasElement} canvas
 * @param {import("./parallel_picture.js").Picture} picture
 * @param {Uint32Array} lines
 * @param {(index: number) => boolean} lit whether a line stands out
 * @param {import("./parallel_axes.js").Frame} frame
 * @param {import("./tab.js").Scene} scene
 * @param {boolean} all whether nothing is marked or selected: every line stands out the same
 */
export function drawLines(canvas, picture, lines, lit, frame, { look, width, height }, all) {
  const ratio = globalThis.devicePixelRatio || 1;
  const [wide, high] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== wide) canvas.width = wide;
  if (canvas.height !== high) canvas.height = high;
  // By the processor, which is as fast for such lines and the same on every machine.
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) return;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  const xs = picture.axes.map((_, index) => frame.x(index));
  const columns = picture.axes.map((axis) => axis.places);
  const colours = shades(look.dark);
  const faint = [];
  /** @type {number[][]} */
  const buckets = colours.map(() => []);
  for (const index of lines) {
    if (all || lit(index)) buckets[picture.shades[index] ?? 0]?.push(index);
    else faint.push(index);
  }
  const bright = lines.length - faint.length;
  context.lineJoin = "bevel";
  const hair = 1 / ratio;
  context.lineWidth = hair;
  context.strokeStyle = look.finished;
  context.globalAlpha = faint.length > 300 ? 0.12 : 0.28;
  trace(context, faint, xs, columns, frame);
  context.lineWidth = bright > FEW ? hair : all ? 1.2 : 2;
  context.globalAlpha = bright > 400 ? 0.5 : bright > FEW ? 0.7 : 0.9;
  buckets.forEach((bucket, shade) => {
    context.strokeStyle = colours[shade] ?? look.ink;
    trace(context, bucket, xs, columns, frame);
  });
  context.globalAlpha = 1;
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {number[]} lines
 * @param {number[]} xs
 * @param {Float32Array[]} columns
 * @param {import("./parallel_axes.js").Frame} frame
 */
function trace(context, lines, xs, columns, frame) {
  for (const index of lines) {
    context.beginPath();
    let pen = false;
    for (let at = 0; at < xs.length; at += 1) {
      const place = columns[at]?.[index] ?? NaN;
      if (Number.isNaN(place)) {
        pen = false;
        continue;
      }
      const [x, y] = [xs[at] ?? 0, frame.y(place)];
      if (pen) context.lineTo(x, y);
      else context.moveTo(x, y);
      pen = true;
    }
    context.stroke();
  }
}
