/** Timeline: when each trial ran, and on which device. */

import { formatDuration, forPlotly, runtime } from "../format.js";
import { hoverText } from "./points.js";
import { Tab, nothing } from "./tab.js";

const BARS = 300;
/** Bars that have room for their numbers. */
const NAMED = 60;
const FAINT = 0.3;

export class TimelineTab extends Tab {
  constructor() {
    super("timeline");
    this.selects = true;
  }

  title() {
    return "Timeline";
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
    return timelineFigure(scene);
  }
}

/**
 * @param {import("./tab.js").Scene} scene
 * @returns {import("./tab.js").Figure}
 */
export function timelineFigure({ store, look, selected }) {
  const job = store.job;
  const now = job?.stopped ?? store.now();
  const rows = [...store.rows.values()]
    .filter((row) => typeof row.start === "number")
    .sort((one, other) => Number(one.start) - Number(other.start) || one.n - other.n)
    .slice(-BARS);
  if (!job || !rows.length) return nothing("The first trial will appear here when it starts.");
  if (job.ended && rows.every((row) => row.start === row.end)) return nothing("It is not known when these trials ran.");
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
      ...(rows.length > NAMED ? {} : { text: mine.map((row) => String(row.n)) }),
      textposition: "inside",
      insidetextanchor: "middle",
      textangle: 0,
      textfont: { color: look.dark ? "#10151a" : "#ffffff" },
      hovertext: mine.map((row) => `${hoverText(row, job)}<br>${formatDuration(Number(runtime(row, now)))}`),
      hoverinfo: "text",
      customdata: mine.map((row) => row.n),
      marker: {
        color: look.states[state],
        opacity: selected.size > 1 ? mine.map((row) => (selected.has(row.n) ? 1 : FAINT)) : 1,
        pattern: {
          shape: { PRUNED: "/", FAILED: "x", STOPPED: "." }[state] ?? "",
          fillmode: "overlay",
          fgcolor: look.paper,
          fgopacity: 0.45,
        },
        line: {
          color: mine.map((row) => (selected.has(row.n) ? look.selected : look.paper)),
          width: mine.map((row) => (selected.has(row.n) ? 2.5 : 1)),
        },
      },
    };
  });
  return {
    data,
    panes: [{ x: { type: "date" }, y: { type: "category", autorange: "reversed", showgrid: false, automargin: true } }],
    keys: states.map((state) => ({
      label: state.toLowerCase(),
      colour: look.states[state] ?? look.finished,
      dash: "bar",
      width: 9,
      numbers: [],
    })),
    empty: "",
    layout: { barmode: "overlay", bargap: 0.35 },
  };
}

/**
 * Give each trial a row: its device, and a further row of it where two overlap.
 * @param {import("../store.js").Row[]} rows by their start
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
