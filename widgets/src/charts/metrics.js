/** Metrics: the curves of the trials, by step or by the clock. */

import { make, setOptions } from "../dom.js";
import { formatNumber, shorten } from "../format.js";
import { chartKey } from "../store.js";
import { checkbox, labelled } from "./controls.js";
import { bandOf, lineStyle, smoothed } from "./lines.js";
import { hoverText, symbolOf } from "./points.js";
import { Tab, axisOf, nothing } from "./tab.js";

const NO_CURVES = "No curve of this metric was stored. History shows what the trials came to.";
const EMPTY = "The first metric will appear here as soon as a trial reports it.";

/**
 * @typedef {{layer: number, trace: any}} Drawn
 * @typedef {{row: import("../store.js").Row, x: number, y: number, colour: string, opacity: number}} End
 */

export class MetricsTab extends Tab {
  constructor() {
    super("metrics");
    this.metric = make("select", "astraml-select", "", { "aria-label": "Metric" });
    this.axis = make("select", "astraml-select", "", { "aria-label": "Horizontal axis" });
    setOptions(this.axis, ["step", "time"], (value) => `by ${value}`);
    this.smooth = make("input", "astraml-range", "", { type: "range", min: "0", max: "0.95", step: "0.05", value: "0" });
    const log = checkbox("log", "Logarithmic vertical axis");
    this.log = log.input;
    this.controls = [this.metric, this.axis, labelled("smooth", this.smooth), log.root];
  }

  title() {
    return "Metrics";
  }

  /** @param {import("../store.js").Store} store */
  prepare({ job }) {
    if (!job) return;
    const objectives = job.objectives.map((objective) => objective.metric);
    const metrics = [...new Set([...objectives.filter((name) => job.metrics.includes(name)), ...job.metrics])];
    setOptions(this.metric, metrics, (name) => shorten(name, 40));
    for (const control of this.controls) control.hidden = !metrics.length;
    const weight = Number(this.smooth.value);
    this.smooth.setAttribute("aria-valuetext", weight ? formatNumber(weight) : "off");
  }

  /** @returns {[string, string][]} */
  wants() {
    return this.metric.value ? [[this.metric.value, this.axis.value]] : [];
  }

  settings() {
    return [this.metric.value, this.axis.value, this.log.checked];
  }

  /**
   * @param {import("../store.js").Store} _store
   * @param {number} version
   */
  version(_store, version) {
    return version;
  }

  /** @param {import("./tab.js").Scene} scene */
  figure(scene) {
    const [metric, axis] = [this.metric.value, this.axis.value];
    const options = { metric, axis, smooth: Number(this.smooth.value), log: this.log.checked };
    return metricsFigure(scene, options, scene.store.charts.get(chartKey(metric, axis)));
  }
}

/**
 * The curves of a metric.
 * @param {import("./tab.js").Scene} scene
 * @param {{metric: string, axis: string, smooth: number, log: boolean}} options
 * @param {import("../store.js").Chart | undefined} chart
 * @returns {import("./tab.js").Figure}
 */
export function metricsFigure(scene, options, chart) {
  const { store, look } = scene;
  const byTime = options.axis === "time";
  /** @type {Drawn[]} */
  const drawn = [];
  /** @type {Map<string, import("./tab.js").Key>} */
  const keys = new Map();
  /** @type {End[]} */
  const ends = [];
  for (const number of chart?.show ?? []) {
    const line = lineOf(number, chart, scene, options);
    if (!line) continue;
    const { label, colour, dash, width } = line.style;
    drawn.push(...line.drawn);
    if (line.end) ends.push(line.end);
    const key = keys.get(label) ?? { label, colour, dash, width, numbers: [] };
    key.numbers.push(number);
    keys.set(label, key);
  }
  const others = byTime || !chart?.band ? null : othersOf(chart.band, look);
  if (others) {
    drawn.push(...others.drawn);
    keys.set(others.key.label, others.key);
  }
  if (!drawn.length) return nothing(store.job?.ended ? NO_CURVES : EMPTY);
  if (ends.length) drawn.push({ layer: 9, trace: endsOf(ends, store.job) });
  drawn.sort((one, other) => one.layer - other.layer);
  return {
    data: drawn.map(({ trace }) => trace),
    panes: [{ x: byTime ? { type: "date", ...rangeOf(drawn) } : axisOf("step"), y: { type: options.log ? "log" : "linear" } }],
    keys: sorted([...keys.values()]),
    empty: options.log && !drawn.some(({ trace }) => Array.prototype.some.call(trace.y, (value) => value > 0))
      ? "No value is above zero: there is nothing to show on a log axis."
      : "",
  };
}

