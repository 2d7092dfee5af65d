/**
 * What plotly draws, from what the store holds: plain data, no page.
 *
 * @typedef {{label: string, colour: string, dash: string, width: number, numbers: number[]}} Key
 * @typedef {{data: any[], x: any, y: any, keys: Key[], empty: string, more?: any}} Figure
 */

import { formatDuration, formatNumber, forPlotly, runtime, stateWords } from "./format.js";
import { objectiveOf } from "./store.js";

const BEST = 5;
const POINTS = 1000;
const BARS = 300;
const PARAMS = 8;

/**
 * Smooth a line by an exponential average that does not lag at its start.
 * @param {ArrayLike<number>} values
 * @param {number} weight 0 to 1
 */
export function smoothed(values, weight) {
  const out = new Float32Array(values.length);
  let sum = 0;
  let mass = 0;
  for (let index = 0; index < values.length; index += 1) {
    const value = values[index] ?? NaN;
    if (Number.isFinite(value)) {
      sum = sum * weight + value;
      mass = mass * weight + 1;
    }
    out[index] = mass ? sum / mass : NaN;
  }
  return out;
}

/**
 * Choose at most `limit` of many, evenly, the last among them.
 * @template T
 * @param {T[]} items
 * @param {number} limit
 * @returns {T[]}
 */
export function thinned(items, limit = POINTS) {
  if (items.length <= limit) return items;
  const step = (items.length - 1) / (limit - 1);
  return Array.from({ length: limit }, (_, index) => /** @type {T} */ (items[Math.round(index * step)]));
}

/**
 * @param {import("./store.js").Row} row
 * @param {import("./store.js").Job} job
 */
export function hoverText(row, job) {
  const results = job.objectives.map(
    (objective, index) => `${forPlotly(objective.metric, 30)} ${formatNumber(objectiveOf(row, job, index))}`,
  );
  const params = Object.entries(row.params).filter(([, value]) => value !== null);
  const words = params
    .slice(0, PARAMS)
    .map(([name, value]) => `${forPlotly(name, 24)} ${forPlotly(formatNumber(value), 24)}`);
  if (params.length > PARAMS) words.push("…");
  return [`<b>trial ${row.n}</b> · ${stateWords(row, job.state === "STALE")}`, ...results, ...words].join("<br>");
}

/**
 * How a trial's line is drawn.
 * @param {number} number
 * @param {import("./store.js").Store} store
 * @param {import("./look.js").Look} look
 * @param {import("./selection.js").Selection} selected
 */
function lineStyle(number, store, look, selected) {
  const job = store.job;
  const row = store.rows.get(number);
  const rank = job ? job.best.indexOf(number) : -1;
  const front = (job?.objectives.length ?? 1) > 1;
  const base =
    rank >= 0 && rank < BEST
      ? { label: front ? "on the front" : `best: trial ${number}`, colour: look.best, dash: "solid", width: front ? 1.8 : 2.6, layer: 3 }
      : row?.state === "RUNNING"
        ? {
            label: `trial ${number}, ${store.stale ? "cut off" : "running"}`,
            colour: look.running[Math.max(0, job?.running.indexOf(number) ?? 0) % look.running.length] ?? look.ink,
            dash: "solid",
            width: 2,
            layer: 2,
          }
        : {
            label: (row?.state ?? "complete").toLowerCase(),
            colour: row?.state === "FAILED" ? (look.states.FAILED ?? look.finished) : look.finished,
            dash: { COMPLETE: "solid", PRUNED: "dot" }[row?.state ?? "COMPLETE"] ?? "dash",
            width: 1.2,
            layer: 1,
          };
  if (!selected.has(number)) return base;
  return { ...base, label: `selected: trial ${number}`, colour: look.selected, width: 3, layer: 4 };
}

/**
 * The curves of a metric.
 * @param {import("./store.js").Store} store
 * @param {import("./look.js").Look} look
 * @param {{metric: string, axis: string, smooth: number, log: boolean, selected: import("./selection.js").Selection}} options
 * @param {import("./store.js").Chart | undefined} chart
 * @returns {Figure}
 */
