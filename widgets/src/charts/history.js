/** History: an objective of every trial in their order, and the best so far. */

import { objectiveOf } from "../store.js";
import { ObjectiveChoice, checkbox } from "./controls.js";
import { drawn, finished, hoverText, points, symbolOf, thinned } from "./points.js";
import { Tab, axisOf, nothing, objectiveTitle } from "./tab.js";

/** Trials without a result that are marked faintly. */
const UNFINISHED = 300;

export class HistoryTab extends Tab {
  constructor() {
    super("history");
    this.objective = new ObjectiveChoice();
    const log = checkbox("log", "Logarithmic vertical axis");
    this.log = log.input;
    this.controls = [this.objective.root, log.root];
    this.selects = true;
  }

  /** @param {import("../store.js").Job} job */
  title(job) {
    return job.objectives.length ? "History" : "";
  }

  /** @param {import("../store.js").Store} store */
  prepare({ job }) {
    if (job) this.objective.prepare(job);
  }

  settings() {
    return [this.objective.index, this.log.checked];
  }

  /** @param {import("./tab.js").Scene} scene */
  figure(scene) {
    return historyFigure(scene, { index: this.objective.index, log: this.log.checked });
  }
}

/**
 * @param {import("./tab.js").Scene} scene
 * @param {{index: number, log: boolean}} options
 * @returns {import("./tab.js").Figure}
 */
export function historyFigure(scene, { index, log }) {
  const { store, look, selected } = scene;
  const job = store.job;
  const objective = job?.objectives[index];
  const rows = finished(store, [index]);
  if (!job || !objective || !rows.length) return nothing("The first finished trial will appear here.");
  const cut = thinned([...store.rows.values()].filter((row) => isCut(row, job, index)), UNFINISHED);
  /** @param {import("../store.js").Row} row */
  const value = (row) => objectiveOf(row, job, index);
  /** @param {import("../store.js").Row} row */
  const number = (row) => row.n;
  const best = bestSoFar(rows, index, objective.maximize, new Set(job.violating));
  const data = [
    points(cut, number, value, scene, { symbol: cut.map(symbolOf), colour: cut.map((row) => look.states[row.state] ?? look.finished), opacity: 0.45, size: 6 }),
    points(drawn(rows, job, selected), number, value, scene),
    {
      type: "scatter",
      mode: "lines",
      ...best,
      line: { color: look.best, width: 2.5, shape: "hv" },
      text: best.customdata.map((n) => hoverText(store.rows.get(n) ?? /** @type {import("../store.js").Row} */ (rows[0]), job)),
      hoverinfo: "text",
    },
  ];
  const keys = [
    { label: "best so far", colour: look.best, dash: "solid", width: 2.5, numbers: [] },
    { label: `finished (${rows.length})`, colour: look.finished, dash: "point", width: 7, numbers: [] },
  ];
  for (const [state, dash] of [["PRUNED", "diamond-open"], ["FAILED", "cross"], ["STOPPED", "square"]]) {
    const count = cut.filter((row) => row.state === state).length;
    if (count && state && dash) {
      keys.push({ label: `${state.toLowerCase()}, last report`, colour: look.states[state] ?? look.finished, dash, width: 7, numbers: [] });
    }
  }
  return { data, panes: [{ x: { ...axisOf("trial"), tickformat: "d" }, y: axisOf(objectiveTitle(objective), log) }], keys, empty: "" };
}

/**
 * Whether a trial ended without a result, and had reported something.
 * @param {import("../store.js").Row} row
 * @param {import("../store.js").Job} job
 * @param {number} index
 */
function isCut(row, job, index) {
  return !row.values && ["PRUNED", "FAILED", "STOPPED"].includes(row.state) && typeof objectiveOf(row, job, index) === "number";
}

/**
 * The steps of the best value, and whose it was.
 * @param {import("../store.js").Row[]} rows by number
 * @param {number} index
 * @param {boolean} maximize
 * @param {Set<number>} violating trials that violate a constraint: none of them is ever the best
 */
export function bestSoFar(rows, index, maximize, violating = new Set()) {
  /** @type {number[]} */
  const x = [];
  /** @type {number[]} */
  const y = [];
  /** @type {number[]} */
  const customdata = [];
  let best = NaN;
  for (const row of rows) {
    const value = Number(row.values?.[index]);
    if (violating.has(row.n)) continue;
    if (Number.isNaN(best) || (maximize ? value > best : value < best)) {
      best = value;
      x.push(row.n);
      y.push(best);
      customdata.push(row.n);
    }
  }
  if (!x.length) return { x, y, customdata };
  x.push(rows[rows.length - 1]?.n ?? 0);
  y.push(best);
  customdata.push(customdata[customdata.length - 1] ?? 0);
  return { x, y, customdata };
}
