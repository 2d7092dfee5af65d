/** Pareto: objectives against each other; of three and more all pairs as small panes, or one pair. */

import { make, setOptions } from "../dom.js";
import { forPlotly, shorten } from "../format.js";
import { checkbox } from "./controls.js";
import { MARKS, drawn, finished, points } from "./points.js";
import { Tab, axisOf, inPane, markOf, nothing, objectiveTitle } from "./tab.js";

/** Objectives whose pairs are shown together. */
const TOGETHER = 4;
const ALL = "all";
const GAP = 0.06;

export class ParetoTab extends Tab {
  constructor() {
    super("pareto");
    this.pair = make("select", "astraml-select", "", { "aria-label": "Objectives" });
    const across = checkbox("log x", "Logarithmic horizontal axis");
    const up = checkbox("log y", "Logarithmic vertical axis");
    this.logX = across.input;
    this.logY = up.input;
    this.controls = [this.pair, across.root, up.root];
    this.selects = true;
  }

  /** @param {import("../store.js").Job} job */
  title(job) {
    return job.objectives.length > 1 ? "Pareto" : "";
  }

  /** @param {import("../store.js").Store} store */
  prepare({ job }) {
    if (!job) return;
    const { objectives } = job;
    setOptions(this.pair, choices(objectives.length), (choice) => {
      if (choice === ALL) return objectives.length > TOGETHER ? `pairs of the first ${TOGETHER}` : "all pairs";
      const [across = 0, up = 0] = choice.split(",").map(Number);
      return `${shorten(objectives[up]?.metric ?? "", 20)} × ${shorten(objectives[across]?.metric ?? "", 20)}`;
    });
    this.pair.hidden = objectives.length < 3;
  }

  settings() {
    return [this.pair.value, this.logX.checked, this.logY.checked];
  }

  /** @param {import("./tab.js").Scene} scene */
  figure(scene) {
    const log = /** @type {[boolean, boolean]} */ ([this.logX.checked, this.logY.checked]);
    if (this.pair.value === ALL) return matrixFigure(scene, { log });
    const [across = 1, up = 0] = this.pair.value.split(",").map(Number);
    return paretoFigure(scene, { pair: [across, up], log });
  }
}

/**
 * What can be chosen: all pairs first, where there is more than one.
 * @param {number} count of objectives
 */
function choices(count) {
  const pairs = pairsOf(count).map((pair) => pair.join(","));
  return count > 2 ? [ALL, ...pairs] : pairs;
}

/**
 * The pairs of objectives, each as (across, up).
 * @param {number} count
 * @returns {[number, number][]}
 */
export function pairsOf(count) {
  /** @type {[number, number][]} */
  const pairs = [];
  for (let up = 0; up < count; up += 1) for (let across = up + 1; across < count; across += 1) pairs.push([across, up]);
  return pairs;
}

/**
 * Two objectives against each other.
 * @param {import("./tab.js").Scene} scene
 * @param {{pair: [number, number], log: [boolean, boolean]}} options
 * @returns {import("./tab.js").Figure}
 */
export function paretoFigure(scene, { pair, log }) {
  const { job } = scene.store;
  const rows = finished(scene.store, pair);
  if (!job || !rows.length) return nothing("The first finished trial will appear here.");
  /** @param {number} index */
  const title = (index) => {
    const objective = job.objectives[index];
    return objective ? objectiveTitle(objective) : "";
  };
  return {
    data: layersOf(scene, job, rows, pair, MARKS),
    panes: [{ x: axisOf(title(pair[0]), log[0]), y: axisOf(title(pair[1]), log[1]) }],
    keys: keysOf(scene, job, rows),
    empty: "",
  };
}

/**
 * All pairs of the first objectives: one row of panes per objective that goes up, as in a table.
 * @param {import("./tab.js").Scene} scene
 * @param {{log: [boolean, boolean]}} options
 * @returns {import("./tab.js").Figure}
 */
