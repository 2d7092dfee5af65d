import assert from "node:assert/strict";
import { test } from "node:test";

import { arranged, columnsOf } from "../src/columns.js";
import { parsed } from "../src/filter.js";

const job = /** @type {any} */ ({
  objectives: [{ metric: "val/acc", maximize: true }],
  params: ["lr", "act", "depth of it"],
  metrics: ["val/acc", "loss"],
});
const columns = columnsOf(job, () => 100);
const rows = /** @type {any[]} */ ([
  { n: 0, state: "COMPLETE", params: { lr: 0.001, act: "relu", "depth of it": 3 }, metrics: { loss: 0.4 }, values: [0.5], start: 0, end: 1 },
  { n: 1, state: "PRUNED", params: { lr: 0.0123456, act: "gelu" }, metrics: {}, reason: "pruned at step 4", start: 0, end: 70 },
  { n: 2, state: "FAILED", kind: "oom", params: { lr: 0.5, act: "gelu" }, metrics: { loss: 2 }, values: [0.9], start: 0, end: 1, device: "cuda:0" },
]);

/** @param {string} filter */
function fitting(filter) {
  const { test, error } = parsed(filter, columns);
  assert.equal(error, "");
  return arranged(rows, columns, test, { key: "n", down: false }).map((row) => row.n);
}

test("every word of the filter has to be somewhere in the row", () => {
  assert.deepEqual(fitting(""), [0, 1, 2]);
  assert.deepEqual(fitting("GELU"), [1, 2]);
  assert.deepEqual(fitting("gelu pruned"), [1]);
  assert.deepEqual(fitting("step 4"), [1]);
  assert.deepEqual(fitting('"at step 4"'), [1]);
  assert.deepEqual(fitting('"step at"'), []);
});

test("numbers are compared, and what has none fits no comparison", () => {
  assert.deepEqual(fitting("lr<0.01"), [0]);
  assert.deepEqual(fitting("lr <= 0.0123456"), [0, 1]);
  assert.deepEqual(fitting("lr>1e-2 lr<1e-1"), [1]);
  assert.deepEqual(fitting("val/acc>=0.9"), [2]);
  assert.deepEqual(fitting("loss<1"), [0]);
  assert.deepEqual(fitting('"depth of it">2'), [0]);
  assert.deepEqual(fitting("#>=1 gelu"), [1, 2]);
  assert.deepEqual(fitting("trial=2"), [2]);
  assert.deepEqual(fitting("time>1m"), [1]);
});

test("a value is equal as it is or as it is shown, a state by its beginning", () => {
  assert.deepEqual(fitting("lr=0.01235"), [1]);
  assert.deepEqual(fitting("act=ReLU"), [0]);
  assert.deepEqual(fitting("act!=relu"), [1, 2]);
  assert.deepEqual(fitting("act=rel"), []);
  assert.deepEqual(fitting("state=pruned"), [1]);
  assert.deepEqual(fitting("state=failed"), [2]);
  assert.deepEqual(fitting("device=cuda:0"), [2]);
});

test("what cannot be read is said in one short line", () => {
  assert.match(parsed("lrr<0.1", columns).error, /no column “lrr”/);
  assert.match(parsed("lr<", columns).error, /“lr <” needs a value/);
  assert.match(parsed("lr<small", columns).error, /“small” is no number/);
  assert.equal(parsed('"open', columns).error, "");
});

test("10,000 rows are filtered and sorted by every column", () => {
  const many = Array.from({ length: 10_000 }, (_, n) => ({ ...rows[n % 3], n, params: { lr: Math.sin(n), act: `a${n % 7}` } }));
  const sorts = ["n", "param lr", "param act", "state"].map((key) => ({ key, down: true }));
  arranged(many, columns, parsed("a3", columns).test, { key: "n", down: true }); // what a word is looked for in is kept
  for (const sort of sorts) {
    const found = arranged(many, columns, parsed("a3 lr>0", columns).test, sort);
    assert.ok(found.length > 500);
  }
});