/**
 * The curve of a trial, what lies below it, and where it ends; nothing where it has no point.
 * @param {number} number
 * @param {import("../store.js").Chart | undefined} chart
 * @param {import("./tab.js").Scene} scene
 * @param {{axis: string, smooth: number}} options
 */
function lineOf(number, chart, scene, { axis, smooth }) {
  const line = chart?.lines.get(number);
  const [x, y, low, high] = line?.columns ?? [];
  if (!line || !x || !y || !x.length) return null;
  const byTime = axis === "time";
  const style = lineStyle(number, scene);
  const { colour, dash, width, layer, opacity } = style;
  const places = byTime ? localTimes(x, line.x0) : x;
  const { rows, job } = scene.store;
  const row = rows.get(number);
  const aboveOthers = layer > 1 && opacity === 1;
  /** @type {Drawn[]} */
  const drawn = [];
  if (byTime && low && high && aboveOthers) drawn.push(...bandOf(places, low, high, colour, layer));
  const bare = { type: "scatter", mode: x.length === 1 ? "markers" : "lines", x: places };
  if (smooth && aboveOthers) {
    drawn.push({ layer: 0.5, trace: { ...bare, y, line: { color: colour, width: 1 }, opacity: 0.3, hoverinfo: "skip" } });
  }
  const shown = smooth ? smoothed(y, smooth) : y;
  const text = row && job ? hoverText(row, job) : `trial ${number}`;
  const look = { line: { color: colour, width, dash }, marker: { color: colour, size: 6 }, opacity };
  drawn.push({ layer, trace: { ...bare, y: shown, ...look, meta: number, text, hoverinfo: "x+y+text" } });
  const [lastX, lastY] = [places[places.length - 1], shown[shown.length - 1]];
  const open = row && row.state !== "COMPLETE" && lastX !== undefined && lastY !== undefined;
  return { style, drawn, end: open ? { row, x: lastX, y: lastY, colour, opacity } : null };
}

/**
 * Moments as a date axis takes them: plotly knows no time zone.
 * @param {Float32Array} x seconds
 * @param {number} x0 from this moment on
 */
function localTimes(x, x0) {
  const shift = new Date().getTimezoneOffset() * 60;
  return Array.from(x, (value) => (x0 + value - shift) * 1000);
}

/**
 * The range of the trials without a line; nothing where it is empty.
 * @param {import("../store.js").Band} band
 * @param {import("./tab.js").Scene["look"]} look
 */
function othersOf({ columns, trials, of }, look) {
  const [x, low, high] = columns;
  if (!x || !low || !high || !x.length) return null;
  const label = `band: ${trials < of ? `${trials} of ` : ""}the other ${of === 1 ? "trial" : `${of} trials`}`;
  /** @type {import("./tab.js").Key} */
  const key = { label, colour: look.band, dash: "band", width: 9, numbers: [] };
  return { drawn: bandOf(x, low, high, look.band, 0), key };
}

/**
 * Where lines end that did not end well, or have not ended: by the sign of the state.
 * @param {End[]} ends
 * @param {import("../store.js").Job | null} job
 */
function endsOf(ends, job) {
  return {
    type: "scatter",
    mode: "markers",
    x: ends.map((end) => end.x),
    y: ends.map((end) => end.y),
    customdata: ends.map((end) => end.row.n),
    text: ends.map((end) => (job ? hoverText(end.row, job) : "")),
    hoverinfo: "text",
    marker: {
      size: 8,
      symbol: ends.map((end) => symbolOf(end.row)),
      color: ends.map((end) => end.colour),
      opacity: ends.map((end) => end.opacity),
    },
  };
}

/** @param {import("./tab.js").Key[]} keys */
function sorted(keys) {
  const order = ["selected", "best", "on the front", "trial"];
  /** @param {import("./tab.js").Key} key */
  const rank = (key) => order.findIndex((word) => key.label.startsWith(word)) >>> 0;
  return keys.sort((one, other) => rank(one) - rank(other));
}

/**
 * A job younger than a window has one moment only: plotly would show its milliseconds.
 * @param {Drawn[]} drawn
 */
function rangeOf(drawn) {
  let [first, last] = [Infinity, -Infinity];
  for (const { trace } of drawn) {
    first = Math.min(first, Number(trace.x[0]));
    last = Math.max(last, Number(trace.x[trace.x.length - 1]));
  }
  return last - first < 1000 ? { range: [first - 60_000, last + 60_000] } : {};
}
