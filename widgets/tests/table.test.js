import assert from "node:assert/strict";
import { test } from "node:test";

import { arranged, columnsOf } from "../src/table.js";

const job = /** @type {any} */ ({ objectives: [{ metric: "acc", maximize: true }], params: ["act"] });
const columns = columnsOf(job, () => 100);
const rows = /** @type {any[]} */ ([
  { n: 0, state: "COMPLETE", params: { act: "relu" }, metrics: {}, values: [0.5], start: 0, end: 1 },
  { n: 1, state: "PRUNED", params: { act: "gelu" }, metrics: {}, reason: "pruned at step 4", start: 0, end: 1 },
  { n: 2, state: "COMPLETE", params: { act: "gelu" }, metrics: {}, values: [0.9], start: 0, end: 1 },
]);
/** @param {string} filter @param {{key: string, down: boolean}} sort */
const order = (filter, sort) => arranged(rows, columns, filter, sort).map((row) => row.n);

test("rows without the value come last, whichever way it is sorted", () => {
  assert.deepEqual(order("", { key: "objective 0", down: true }), [2, 0, 1]);
  assert.deepEqual(order("", { key: "objective 0", down: false }), [0, 2, 1]);
});

test("every word of the filter has to be in the row", () => {
  assert.deepEqual(order("GELU", { key: "n", down: false }), [1, 2]);
  assert.deepEqual(order("gelu complete", { key: "n", down: false }), [2]);
  assert.deepEqual(order("act=relu", { key: "n", down: false }), [0]);
  assert.deepEqual(order("step 4", { key: "n", down: false }), [1]);
});