export function metricsFigure(store, look, options, chart) {
  const byTime = options.axis === "time";
  const shift = byTime ? new Date().getTimezoneOffset() * 60 : 0;
  /** @type {{layer: number, trace: any}[]} */
  const drawn = [];
  /** @type {Map<string, Key>} */
  const keys = new Map();
  for (const number of chart?.show ?? []) {
    const line = chart?.lines.get(number);
    const [x, y, low, high] = line?.columns ?? [];
    if (!line || !x || !y || !x.length) continue;
    const { label, colour, dash, width, layer } = lineStyle(number, store, look, options.selected);
    const places = byTime ? Array.from(x, (value) => (line.x0 + value - shift) * 1000) : x;
    const row = store.rows.get(number);
    if (byTime && low && high && layer > 1) drawn.push(...bandOf(places, low, high, colour, layer));
    drawn.push({
      layer,
      trace: {
        type: "scatter",
        mode: x.length === 1 ? "markers" : "lines",
        x: places,
        y: options.smooth ? smoothed(y, options.smooth) : y,
        line: { color: colour, width, dash },
        marker: { color: colour, size: 6 },
        opacity: layer === 1 ? 0.55 : 1,
        meta: number,
        text: `trial ${number}${row ? ` · ${stateWords(row, store.stale)}` : ""}`,
        hoverinfo: "x+y+text",
      },
    });
    const key = keys.get(label) ?? { label, colour, dash, width, numbers: [] };
    key.numbers.push(number);
    keys.set(label, key);
  }
  if (chart?.band && !byTime) {
    const { columns, trials, of } = chart.band;
    const [x, low, high] = columns;
    if (x && low && high && x.length) {
      drawn.push(...bandOf(x, low, high, look.band, 0));
      const label = `range of ${trials < of ? `${trials} of ` : ""}${of} other${of === 1 ? "" : "s"}`;
      keys.set(label, { label, colour: look.band, dash: "band", width: 9, numbers: [] });
    }
  }
  drawn.sort((one, other) => one.layer - other.layer);
  const order = ["best", "on the front", "selected", "trial"];
  /** @param {Key} key */
  const rank = (key) => order.findIndex((word) => key.label.startsWith(word)) >>> 0;
  return {
    data: drawn.map(({ trace }) => trace),
    x: byTime ? { type: "date", ...rangeOf(drawn) } : { type: "linear", title: { text: "step", standoff: 4 } },
    y: options.log ? { type: "log" } : { type: "linear" },
    keys: [...keys.values()].sort((one, other) => rank(one) - rank(other)),
    empty: drawn.length ? "" : "The first metric will appear here as soon as a trial reports it.",
  };
}

/**
 * A job younger than a window has one moment only: plotly would show its milliseconds.
 * @param {{trace: any}[]} drawn
 */
function rangeOf(drawn) {
  const moments = drawn.flatMap(({ trace }) => [Number(trace.x[0]), Number(trace.x[trace.x.length - 1])]);
  const [first, last] = [Math.min(...moments), Math.max(...moments)];
  return moments.length && last - first < 1000 ? { range: [first - 60_000, last + 60_000] } : {};
}

/**
 * @param {ArrayLike<number>} x
 * @param {ArrayLike<number>} low
 * @param {ArrayLike<number>} high
 * @param {string} colour
 * @param {number} layer
 */
function bandOf(x, low, high, colour, layer) {
  const edge = { type: "scatter", mode: "lines", x, line: { width: 0, color: colour }, hoverinfo: "skip" };
  const fill = colour.startsWith("#") ? `${colour}26` : colour;
  return [
    { layer, trace: { ...edge, y: low } },
    { layer, trace: { ...edge, y: high, fill: "tonexty", fillcolor: fill } },
  ];
}

/**
 * The finished trials with numbers for these objectives.
 * @param {import("./store.js").Store} store
 * @param {number[]} indices
 */
