/** Slice: an objective against each parameter, as small panes or one large one; coloured from early to late. */

import { make, setOptions } from "../dom.js";
import { formatNumber, forPlotly, shorten, wordsForPlotly } from "../format.js";
import { ObjectiveChoice, checkbox } from "./controls.js";
import { MARKS, drawn, finished, points } from "./points.js";
import { colorscale, gradient } from "./ramp.js";
import { Tab, axisOf, inPane, markOf, nothing } from "./tab.js";

/** Panes at once. */
export const PANES = 6;
const [GAP_X, GAP_Y] = [0.05, 0.2];
/** The part of a range that is left free at either end. */
const EDGE = 0.05;
/** Marks per pane, also where there are many. */
const LEAST = 100;
/** Pixels per pane below which fewer stand side by side. */
const NARROW = 150;

export class SliceTab extends Tab {
  constructor() {
    super("slice");
    this.objective = new ObjectiveChoice();
    this.params = make("select", "astraml-select", "", { "aria-label": "Parameters" });
    const log = checkbox("log", "Logarithmic vertical axis");
    this.log = log.input;
    this.controls = [this.objective.root, this.params, log.root];
    this.selects = true;
    /** @type {string[]} */
    this.names = [];
  }

  /** @param {import("../store.js").Job} job */
  title(job) {
    return job.objectives.length && job.params.length ? "Slice" : "";
  }

  /** @param {import("../store.js").Store} store */
  prepare({ job }) {
    if (!job) return;
    this.objective.prepare(job);
    this.names = job.params;
    const groups = Array.from({ length: Math.ceil(this.names.length / PANES) }, (_, index) => `#${index * PANES}`);
    const alone = this.names.length > 1 ? this.names.map((name) => `=${name}`) : [];
    setOptions(this.params, [...groups, ...alone], (choice) => {
      if (choice.startsWith("=")) return shorten(choice.slice(1), 30);
      const first = Number(choice.slice(1));
      if (this.names.length <= PANES) return "all parameters";
      return `parameters ${first + 1} to ${Math.min(this.names.length, first + PANES)} of ${this.names.length}`;
    });
    this.params.hidden = this.names.length < 2;
  }

  get shown() {
    const choice = this.params.value || "#0";
    if (choice.startsWith("=")) return [choice.slice(1)];
    const first = Number(choice.slice(1));
    return this.names.slice(first, first + PANES);
  }

  settings() {
    return [this.objective.index, this.params.value, this.log.checked];
  }

  /** @param {import("./tab.js").Scene} scene */
  figure(scene) {
    return sliceFigure(scene, { index: this.objective.index, names: this.shown, log: this.log.checked });
  }
}

/**
 * @param {import("./tab.js").Scene} scene
 * @param {{index: number, names: string[], log: boolean}} options
 * @returns {import("./tab.js").Figure}
 */
export function sliceFigure(scene, { index, names, log }) {
  const { store, look, selected } = scene;
  const job = store.job;
  const objective = job?.objectives[index];
  const rows = finished(store, [index]);
  if (!job || !objective || !rows.length || !names.length) return nothing("The first finished trial will appear here.");
  const limit = Math.max(Math.floor(MARKS / names.length), LEAST);
  const [first, last] = [rows[0]?.n ?? 0, rows[rows.length - 1]?.n ?? 1];
  const grid = gridOf(names.length, scene.width);
  const panes = names.map((name, place) => {
    const mark = markOf(place);
    const { x, y } = grid(place);
    const title = axisOf(place % grid.columns ? "" : forPlotly(objective.metric, names.length > 1 ? 18 : 40), log);
    return {
      x: { ...scaleOf(name, store, rows), title: { text: forPlotly(name, names.length > 3 ? 18 : 40), standoff: 2 }, domain: x, anchor: `y${mark}`, nticks: names.length > 1 ? 4 : 8 },
      y: { ...title, domain: y, anchor: `x${mark}`, ...(place ? { matches: "y" } : {}), nticks: names.length > 3 ? 4 : 7, showticklabels: place % grid.columns === 0 },
    };
  });
  const data = names.map((name, place) => {
    const active = rows.filter((row) => usable(row.params[name], panes[place]?.x.type));
    const shown = drawn(active, job, selected, limit);
    const colour = shown.map((row) => row.n);
    const more = { cmin: first, cmax: Math.max(first + 1, last), colorscale: colorscale(look.dark), showscale: false };
    return inPane(points(shown, (row) => placeOf(row.params[name]), (row) => Number(row.values?.[index]), scene, { colour, more, size: names.length > 3 ? 6 : 7 }), place);
  });
  const keys = [{ label: `trial ${first} to ${last}`, colour: gradient(look.dark), dash: "ramp", width: 9, numbers: [] }];
  return { data, panes, keys, empty: "" };
}