export function matrixFigure(scene, { log }) {
  const { job } = scene.store;
  const count = Math.min(TOGETHER, job?.objectives.length ?? 0);
  const rows = finished(scene.store, Array.from({ length: count }, (_, index) => index));
  if (!job || count < 2 || !rows.length) return nothing("The first finished trial will appear here.");
  const side = count - 1;
  const size = (1 - GAP * (side - 1)) / side;
  const pairs = pairsOf(count);
  /** @type {any[]} */
  const data = [];
  const panes = pairs.map(([across, up], index) => {
    const mark = markOf(index);
    for (const trace of layersOf(scene, job, rows, [across, up], Math.floor((1.5 * MARKS) / pairs.length))) {
      trace.marker.size -= 2;
      data.push(inPane(trace, index));
    }
    const left = (across - 1) * (size + GAP);
    const top = 1 - up * (size + GAP);
    const x = { ...axisOf(directed(job, across), log[0]), domain: [left, left + size], anchor: `y${mark}`, nticks: 4 };
    const y = { ...axisOf(directed(job, up), log[1]), domain: [Math.max(0, top - size), top], anchor: `x${mark}`, nticks: 4 };
    // On the diagonal an axis stands for its whole column or row, which is read and zoomed as one.
    if (across === up + 1) return { x, y };
    const [below, aside] = [[across, across - 1], [up + 1, up]].map(([one, other]) => markOf(pairs.findIndex((pair) => pair[0] === one && pair[1] === other)));
    return { x: { ...x, title: {}, showticklabels: false, matches: `x${below}` }, y: { ...y, title: {}, showticklabels: false, matches: `y${aside}` } };
  });
  return { data, panes, keys: keysOf(scene, job, rows), empty: "" };
}

/**
 * @param {import("../store.js").Job} job
 * @param {number} index
 */
function directed(job, index) {
  const objective = job.objectives[index];
  return objective ? `${objective.maximize ? "max" : "min"} ${forPlotly(objective.metric, 16)}` : "";
}

/**
 * The dominated trials, and the front on top of them.
 * @param {import("./tab.js").Scene} scene
 * @param {import("../store.js").Job} job
 * @param {import("../store.js").Row[]} rows
 * @param {[number, number]} pair
 * @param {number} limit
 */
function layersOf(scene, job, rows, [across, up], limit) {
  const { look, selected } = scene;
  const best = new Set(job.best);
  /** @param {import("../store.js").Row} row */
  const x = (row) => Number(row.values?.[across]);
  /** @param {import("../store.js").Row} row */
  const y = (row) => Number(row.values?.[up]);
  const front = drawn(rows.filter((row) => best.has(row.n)), job, selected, limit).sort((one, other) => x(one) - x(other));
  const violating = new Set(job.violating);
  const rest = drawn(rows.filter((row) => !best.has(row.n) && !violating.has(row.n)), job, selected, limit);
  const outside = drawn(rows.filter((row) => violating.has(row.n)), job, selected, limit);
  const line = job.objectives.length === 2; // of more, the front is no line in a plane
  return [
    ...(outside.length ? [points(outside, x, y, scene, { symbol: "circle-open", opacity: 0.5 })] : []),
    points(rest, x, y, scene, { opacity: 0.5 }),
    {
      ...points(front, x, y, scene, { size: 11, colour: look.best, symbol: "diamond", opacity: 1 }),
      mode: line ? "lines+markers" : "markers",
      line: { color: look.best, width: 1.5, dash: "dot" },
    },
  ];
}

/**
 * @param {import("./tab.js").Scene} scene
 * @param {import("../store.js").Job} job
 * @param {import("../store.js").Row[]} rows
 */
function keysOf({ look }, job, rows) {
  const best = new Set(job.best);
  const violating = new Set(job.violating);
  const front = rows.filter((row) => best.has(row.n)).length;
  const outside = rows.filter((row) => violating.has(row.n)).length;
  return [
    { label: `Pareto front (${front})`, colour: look.best, dash: "diamond", width: 9, numbers: [] },
    { label: `dominated (${rows.length - front - outside})`, colour: look.finished, dash: "point", width: 7, numbers: [] },
    ...(outside ? [{ label: `outside the constraints (${outside})`, colour: look.finished, dash: "circle-open", width: 7, numbers: [] }] : []),
  ];
}
