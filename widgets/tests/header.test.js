import assert from "node:assert/strict";
import { test } from "node:test";

import { bestWords, failureWords, notesOf, ranFor, runningWords } from "../src/header.js";
import { Store } from "../src/store.js";

const JOB = { objectives: [{ metric: "acc", maximize: true }], best: [], running: [], failed: 0, infeasible: 0 };

/** @param {object} job */
const jobOf = (job) => /** @type {import("../src/store.js").Job} */ (/** @type {any} */ ({ ...JOB, ...job }));

test("an impossible point is no failure", () => {
  assert.deepEqual(failureWords(jobOf({})), []);
  assert.deepEqual(failureWords(jobOf({ failed: 2, infeasible: 1 })), ["2 failed", "1 infeasible"]);
});

test("what is best is said with its parameters, or what is looked for", () => {
  const store = new Store();
  store.rows.set(3, /** @type {any} */ ({ n: 3, params: { lr: 0.00123, off: null }, metrics: {}, values: [0.5] }));
  assert.deepEqual(bestWords(store, jobOf({})), ["looking for the highest acc"]);
  assert.deepEqual(bestWords(store, jobOf({ best: [3] })), ["best acc", "0.5", "trial 3", "lr 0.00123"]);
  const runs = "mean of 2 runs, ± 0.02; 0.5 alone";
  assert.deepEqual(bestWords(store, jobOf({ best: [3], mean: 0.48, runs })), ["best acc", "0.48", "trial 3", `${runs} · lr 0.00123`]);
});

test("what runs is said with its devices", () => {
  const store = new Store();
  store.vital = { eta: null, devices: [{ label: "cuda:0", used: 2e9, total: 8e9, load: 0.5 }] };
  assert.equal(runningWords(store, jobOf({ running: [1, 2] })), "2 running: 1, 2 on cuda:0 50 % 2 GB of 8 GB");
});

test("of a job that nobody runs, what ran is said to be cut off", () => {
  const store = new Store();
  store.job = jobOf({ state: "STALE" });
  assert.equal(runningWords(store, jobOf({ running: [1, 2] })), "2 cut off: 1, 2");
});

test("every note is said by itself, and how much lies on disk from 100 MB on", () => {
  assert.deepEqual(notesOf(jobOf({ note: "", disk: 99e6 })), []);
  const note = "went on after 12 finished trials; warm start: 5 trials";
  const said = ["went on after 12 finished trials", "warm start: 5 trials", "1.2 GB on disk"];
  assert.deepEqual(notesOf(jobOf({ note, disk: 1.2e9 })), said);
});

test("the clock stands still during a pause, and leaves it out afterwards", () => {
  const job = { started: 100, stopped: null, stands: null, held: 0 };
  assert.equal(ranFor(job, 160), 60);
  assert.equal(ranFor({ ...job, stands: 130 }, 160), 30);
  assert.equal(ranFor({ ...job, held: 25 }, 160), 35);
  assert.equal(ranFor({ ...job, held: 25, stopped: 150, stands: 140 }, 160), 25);
});
