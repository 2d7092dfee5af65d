import assert from "node:assert/strict";
import { test } from "node:test";

import { differ, linesOf } from "../src/beside.js";
import { menuOf } from "../src/header.js";

const job = { objectives: [{ metric: "acc", maximize: true }], params: ["same", "lr"], best: [1], state: "RUNNING" };
const rows = /** @type {any[]} */ ([
  { n: 1, state: "COMPLETE", params: { same: 2, lr: 0.5 }, metrics: { acc: 0.9, loss: 1 }, values: [0.9], start: 0, end: 2 },
  { n: 4, state: "PRUNED", params: { same: 2 }, metrics: { acc: 0.1 }, start: 0, end: 1, reason: "pruned at step 4" },
]);

test("results come first, then the parameters that differ, and what nobody has is left out", () => {
  const lines = linesOf(rows, /** @type {any} */ ({ job, stale: false, now: () => 9 }));
  assert.deepEqual(
    lines.map((line) => line.title),
    ["acc", "lr", "same", "loss", "time", "what happened"],
  );
  assert.deepEqual(lines[1]?.cells, ["0.5", "not active"]);
  assert.deepEqual(lines.filter((line) => line.kind === "param").map(differ), [true, false]);
});

test("the menu offers what the kernel can do and says why something cannot be done now", () => {
  const store = /** @type {any} */ ({ space: { lr: { kind: "number" } } });
  /** @param {object} change @param {number} [selected] */
  const entries = (change, selected = 0) => menuOf(store, /** @type {any} */ ({ ...job, ...change }), ["extend", "narrow", "csv"], selected);
  assert.deepEqual(
    entries({}).map(({ key, disabled }) => [key, disabled]),
    [["more", false], ["narrow", true], ["csv", false]],
  );
  assert.equal(entries({}, 3)[1]?.text, "Narrow to the 3 selected, as a cell");
  assert.equal(entries({ state: "STALE" })[0]?.title, "Resume the job first");
});