function finished(store, indices) {
  const rows = [...store.rows.values()].filter(
    (row) => row.state === "COMPLETE" && indices.every((index) => typeof row.values?.[index] === "number"),
  );
  return rows.sort((one, other) => one.n - other.n);
}

/**
 * The objective of every trial, and the best so far.
 * @param {import("./store.js").Store} store
 * @param {import("./look.js").Look} look
 * @param {{selected: import("./selection.js").Selection, log: boolean}} options
 * @returns {Figure}
 */
export function historyFigure(store, look, options) {
  const job = store.job;
  const objective = job?.objectives[0];
  const rows = finished(store, [0]);
  if (!job || !objective || !rows.length) return nothing("The first finished trial will appear here.");
  /** @type {number[]} */
  const x = [];
  /** @type {number[]} */
  const y = [];
  let best = NaN;
  for (const row of rows) {
    const value = Number(row.values?.[0]);
    if (Number.isNaN(best) || (objective.maximize ? value > best : value < best)) {
      best = value;
      x.push(row.n);
      y.push(best);
    }
  }
  x.push(rows[rows.length - 1]?.n ?? 0);
  y.push(best);
  const shown = thinned(rows);
  return {
    data: [
      points(shown, job, (row) => row.n, (row) => Number(row.values?.[0]), look, options.selected, 7),
      {
        type: "scatter",
        mode: "lines",
        x,
        y,
        line: { color: look.best, width: 2.5, shape: "hv" },
        hoverinfo: "y",
      },
    ],
    x: { type: "linear", title: { text: "trial", standoff: 4 } },
    y: options.log ? { type: "log" } : { type: "linear" },
    keys: [
      { label: "best so far", colour: look.best, dash: "solid", width: 2.5, numbers: [] },
      { label: `finished trials (${rows.length})`, colour: look.finished, dash: "point", width: 7, numbers: [] },
    ],
    empty: "",
  };
}

/**
 * Two objectives against each other.
 * @param {import("./store.js").Store} store
 * @param {import("./look.js").Look} look
 * @param {{pair: [number, number], selected: import("./selection.js").Selection, log: boolean}} options
 * @returns {Figure}
 */
export function paretoFigure(store, look, options) {
  const job = store.job;
  const [across, up] = options.pair;
  const rows = finished(store, [across, up]);
  if (!job || !rows.length) return nothing("The first finished trial will appear here.");
  const best = new Set(job.best);
  /** @param {import("./store.js").Row} row */
  const x = (row) => Number(row.values?.[across]);
  /** @param {import("./store.js").Row} row */
  const y = (row) => Number(row.values?.[up]);
  const front = rows.filter((row) => best.has(row.n)).sort((one, other) => x(one) - x(other));
  const rest = rows.filter((row) => !best.has(row.n));
  const line = job.objectives.length === 2;
  const data = [
    points(thinned(rest), job, x, y, look, options.selected, 7),
    {
      ...points(front, job, x, y, look, options.selected, 11),
      mode: line ? "lines+markers" : "markers",
      line: { color: look.best, width: 1.5, dash: "dot" },
    },
  ];
  data[1].marker = { ...data[1].marker, symbol: "diamond", color: look.best };
  /** @param {number} index */
  const title = (index) => {
    const objective = job.objectives[index];
    const words = objective ? `${forPlotly(objective.metric, 40)} (${objective.maximize ? "higher" : "lower"} is better)` : "";
    return { text: words, standoff: 4 };
  };
  return {
    data,
    x: { type: "linear", title: title(across) },
    y: { type: options.log ? "log" : "linear", title: title(up) },
    keys: [
      { label: `Pareto front (${front.length})`, colour: look.best, dash: "diamond", width: 9, numbers: [] },
      { label: `dominated (${rest.length})`, colour: look.finished, dash: "point", width: 7, numbers: [] },
    ],
    empty: "",
  };
}

/**
 * @param {import("./store.js").Row[]} rows
 * @param {import("./store.js").Job} job
 * @param {(row: import("./store.js").Row) => number} x
 * @param {(row: import("./store.js").Row) => number} y
 * @param {import("./look.js").Look} look
 * @param {import("./selection.js").Selection} selected
 * @param {number} size
 * @returns {any}
 */
