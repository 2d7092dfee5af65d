/** What parallel coordinates show, and where its lines are. Plain data, no page. */

import { axisOfValues, wordsOf } from "./axes.js";
import { reordered } from "./brushes.js";
import { drawn, finished } from "./points.js";
import { SHADES } from "./ramp.js";

/** Lines that are drawn of however many trials. */
export const LINES = 2000;
const PARAMS = 12;
const OBJECTIVES = 4;

/**
 * What parallel coordinates show.
 * @typedef {{
 *   rows: import("../store.js").Row[], axes: import("./axes.js").Axis[], shades: Uint8Array,
 *   key: string, left: number,
 * }} Picture `shades` has one per row: the first objective, from its worst to its best; `left` counts parameters without an axis
 */

/**
 * @param {import("../store.js").Store} store
 * @param {string[]} order names of axes that were moved; others follow as they come
 * @returns {Picture}
 */
export function pictureOf(store, order) {
  const job = store.job;
  const rows = finished(store, []);
  if (!job || !rows.length) return { rows: [], axes: [], shades: new Uint8Array(0), key: "", left: 0 };
  const params = job.params.slice(0, PARAMS);
  const axes = params.map((name) => axisOfValues(name, rows.map((row) => row.params[name]), store.space[name]));
  job.objectives.slice(0, OBJECTIVES).forEach((objective, index) => {
    // What is no number has no place: a line has a gap there.
    const values = rows.map((row) => (typeof row.values?.[index] === "number" ? row.values[index] : "NaN"));
    const name = params.includes(objective.metric) ? `${objective.metric} (result)` : objective.metric;
    axes.push(axisOfValues(name, values, { kind: "number" }));
  });
  const place = new Map(order.map((name, index) => [name, index]));
  const first = job.objectives[0];
  const result = axes[params.length];
  const sign = first?.maximize ? 1 : -1;
  const shades = Uint8Array.from(rows, (_, index) => {
    const at = result?.places[index] ?? NaN;
    return Number.isNaN(at) ? 0 : Math.round((sign > 0 ? at : 1 - at) * (SHADES - 1));
  });
  const sorted = axes.map((axis, index) => ({ axis, index })).sort((one, other) => (place.get(one.axis.name) ?? 1e6 + one.index) - (place.get(other.axis.name) ?? 1e6 + other.index));
  const ends = result ? [result.low, result.high].map((unit) => wordsOf(result, unit)) : [];
  return {
    rows,
    axes: sorted.map(({ axis }) => axis),
    shades,
    key: first && result ? `${first.metric}: ${(sign > 0 ? ends : ends.reverse()).join(" to ")}` : "",
    left: job.params.length - params.length,
  };
}

/**
 * The rows that are drawn: places in the picture's list, the most visible last.
 * @param {Picture} picture
 * @param {import("../store.js").Job} job
 * @param {import("../selection.js").Selection} selected
 */
export function linesOf(picture, job, selected) {
  const rows = picture.rows.map((row, index) => ({ n: row.n, index }));
  return Uint32Array.from(drawn(rows, job, selected, LINES), (row) => row.index);
}

/**
 * Move an axis to another place.
 * @param {Picture} picture
 * @param {string} name
 * @param {number} to
 */
export const moved = (picture, name, to) => reordered(picture.axes.map((axis) => axis.name), name, to);

/**
 * The trial whose line passes a point, if one does.
 * @param {Picture} picture
 * @param {Iterable<number>} lines
 * @param {number} across in gaps between axes: 1.5 is halfway between the second and the third
 * @param {number} place
 * @param {number} slack
 * @returns {number} its place in the picture's list; -1 where none passes
 */
export function lineAt(picture, lines, across, place, slack) {
  const left = Math.min(picture.axes.length - 2, Math.max(0, Math.floor(across)));
  const [one, other] = [picture.axes[left], picture.axes[left + 1]];
  if (!one || !other) return -1;
  const part = across - left;
  let [found, distance] = [-1, slack];
  for (const index of lines) {
    const at = (one.places[index] ?? NaN) * (1 - part) + (other.places[index] ?? NaN) * part;
    if (Math.abs(at - place) <= distance) [found, distance] = [index, Math.abs(at - place)];
  }
  return found;
}
