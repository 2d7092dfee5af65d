import assert from "node:assert/strict";
import { test } from "node:test";

import { historyFigure } from "../src/charts/history.js";
import { ImportanceTab, importanceFigure } from "../src/charts/importance.js";
import { smoothed } from "../src/charts/lines.js";
import { metricsFigure } from "../src/charts/metrics.js";
import { matrixFigure, pairsOf, paretoFigure } from "../src/charts/pareto.js";
import { MARKS, thinned } from "../src/charts/points.js";
import { shade } from "../src/charts/ramp.js";
import { gridOf, sliceFigure } from "../src/charts/slice.js";
import { lanesOf, timelineFigure } from "../src/charts/timeline.js";
import { luminance } from "../src/look.js";
import { objective, sceneOf, storeOf } from "./scene.js";

const METRIC = { metric: "acc", axis: "step", smooth: 0, log: false };
const LINEAR = /** @type {[boolean, boolean]} */ ([false, false]);
/** @param {number} count */
const curves = (count) => {
  const columns = [Float32Array.of(1, 2), Float32Array.of(3, 4)];
  const show = Array.from({ length: count }, (_, number) => number);
  return { show, lines: new Map(show.map((number) => [number, { x0: 0, columns }])), band: null };
};
/** @param {import("../src/charts/tab.js").Figure} figure */
const curvesOf = (figure) => figure.data.filter((trace) => trace.meta !== undefined);

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
  assert.deepEqual([thinned(many, 1), thinned(many, 0)], [[4999], []]);
});

test("the best so far only gets better", () => {
  const rows = [0.5, 0.4, 0.8, 0.7].map((value, n) => ({ n, values: [value] }));
  const up = historyFigure(sceneOf({}, rows), { index: 0, log: false });
  assert.deepEqual(up.data.at(-1).y, [0.5, 0.8, 0.8]);
  const down = sceneOf({ objectives: [objective("loss", false)] }, rows);
  assert.deepEqual(historyFigure(down, { index: 0, log: false }).data.at(-1).y, [0.5, 0.4, 0.4]);
});

test("a trial that violates a constraint is drawn and is never the best so far", () => {
  const rows = [0.9, 0.4, 0.8, 0.7].map((value, n) => ({ n, values: [value] }));
  const figure = historyFigure(sceneOf({ violating: [0, 2] }, rows), { index: 0, log: false });
  assert.deepEqual([figure.data.at(-1).x, figure.data.at(-1).y], [[1, 3, 3], [0.4, 0.7, 0.7]]);
  assert.equal(figure.data[1].x.length, 4);
  const none = historyFigure(sceneOf({ violating: [0, 1, 2, 3] }, rows), { index: 0, log: false });
  assert.deepEqual(none.data.at(-1).x, []);
});

test("what violates a constraint is no part of the front and is not called dominated", () => {
  const objectives = [{ metric: "a", maximize: true }, { metric: "b", maximize: true }];
  const rows = [0.9, 0.4, 0.8, 0.7].map((value, n) => ({ n, values: [value, value] }));
  const figure = paretoFigure(sceneOf({ objectives, best: [2], violating: [0] }, rows), { pair: [0, 1], log: [false, false] });
  assert.deepEqual(figure.keys.map((key) => key.label), ["Pareto front (1)", "dominated (2)", "outside the constraints (1)"]);
  assert.deepEqual(figure.data.map((trace) => trace.customdata), [[0], [1, 3], [2]]);
  const all = paretoFigure(sceneOf({ objectives, best: [0] }, rows), { pair: [0, 1], log: [false, false] });
  assert.deepEqual(all.keys.map((key) => key.label), ["Pareto front (1)", "dominated (3)"]);
});

test("a trial that was pruned with a value, as vendors have it, is one of the results", () => {
  const rows = [{ n: 0, values: [0.5] }, { n: 1, state: "PRUNED", values: [0.6], metrics: { acc: 0.6 } }];
  const figure = historyFigure(sceneOf({}, rows), { index: 0, log: false });
  assert.deepEqual(figure.data[0].x, []);
  assert.deepEqual(figure.data.at(-1).y, [0.5, 0.6, 0.6]);
});

test("the history marks what was cut short by the sign of its state", () => {
  const rows = [{ n: 0, values: [0.5] }, { n: 1, state: "PRUNED", metrics: { acc: 0.2 } }, { n: 2, state: "FAILED" }];
  const figure = historyFigure(sceneOf({}, rows), { index: 0, log: false });
  assert.deepEqual(figure.data[0].customdata, [1]);
  assert.deepEqual(figure.data[0].marker.symbol, ["diamond-open"]);
  assert.ok(figure.keys.some((key) => key.label.startsWith("pruned")));
});