function points(rows, job, x, y, look, selected, size) {
  return {
    type: "scatter",
    mode: "markers",
    x: rows.map(x),
    y: rows.map(y),
    text: rows.map((row) => hoverText(row, job)),
    customdata: rows.map((row) => row.n),
    hoverinfo: "text",
    marker: {
      color: look.finished,
      size,
      opacity: 0.85,
      line: { color: look.selected, width: rows.map((row) => (selected.has(row.n) ? 2.5 : 0)) },
    },
  };
}

/**
 * When each trial ran, and where.
 * @param {import("./store.js").Store} store
 * @param {import("./look.js").Look} look
 * @param {{selected: import("./selection.js").Selection}} options
 * @returns {Figure}
 */
export function timelineFigure(store, look, options) {
  const job = store.job;
  const now = job?.stopped ?? store.now();
  const rows = [...store.rows.values()]
    .filter((row) => typeof row.start === "number")
    .sort((one, other) => Number(one.start) - Number(other.start) || one.n - other.n)
    .slice(-BARS);
  if (!job || !rows.length) return nothing("The first trial will appear here when it starts.");
  const lanes = lanesOf(rows, now);
  const shift = new Date().getTimezoneOffset() * 60;
  const states = [...new Set(rows.map((row) => row.state))];
  const data = states.map((state) => {
    const mine = rows.filter((row) => row.state === state);
    return {
      type: "bar",
      orientation: "h",
      base: mine.map((row) => (Number(row.start) - shift) * 1000),
      x: mine.map((row) => Number(runtime(row, now)) * 1000),
      y: mine.map((row) => lanes.get(row.n)),
      text: mine.map((row) => String(row.n)),
      textposition: "inside",
      insidetextanchor: "middle",
      textangle: 0,
      textfont: { color: look.dark ? "#10151a" : "#ffffff" },
      hovertext: mine.map((row) => `${hoverText(row, job)}<br>${formatDuration(Number(runtime(row, now)))}`),
      hoverinfo: "text",
      customdata: mine.map((row) => row.n),
      marker: {
        color: look.states[state],
        pattern: {
          shape: { PRUNED: "/", FAILED: "x", STOPPED: "." }[state] ?? "",
          fillmode: "overlay",
          fgcolor: look.paper,
          fgopacity: 0.45,
        },
        line: {
          color: mine.map((row) => (options.selected.has(row.n) ? look.selected : look.paper)),
          width: mine.map((row) => (options.selected.has(row.n) ? 2.5 : 1)),
        },
      },
    };
  });
  return {
    data,
    x: { type: "date" },
    y: { type: "category", autorange: "reversed", showgrid: false },
    keys: states.map((state) => ({
      label: state.toLowerCase(),
      colour: look.states[state] ?? look.finished,
      dash: "bar",
      width: 9,
      numbers: [],
    })),
    empty: "",
    more: { barmode: "overlay", bargap: 0.35 },
  };
}

/**
 * Give each trial a row: its device, and a further row of it where two overlap.
 * @param {import("./store.js").Row[]} rows by their start
 * @param {number} now
 */
export function lanesOf(rows, now) {
  /** @type {Map<string, number[]>} */
  const ends = new Map();
  /** @type {Map<number, string>} */
  const lanes = new Map();
  for (const row of rows) {
    const device = row.device || "cpu";
    const free = ends.get(device) ?? [];
    ends.set(device, free);
    const found = free.findIndex((end) => end <= Number(row.start));
    const lane = found < 0 ? free.length : found;
    free[lane] = row.end ?? now;
    lanes.set(row.n, forPlotly(device, 20) + (lane ? ` · ${lane + 1}` : ""));
  }
  return lanes;
}

/**
 * @param {string} empty
 * @returns {Figure}
 */
function nothing(empty) {
  return { data: [], x: { type: "linear" }, y: { type: "linear" }, keys: [], empty };
}
