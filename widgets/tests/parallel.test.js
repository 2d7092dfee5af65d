import assert from "node:assert/strict";
import { test } from "node:test";

import { FOOT, axisOfValues, placeOf, ticksOf, unitOf, wordsAt } from "../src/charts/axes.js";
import { Brushes, reordered } from "../src/charts/brushes.js";
import { LINES, lineAt, linesOf, moved, pictureOf } from "../src/charts/parallel_picture.js";
import { Selection } from "../src/selection.js";
import { objective, storeOf } from "./scene.js";

/** @param {ArrayLike<number>} places */
const rounded = (places) => Array.from(places, (place) => Number(place.toFixed(3)));

test("an axis of numbers goes from its lowest to its highest value, and log where the dimension is", () => {
  assert.deepEqual(rounded(axisOfValues("x", [1, 2, 3]).places), [0, 0.5, 1]);
  const log = axisOfValues("lr", [0.001, 0.01, 0.1], { kind: "number", log: true });
  assert.deepEqual(rounded(log.places), [0, 0.5, 1]);
  assert.deepEqual(log.ticks.map((tick) => tick.text), ["0.001", "0.01", "0.1"]);
  assert.deepEqual(rounded(axisOfValues("x", [5], { kind: "number", low: 0, high: 10 }).places), [0.5]);
});

test("a parameter that is not active has a place of its own below the scale, one without a number none", () => {
  const axis = axisOfValues("momentum", [0.5, null, "NaN", 0.9], { kind: "number", low: 0.5, high: 0.9 });
  assert.deepEqual(rounded(axis.places), [FOOT, 0, NaN, 1]);
  assert.equal(wordsAt(axis, 0), "not active");
  assert.equal(wordsAt(axis, 1), "0.9");
});

test("words have equal places in the order of the choices", () => {
  const axis = axisOfValues("act", ["gelu", "relu", null], { kind: "words", choices: ["relu", "gelu"] });
  assert.deepEqual(axis.words, ["not active", "relu", "gelu"]);
  assert.deepEqual(rounded(axis.places), [0.833, 0.5, 0.167]);
  assert.deepEqual(axisOfValues("c", [null, true], { kind: "words", choices: [null, true] }).words, ["None", "True"]);
});

test("one value and no value have an axis as well", () => {
  assert.deepEqual(rounded(axisOfValues("x", [7, 7]).places), [0.5, 0.5]);
  assert.equal(axisOfValues("x", [null]).places[0], 0);
});

test("units and places are each other's inverse", () => {
  const axis = axisOfValues("x", [0, 40, null]);
  for (const unit of [0, 10, 40, -Infinity]) assert.equal(Math.round(unitOf(axis, placeOf(axis, unit))), unit);
});

test("ticks are round numbers within the axis", () => {
  assert.deepEqual(ticksOf(0, 10, false), [0, 2, 4, 6, 8, 10]);
  assert.deepEqual(ticksOf(-4.2, -0.8, true), [-4, -3, -2, -1]);
  assert.deepEqual(ticksOf(0, 1, true).map((tick) => Math.round(10 ** tick)), [1, 2, 5, 10]);
  assert.deepEqual(ticksOf(3, 3, false), [3]);
});

test("only trials within all ranges pass", () => {
  const axes = [axisOfValues("a", [0, 5, 10, 5]), axisOfValues("b", ["x", "y", "x", "x"])];
  const [first, second] = axes;
  if (!first || !second) throw new Error("two axes");
  const brushes = new Brushes();
  assert.deepEqual([...brushes.mask(axes, 4)], [1, 1, 1, 1]);
  brushes.set(first, 0.6, 0.4); // from above to below is the same range
  assert.deepEqual([...brushes.mask(axes, 4)], [0, 1, 0, 1]);
  brushes.set(second, 0, 0.5);
  assert.deepEqual([...brushes.mask(axes, 4)], [0, 0, 0, 1]);
  brushes.clear("a");
  assert.deepEqual([...brushes.mask(axes, 4)], [1, 0, 1, 1]);
  brushes.set(second, -3, 7);
  assert.equal(brushes.size, 0);
});

test("a brush keeps its values when the axis grows", () => {
  const brushes = new Brushes();
  brushes.set(axisOfValues("a", [0, 10]), 0.5, 1);
  assert.deepEqual(brushes.on(axisOfValues("a", [0, 10, 20])), { low: 0.25, high: 0.5 });
});

test("the keyboard moves an end of a brush, by a word or a little, and never past the other", () => {
  const brushes = new Brushes();
  const words = axisOfValues("act", ["a", "b", "c", "d"]);
  brushes.nudge(words, "low", 1);
  assert.deepEqual([...brushes.mask([words], 4)], [0, 1, 1, 1]);
  brushes.nudge(words, "high", -1);
  assert.deepEqual([...brushes.mask([words], 4)], [0, 1, 1, 0]);
  brushes.nudge(words, "low", 1e6);
  assert.deepEqual([...brushes.mask([words], 4)], [0, 0, 1, 0]);
  const numbers = axisOfValues("x", [0, 1]);
  brushes.nudge(numbers, "high", -10);
  assert.deepEqual(brushes.on(numbers), { low: 0, high: 0.8 });
  brushes.nudge(numbers, "high", 1e6);
  assert.equal(brushes.on(numbers), null);
});

test("axes can be moved", () => {
  assert.deepEqual(reordered(["a", "b", "c"], "a", 1), ["b", "a", "c"]);
  assert.deepEqual(reordered(["a", "b", "c"], "c", -4), ["c", "a", "b"]);
});

const ROWS = Array.from({ length: 4 }, (_, n) => ({ n, values: [n / 3], params: { lr: n, act: n % 2 ? "relu" : "gelu" } }));
const JOB = { objectives: [objective("loss", false)], params: ["lr", "act"], best: [0] };

test("the picture has the parameters and then the results, coloured from the worst to the best", () => {
  const picture = pictureOf(storeOf(JOB, [...ROWS, { n: 9, state: "PRUNED" }]), []);
  assert.deepEqual(picture.axes.map((axis) => axis.name), ["lr", "act", "loss"]);
  assert.deepEqual([...picture.shades], [31, 21, 10, 0]);
  assert.equal(picture.key, "loss: 1 to 0");
  assert.deepEqual(moved(picture, "loss", 0), ["loss", "lr", "act"]);
  assert.deepEqual(pictureOf(storeOf(JOB, ROWS), ["act"]).axes.map((axis) => axis.name), ["act", "lr", "loss"]);
});

test("the mouse finds the line that passes under it", () => {
  const picture = pictureOf(storeOf({ ...JOB, params: ["lr"] }, ROWS), []);
  assert.equal(lineAt(picture, [0, 1, 2, 3], 0.5, 0.66, 0.02), 2);
  assert.equal(lineAt(picture, [0, 1, 2, 3], 0.5, 0.5, 0.02), -1);
});

test("of many trials two thousand lines are drawn, the best and the selected among them", () => {
  const store = storeOf({ ...JOB, best: [77] }, Array.from({ length: 9_000 }, (_, n) => ({ n, values: [n], params: { lr: n } })));
  const lines = linesOf(pictureOf(store, []), /** @type {any} */ (store.job), new Selection([13]));
  assert.equal(lines.length, LINES);
  assert.ok(lines.includes(77));
  assert.equal(lines.at(-1), 13);
});
