/** Curves: how a trial's line is drawn, smoothing, and bands between two lines. */

const BEST = 5;

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
 * How a trial's line is drawn: what it is shows in its dashes and width, not by colour alone.
 * @param {number} number
 * @param {import("./tab.js").Scene} scene
 */
export function lineStyle(number, { store, look, selected }) {
  const base = unselected(number, store, look);
  if (selected.has(number)) {
    const palette = [look.selected, ...look.running]; // several have to be told apart
    const colour = palette[selected.numbers.indexOf(number) % palette.length] ?? look.selected;
    return { ...base, label: `selected: trial ${number}`, colour, width: 3, layer: 4, opacity: 1 };
  }
  return selected.size > 1 ? { ...base, opacity: 0.25 } : base;
}

/**
 * @param {number} number
 * @param {import("../store.js").Store} store
 * @param {import("../look.js").Look} look
 */
function unselected(number, store, look) {
  const job = store.job;
  const row = store.rows.get(number);
  const rank = job ? job.best.indexOf(number) : -1;
  const front = (job?.objectives.length ?? 1) > 1;
  if (rank >= 0 && rank < BEST) {
    const label = front ? "on the front" : `best: trial ${number}`;
    return { label, colour: look.best, dash: "solid", width: front ? 1.8 : 2.6, layer: 3, opacity: 1 };
  }
  if (row?.state === "RUNNING") {
    const place = Math.max(0, job?.running.indexOf(number) ?? 0) % look.running.length;
    const label = `trial ${number}, ${store.stale ? "cut off" : "running"}`;
    return { label, colour: look.running[place] ?? look.ink, dash: "solid", width: 2, layer: 2, opacity: 1 };
  }
  return {
    label: (row?.state ?? "complete").toLowerCase(),
    colour: row?.state === "FAILED" ? (look.states.FAILED ?? look.finished) : look.finished,
    dash: { COMPLETE: "solid", PRUNED: "dot" }[row?.state ?? "COMPLETE"] ?? "dash",
    width: 1.2,
    layer: 1,
    opacity: 0.55,
  };
}

/**
 * The room between two lines.
 * @param {ArrayLike<number>} x
 * @param {ArrayLike<number>} low
 * @param {ArrayLike<number>} high
 * @param {string} colour
 * @param {number} layer
 */
export function bandOf(x, low, high, colour, layer) {
  const edge = { type: "scatter", mode: "lines", x, line: { width: 0, color: colour }, hoverinfo: "skip" };
  const fill = /^#[0-9a-f]{6}$/i.test(colour) ? `${colour}26` : colour;
  return [
    { layer, trace: { ...edge, y: low } },
    { layer, trace: { ...edge, y: high, fill: "tonexty", fillcolor: fill } },
  ];
}