test("of ten thousand trials a thousand are drawn, with the best and the selected, who are drawn last", () => {
  const rows = Array.from({ length: 10_000 }, (_, n) => ({ n, values: [n] }));
  const scene = sceneOf({ best: [4_321] }, rows, [17, 18]);
  const trace = historyFigure(scene, { index: 0, log: false }).data[1];
  assert.equal(trace.customdata.length, MARKS);
  assert.deepEqual(trace.customdata.slice(-3), [4_321, 17, 18]);
  assert.deepEqual(trace.marker.opacity.slice(-4), [0.25, 0.25, 1, 1]);
});

test("unfinished and non-finite results are left out of the front", () => {
  const job = { objectives: [objective("acc"), objective("ms", false)], best: [2] };
  const rows = [
    { n: 0, values: [0.5, 3] },
    { n: 1, values: [0.5, "NaN"] },
    { n: 2, values: [0.9, 2] },
    { n: 3, state: "RUNNING" },
  ];
  const figure = paretoFigure(sceneOf(job, rows), { pair: [1, 0], log: LINEAR });
  assert.deepEqual(figure.data.map((trace) => trace.customdata), [[0], [2]]);
  assert.match(figure.panes[0]?.x.title.text, /ms \(lower is better\)/);
  assert.equal(figure.data[1].mode, "lines+markers");
});

test("three objectives are a matrix of all pairs, each pane with its own axes", () => {
  const job = { objectives: [objective("acc"), objective("ms", false), objective("mb", false)], best: [0] };
  const rows = [{ n: 0, values: [1, 2, 3] }, { n: 1, values: [0, 3, 4] }];
  const figure = matrixFigure(sceneOf(job, rows), { log: LINEAR });
  assert.deepEqual(pairsOf(3), [[1, 0], [2, 0], [2, 1]]);
  assert.deepEqual(figure.panes.map(({ x, y }) => [x.title.text, y.title.text]), [["min ms", "max acc"], [undefined, undefined], ["min mb", "min ms"]]);
  assert.deepEqual(figure.data.map((trace) => trace.xaxis), [undefined, undefined, "x2", "x2", "x3", "x3"]);
  assert.deepEqual([figure.panes[1]?.x.matches, figure.panes[1]?.y.matches], ["x3", "y"]);
  assert.ok(figure.data.every((trace) => trace.mode === "markers"));
  for (const { x, y } of figure.panes) assert.ok(x.domain[0] >= 0 && x.domain[1] <= 1.0001 && y.domain[0] >= 0 && y.domain[1] <= 1);
});

test("an empty chart says what will appear", () => {
  const none = sceneOf({}, []);
  for (const figure of [
    metricsFigure(none, METRIC, undefined),
    historyFigure(none, { index: 0, log: false }),
    paretoFigure(none, { pair: [1, 0], log: LINEAR }),
    matrixFigure(none, { log: LINEAR }),
    importanceFigure(none, "acc"),
    sliceFigure(none, { index: 0, names: ["lr"], log: false }),
    timelineFigure(none),
  ]) {
    assert.match(figure.empty, /will appear here/);
  }
});

test("a chart of a finished job that has nothing to show promises nothing", () => {
  const imported = sceneOf({ ended: true }, [{ n: 0, start: 5, end: 5, values: [0.5] }]);
  assert.match(metricsFigure(imported, METRIC, undefined).empty, /No curve of this metric was stored/);
  assert.match(timelineFigure(imported).empty, /not known when/);
});

test("trials are counted in whole numbers, however many", () => {
  const many = sceneOf({}, [{ n: 0, values: [0.5] }, { n: 9_999, values: [0.6] }]);
  assert.equal(historyFigure(many, { index: 0, log: false }).panes[0]?.x.tickformat, "d");
});

test("the best line is drawn last and named first, and a line that was cut short ends in a sign", () => {
  const job = { best: [0], running: [1] };
  const scene = sceneOf(job, [{ n: 0 }, { n: 1, state: "RUNNING" }, { n: 2, state: "PRUNED" }]);
  const figure = metricsFigure(scene, METRIC, curves(3));
  assert.deepEqual(curvesOf(figure).map((trace) => trace.meta), [2, 1, 0]);
  assert.deepEqual(figure.keys.map((key) => key.label), ["best: trial 0", "trial 1, running", "pruned"]);
  assert.deepEqual(figure.data.at(-1).marker.symbol, ["triangle-right", "diamond-open"]);
});

test("selected lines are on top, and the others step back where there are several", () => {
  const rows = [{ n: 0 }, { n: 1 }, { n: 2 }];
  const lines = curvesOf(metricsFigure(sceneOf({ best: [0] }, rows, [1, 2]), METRIC, curves(3)));
  assert.deepEqual(lines.map((trace) => [trace.meta, trace.opacity]), [[0, 0.25], [1, 1], [2, 1]]);
});

test("by time a line has its band, and a smoothed one its raw values", () => {
  const column = Float32Array.of(0, 30);
  const chart = { show: [0], lines: new Map([[0, { x0: 1000, columns: [column, column, column, column] }]]), band: null };
  const figure = metricsFigure(sceneOf({ best: [0] }, [{ n: 0 }]), { ...METRIC, axis: "time", smooth: 0.5 }, chart);
  assert.equal(figure.panes[0]?.x.type, "date");
  assert.equal(figure.data.filter((trace) => trace.fill === "tonexty").length, 1);
  assert.equal(figure.data.length, 4);
});

