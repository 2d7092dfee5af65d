import assert from "node:assert/strict";
import { test } from "node:test";

import { arranged, columnsOf } from "../src/columns.js";

const job = /** @type {any} */ ({ objectives: [{ metric: "acc", maximize: true }], params: ["act"], metrics: ["acc", "loss"] });
const columns = columnsOf(job, () => 100);
const rows = /** @type {any[]} */ ([
  { n: 0, state: "COMPLETE", params: { act: "relu" }, metrics: {}, values: [0.5], start: 0, end: 1 },
  { n: 1, state: "PRUNED", params: { act: "gelu" }, metrics: {}, reason: "pruned at step 4", start: 0, end: 1 },
  { n: 2, state: "COMPLETE", params: { act: "gelu" }, metrics: {}, values: [0.9], start: 0, end: 1 },
]);
/** @param {{key: string, down: boolean}} sort */
const order = (sort) => arranged(rows, columns, null, sort).map((row) => row.n);

test("the numbers of ten thousand trials have room", () => {
  const widths = [20, 10_000].map((trials) => columnsOf({ ...job, trials }, () => 100)[0]?.width ?? 0);
  assert.ok(widths[0] === 42 && (widths[1] ?? 0) >= 60, String(widths));
});

test("rows without the value come last, whichever way it is sorted", () => {
  assert.deepEqual(order({ key: "objective 0", down: true }), [2, 0, 1]);
  assert.deepEqual(order({ key: "objective 0", down: false }), [0, 2, 1]);
});

test("a trial that is tried again says so, and what nobody runs was cut off", () => {
  const note = "attempt 1 failed (its process crashed): tried again after 1 s";
  const waits = /** @type {any} */ ({ n: 3, state: "WAITING", params: {}, metrics: {}, attempt: 2, notes: [note] });
  const runs = { ...waits, state: "RUNNING" };
  /** @param {object} row @param {import("../src/columns.js").Column[]} specs */
  const texts = (row, specs) => specs.filter((column) => !column.off).map((column) => column.text(/** @type {any} */ (row)));
  assert.equal(texts(waits, columns)[1], "waiting, 2nd attempt");
  assert.equal(texts(waits, columns).at(-2), `waits for its 2nd attempt: ${note}`);
  assert.equal(texts(runs, columns).at(-2), `2nd attempt: ${note}`);
  const stale = columnsOf(job, () => 100, { stale: true, wordy: true });
  assert.equal(texts(runs, stale)[1], "cut off, 2nd attempt");
  assert.equal(texts(runs, stale).at(-2), "its kernel is gone: runs again after Resume");
});

test("the columns of other metrics, of the device and of attempts are there for who asks", () => {
  assert.deepEqual(
    columns.filter((column) => column.off).map((column) => column.title),
    ["loss", "device", "attempt"],
  );
});