/** @param {import("../store.js").Value | undefined} value */
const placeOf = (value) => (typeof value === "number" ? value : wordsForPlotly([formatNumber(value)], 20).places[0]);

/**
 * Whether a value has a place on an axis of this type: an inactive parameter has none.
 * @param {import("../store.js").Value | undefined} value
 * @param {string | undefined} type
 */
function usable(value, type) {
  if (value === null || value === undefined) return false;
  if (type === "category") return true;
  return typeof value === "number" && (type !== "log" || value > 0);
}

/**
 * The axis of a parameter: as its dimension says, else as its values show.
 * @param {string} name
 * @param {import("../store.js").Store} store
 * @param {import("../store.js").Row[]} rows
 */
function scaleOf(name, store, rows) {
  const dimension = store.space[name];
  if (dimension) {
    if (dimension.kind === "words") return wordsOn(name, rows);
    return { type: dimension.log ? "log" : "linear", ...rangeOf(name, dimension, rows) };
  }
  for (const row of store.rows.values()) {
    const value = row.params[name];
    if (value !== null && value !== undefined) return typeof value === "number" ? { type: "linear" } : wordsOn(name, rows);
  }
  return { type: "linear" };
}

/**
 * @param {string} name
 * @param {import("../store.js").Row[]} rows
 */
function wordsOn(name, rows) {
  const values = rows.map(({ params }) => params[name] ?? null).filter((value) => value !== null);
  return wordsForPlotly([...new Set(values.map(formatNumber))], 20).axis;
}

/**
 * The whole range of a dimension, also where only a part of it was tried: a pane stands still while the search goes on.
 * @param {string} name
 * @param {import("../store.js").Dimension} dimension
 * @param {import("../store.js").Row[]} rows
 */
function rangeOf(name, { low = NaN, high = NaN, log = false }, rows) {
  for (const { params } of rows) {
    const value = params[name];
    if (typeof value !== "number" || (log && value <= 0)) continue;
    [low, high] = [Math.min(low, value), Math.max(high, value)];
  }
  const [from, to] = log ? [Math.log10(low), Math.log10(high)] : [low, high];
  const edge = (to - from) * EDGE;
  return to > from ? { range: [from - edge, to + edge] } : {};
}

/**
 * The places of panes in rows and columns.
 * @param {number} count
 * @param {number} width pixels for all of them
 */
export function gridOf(count, width) {
  const most = Math.max(1, Math.min(3, Math.floor(width / NARROW)));
  const columns = Math.min(most, count === 4 ? 2 : count);
  const rows = Math.ceil(count / columns);
  const [wide, high] = [(1 - GAP_X * (columns - 1)) / columns, (1 - GAP_Y * (rows - 1)) / rows];
  /** @param {number} place */
  const at = (place) => {
    const [column, row] = [place % columns, Math.floor(place / columns)];
    const [left, top] = [column * (wide + GAP_X), 1 - row * (high + GAP_Y)];
    return { x: [left, left + wide], y: [Math.max(0, top - high), top] };
  };
  return Object.assign(at, { columns, rows });
}
