import assert from "node:assert/strict";
import { test } from "node:test";

import { marksOf, taken } from "../src/charts/marks.js";
import { points } from "../src/charts/points.js";
import { sceneOf } from "./scene.js";

/** @param {number} count @param {number[]} [selected] */
function traceOf(count, selected = []) {
  const rows = Array.from({ length: count }, (_, n) => ({ n, values: [n] }));
  const scene = sceneOf({}, rows, selected);
  const all = [...scene.store.rows.values()];
  return { scene, trace: points(all, (row) => row.n, (row) => Number(row.values?.[0]), scene, { colour: all.map((row) => row.n), more: { cmin: 0, cmax: count - 1 } }) };
}

test("few marks are plotly's, and of many it makes one element that is not seen", () => {
  const few = traceOf(40);
  assert.deepEqual(taken([few.trace], few.scene.look), { data: [few.trace], marks: [] });
  const { scene, trace } = traceOf(400);
  const line = { type: "scatter", mode: "lines", x: [0, 1], y: [0, 1] };
  const { data, marks } = taken([trace, line], scene.look);
  assert.deepEqual([data[0].marker.maxdisplayed, data[0].marker.opacity, data[1], marks.length], [1, 0, line, 1]);
  assert.deepEqual([data[0].x, data[0].customdata, data[0].text], [trace.x, trace.customdata, trace.text]); // it still answers to the mouse
  assert.equal(trace.marker.maxdisplayed, undefined); // the picture that is downloaded is made of all of them
});

test("a mark keeps its colour of the scale, and what is selected its ring while the others step back", () => {
  const { scene, trace } = traceOf(400, [3, 7]);
  const marks = marksOf(trace, 0, scene.look);
  assert.notEqual(marks.colour(0), marks.colour(399));
  assert.match(marks.colour(0), /^rgb\(/);
  assert.deepEqual([marks.ring(3), marks.ring(4)], [2.5, 0]);
  assert.ok(marks.opacity(3) === 1 && marks.opacity(4) < 0.5);
});