test("a log axis without a value above zero says so", () => {
  const columns = [Float32Array.of(1, 2), Float32Array.of(-3, 0)];
  const chart = { show: [0], lines: new Map([[0, { x0: 0, columns }]]), band: null };
  assert.match(metricsFigure(sceneOf({}, [{ n: 0 }]), { ...METRIC, log: true }, chart).empty, /above zero/);
});

test("the importance is a bar per parameter, the largest on top, or the reason why there is none", () => {
  const scene = sceneOf({}, []);
  scene.store.importance.set("acc", { m: "acc", shares: [["lr", 0.75], ["<b>", 0.25]], reason: "", trials: 9, of: 9 });
  const figure = importanceFigure(scene, "acc");
  assert.deepEqual(figure.data[0].y, ["&lt;b&gt;", "lr"]);
  assert.deepEqual(figure.data[0].text, ["25 %", "75 %"]);
  scene.store.importance.set("acc", { m: "acc", shares: [], reason: "Needs 4 trials.", trials: 0, of: 0 });
  assert.equal(importanceFigure(scene, "acc").empty, "Needs 4 trials.");
});

test("long names and words that begin alike stay apart, under short labels", () => {
  const one = "model.encoder.layers.attention.first";
  const other = "model.encoder.layers.attention.second";
  const scene = sceneOf({}, [{ n: 0, values: [1], params: { act: one } }, { n: 1, values: [2], params: { act: other } }]);
  scene.store.importance.set("acc", { m: "acc", shares: [[one, 0.75], [other, 0.25]], reason: "", trials: 9, of: 9 });
  const bars = importanceFigure(scene, "acc");
  assert.deepEqual(bars.data[0].y, [other, one]);
  assert.equal(bars.panes[0]?.y.labelalias[one], "model.encoder.layers.at…");
  const slice = sliceFigure(scene, { index: 0, names: ["act"], log: false });
  assert.deepEqual(slice.data[0].x, [one, other]);
  assert.equal(slice.panes[0]?.x.labelalias[other], "model.encoder.layer…");
});

test("a slice has a pane per parameter: log where the dimension is, words as they are, only where it is active", () => {
  const rows = [{ n: 0, values: [1], params: { lr: 0.01, act: "relu", m: null } }, { n: 1, values: [2], params: { lr: 0.1, act: "gelu", m: 0.9 } }];
  const scene = sceneOf({}, rows);
  scene.store.space = { lr: { kind: "number", log: true }, act: { kind: "words", choices: ["relu", "gelu"] } };
  const figure = sliceFigure(scene, { index: 0, names: ["lr", "act", "m"], log: false });
  assert.deepEqual(figure.panes.map(({ x }) => x.type), ["log", "category", "linear"]);
  assert.deepEqual(figure.data.map((trace) => trace.customdata), [[0, 1], [0, 1], [1]]);
  assert.deepEqual(figure.data[0].marker.color, [0, 1]);
});

test("panes stand side by side as far as there is room", () => {
  assert.deepEqual([gridOf(6, 600).columns, gridOf(6, 320).columns, gridOf(1, 600).columns], [3, 2, 1]);
  assert.deepEqual([gridOf(6, 600).rows, gridOf(6, 320).rows], [2, 3]);
});

test("trials that overlap on a device get rows of their own", () => {
  const row = (/** @type {number} */ n, /** @type {number} */ start, /** @type {number} */ end) => ({ n, start, end, device: "cuda:0" });
  const rows = /** @type {any[]} */ ([row(0, 0, 10), row(1, 5, 8), row(2, 9, 12)]);
  assert.deepEqual([...lanesOf(rows, 20).values()], ["cuda:0", "cuda:0 · 2", "cuda:0 · 2"]);
});

test("every shade is seen on its paper, and later ones are lighter", () => {
  for (const dark of [false, true]) {
    const light = [0, 0.25, 0.5, 0.75, 1].map((part) => luminance(shade(part, dark)));
    assert.deepEqual(light, [...light].sort((one, other) => one - other));
    assert.ok(dark ? (light[0] ?? 0) > 0.25 : (light[4] ?? 1) < 0.8, String(light));
  }
});

test("the chart of the importance is drawn again when it was weighed again, not with every trial that ends", () => {
  const store = storeOf({ params: ["lr"] }, []);
  const importance = ImportanceTab.prototype.version;
  const known = () => importance(store);
  const before = known();
  store.apply({ now: 0, rows: [/** @type {any} */ ({ n: 0, state: "COMPLETE", params: {}, metrics: {}, values: [1], start: 0, end: 1 })] }, new Float32Array(0));
  assert.equal(known(), before);
  store.apply({ now: 0, importance: [{ m: "acc", shares: [["lr", 1]], reason: "", trials: 9, of: 9 }] }, new Float32Array(0));
  assert.notEqual(known(), before);
});
