/** Trials as points: which are drawn, how they look, and what is said of them under the mouse. */

import { forPlotly, formatNumber, shorten, stateWords } from "../format.js";
import { SYMBOLS } from "../look.js";
import { objectiveOf } from "../store.js";

/** Marks per chart: plotly takes a tenth of a millisecond for each. */
export const MARKS = 600;
const PARAMS = 8;
const FAINT = 0.25;

/**
 * Choose at most `limit` of many, evenly, the last among them.
 * @template T
 * @param {T[]} items
 * @param {number} limit
 * @returns {T[]}
 */
export function thinned(items, limit = MARKS) {
  if (items.length <= limit) return items;
  if (limit < 2) return items.slice(items.length - Math.max(0, limit));
  const step = (items.length - 1) / (limit - 1);
  return Array.from({ length: limit }, (_, index) => /** @type {T} */ (items[Math.round(index * step)]));
}

/**
 * Choose as many trials as a chart can draw: the best and the selected are always among them, and drawn last.
 * @template {{n: number}} T
 * @param {T[]} rows
 * @param {import("../store.js").Job} job
 * @param {import("../selection.js").Selection} selected
 * @param {number} [limit]
 * @returns {T[]}
 */
export function drawn(rows, job, selected, limit = MARKS) {
  const best = new Set(job.best);
  /** @type {T[]} */
  const others = [];
  /** @type {T[]} */
  const first = [];
  for (const row of rows) (best.has(row.n) || selected.has(row.n) ? first : others).push(row);
  const kept = thinned(first, limit);
  return [...thinned(others, limit - kept.length), ...kept.sort((one, other) => Number(selected.has(one.n)) - Number(selected.has(other.n)))];
}

/**
 * The trials with numbers for these objectives, by number; without objectives all that are COMPLETE. One that a
 * vendor's rule has pruned has a value, too.
 * @param {import("../store.js").Store} store
 * @param {number[]} indices
 */
export function finished(store, indices) {
  const rows = [];
  for (const row of store.rows.values()) {
    const done = indices.length ? !!row.values : row.state === "COMPLETE";
    if (done && indices.every((index) => typeof row.values?.[index] === "number")) rows.push(row);
  }
  return rows.sort((one, other) => one.n - other.n);
}

/** What was said of a row: rows are never changed, only replaced. @type {WeakMap<import("../store.js").Row, string>} */
const SAID = new WeakMap();

/**
 * @param {import("../store.js").Row} row
 * @param {import("../store.js").Job} job
 */
export function hoverText(row, job) {
  const before = row.state === "COMPLETE" ? SAID.get(row) : undefined;
  if (before !== undefined) return before;
  const said = describe(row, job);
  SAID.set(row, said);
  return said;
}

/**
 * @param {import("../store.js").Row} row
 * @param {import("../store.js").Job} job
 */
function describe(row, job) {
  const [name, state, ...rest] = partsOf(row, job, forPlotly);
  return [`<b>${name}</b> · ${state}`, ...rest].join("<br>");
}

/**
 * What there is to say of a trial: its number, its state, its results, its first parameters.
 * @param {import("../store.js").Row} row
 * @param {import("../store.js").Job} job
 * @param {(text: string, limit: number) => string} fitted a text as its place takes it
 */
export function partsOf(row, job, fitted = shorten) {
  const results = job.objectives.map((objective, index) => `${fitted(objective.metric, 30)} ${formatNumber(objectiveOf(row, job, index))}`);
  const active = Object.entries(row.params).filter(([, value]) => value !== null);
  const words = active.slice(0, PARAMS).map(([name, value]) => `${fitted(name, 24)} ${fitted(formatNumber(value), 24)}`);
  return [`trial ${row.n}`, stateWords(row, job.state === "STALE"), ...results, ...words, ...(active.length > PARAMS ? ["…"] : [])];
}

/**
 * How visible each trial is: where several are selected, the others step back.
 * @param {import("../store.js").Row[]} rows
 * @param {import("../selection.js").Selection} selected
 * @param {number} usual
 */
export function opacities(rows, selected, usual) {
  if (selected.size < 2) return usual;
  return rows.map((row) => (selected.has(row.n) ? 1 : FAINT));
}

/**
 * One trace of trials.
 * @param {import("../store.js").Row[]} rows
 * @param {(row: import("../store.js").Row) => any} x
 * @param {(row: import("../store.js").Row) => any} y
 * @param {import("./tab.js").Scene} scene
 * @param {{size?: number, colour?: any, symbol?: any, opacity?: number, more?: any}} [style]
 * @returns {any}
 */
export function points(rows, x, y, { store, look, selected }, { size = 7, colour = look.finished, symbol = "circle", opacity = 0.85, more = {} } = {}) {
  const job = store.job;
  return {
    type: "scatter",
    mode: "markers",
    x: rows.map(x),
    y: rows.map(y),
    text: job ? rows.map((row) => hoverText(row, job)) : [],
    customdata: rows.map((row) => row.n),
    hoverinfo: "text",
    marker: {
      color: colour,
      size,
      symbol,
      opacity: opacities(rows, selected, opacity),
      line: { color: look.selected, width: selected.size ? rows.map((row) => (selected.has(row.n) ? 2.5 : 0)) : 0 },
      ...more,
    },
  };
}

/** @param {import("../store.js").Row} row */
export const symbolOf = (row) => SYMBOLS[row.state] ?? "circle";
