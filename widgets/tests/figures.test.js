import assert from "node:assert/strict";
import { test } from "node:test";

import { historyFigure, lanesOf, metricsFigure, paretoFigure, smoothed, thinned } from "../src/figures.js";
import { Selection } from "../src/selection.js";
import { Store } from "../src/store.js";

/** @type {import("../src/look.js").Look} */
const LOOK = {
  dark: false, ink: "#000", quiet: "#555", grid: "#ddd", paper: "#fff", font: "sans", best: "#d55e00",
  finished: "#789", band: "#eee", selected: "#000", running: ["#00f"], states: {},
};

/** @param {Partial<import("../src/store.js").Job>} job @param {Partial<import("../src/store.js").Row>[]} rows */
function storeOf(job, rows) {
  const store = new Store();
  store.job = /** @type {any} */ ({ objectives: [{ metric: "acc", maximize: true }], best: [], running: [], ...job });
  for (const row of rows) store.rows.set(Number(row.n), /** @type {any} */ ({ params: {}, metrics: {}, state: "COMPLETE", ...row }));
  return store;
}

test("smoothing keeps a constant and does not lag at the start", () => {
  assert.deepEqual(Array.from(smoothed([2, 2, 2], 0.9)), [2, 2, 2]);
  assert.equal(smoothed([5, 7], 0.9)[0], 5);
  assert.ok(Math.abs((smoothed([0, NaN, 1], 0.5)[1] ?? 1) - 0) < 1e-9);
});

test("thinning keeps both ends and the budget", () => {
  const many = Array.from({ length: 5000 }, (_, index) => index);
  const few = thinned(many, 100);
  assert.equal(few.length, 100);
  assert.equal(few[0], 0);
  assert.equal(few.at(-1), 4999);
});

test("the best so far only gets better", () => {
  const rows = [0.5, 0.4, 0.8, 0.7].map((value, n) => ({ n, values: [value] }));
  const up = historyFigure(storeOf({}, rows), LOOK, { selected: new Selection(), log: false });
  assert.deepEqual(up.data[1].y, [0.5, 0.8, 0.8]);
  const down = storeOf({ objectives: [{ metric: "loss", maximize: false }] }, rows);
  assert.deepEqual(historyFigure(down, LOOK, { selected: new Selection(), log: false }).data[1].y, [0.5, 0.4, 0.4]);
});

test("unfinished and non-finite results are left out of the front", () => {
  const job = { objectives: [{ metric: "acc", maximize: true }, { metric: "ms", maximize: false }], best: [2] };
  const rows = [
    { n: 0, values: [0.5, 3] },
    { n: 1, values: [0.5, "NaN"] },
    { n: 2, values: [0.9, 2] },
    { n: 3, state: "RUNNING" },
  ];
  const figure = paretoFigure(storeOf(job, rows), LOOK, { pair: [1, 0], selected: new Selection(), log: false });
  assert.deepEqual(figure.data.map((trace) => trace.customdata), [[0], [2]]);
});

test("an empty chart says what will appear", () => {
  const options = { metric: "acc", axis: "step", smooth: 0, log: false, selected: new Selection() };
  assert.match(metricsFigure(storeOf({}, []), LOOK, options, undefined).empty, /will appear here/);
});

test("the best line is drawn last and named first", () => {
  const store = storeOf({ best: [0], running: [1] }, [{ n: 0 }, { n: 1, state: "RUNNING" }, { n: 2, state: "PRUNED" }]);
  const columns = [Float32Array.of(1, 2), Float32Array.of(3, 4)];
  const lines = new Map([0, 1, 2].map((number) => [number, { x0: 0, columns }]));
  const options = { metric: "acc", axis: "step", smooth: 0, log: false, selected: new Selection() };
  const figure = metricsFigure(store, LOOK, options, { show: [0, 1, 2], lines, band: null });
  assert.deepEqual(figure.data.map((trace) => trace.meta), [2, 1, 0]);
  assert.deepEqual(figure.keys.map((key) => key.label), ["best: trial 0", "trial 1, running", "pruned"]);
});

test("trials that overlap on a device get rows of their own", () => {
  const row = (/** @type {number} */ n, /** @type {number} */ start, /** @type {number} */ end) => ({ n, start, end, device: "cuda:0" });
  const rows = /** @type {any[]} */ ([row(0, 0, 10), row(1, 5, 8), row(2, 9, 12)]);
  assert.deepEqual([...lanesOf(rows, 20).values()], ["cuda:0", "cuda:0 · 2", "cuda:0 · 2"]);
});
