import assert from "node:assert/strict";
import { test } from "node:test";

import { Asked, UNFOLLOWED, UNHEARD } from "../src/asked.js";
import { Store } from "../src/store.js";

/** A clock that a test moves, and what is asked by it. */
function timed() {
  const clock = { now: 0 };
  return { clock, asked: new Asked(() => clock.now) };
}

/** @param {string} state @param {object[]} rows */
function storeOf(state, rows = []) {
  const store = new Store();
  store.apply(/** @type {any} */ ({ now: 1, job: { id: "a", state, ended: state === "CANCELLED" }, rows }), new Float32Array());
  return store;
}

test("a button waits until the job has followed, and cannot be pressed twice meanwhile", () => {
  const { asked } = timed();
  const id = String(asked.press("view", "pause", null));
  assert.equal(asked.press("view", "pause", null), undefined);
  assert.equal(asked.answered(id, false)?.name, "pause");
  asked.settle(storeOf("RUNNING"));
  assert.equal(asked.waits("pause"), true);
  asked.settle(storeOf("PAUSED"));
  assert.equal(asked.waits("pause"), false);
});

test("a refused button can be pressed again at once", () => {
  const { asked } = timed();
  const id = String(asked.press("view", "resume", null));
  assert.equal(asked.answered(id, true)?.name, "resume");
  assert.equal(asked.waits("resume"), false);
  assert.equal(asked.answered("another page's", false), undefined);
});

test("a job that is stopped, ended or taken over has followed", () => {
  for (const [name, before, after] of /** @type {const} */ ([
    ["stop", "RUNNING", "CANCELLED"],
    ["stop", "RUNNING", "STOPPING"],
    ["resume", "STALE", "RUNNING"],
    ["resume", "PAUSED", "RUNNING"],
  ])) {
    const { asked } = timed();
    asked.answered(String(asked.press("view", name, null)), false);
    asked.settle(storeOf(before));
    assert.equal(asked.waits(name), true);
    asked.settle(storeOf(after));
    assert.equal(asked.waits(name), false);
  }
});

test("one trial's button is not another's, and it waits for the trial's own end", () => {
  const { asked } = timed();
  asked.answered(String(asked.press("view", "stop_trial", 7)), false);
  assert.equal(asked.waits("stop_trial", 7), true);
  assert.equal(asked.waits("stop_trial", 8), false);
  asked.settle(storeOf("RUNNING", [{ n: 7, state: "RUNNING" }]));
  assert.equal(asked.waits("stop_trial", 7), true);
  asked.settle(storeOf("RUNNING", [{ n: 7, state: "STOPPED" }]));
  assert.equal(asked.waits("stop_trial", 7), false);
});

test("what nobody heard is explained, what somebody is at is not, what is not followed is explained later", () => {
  const { clock, asked } = timed();
  const id = String(asked.press("view", "pause", null));
  clock.now = UNHEARD;
  assert.equal(asked.late(), undefined);
  clock.now += 1;
  assert.equal(asked.late()?.step, "sent");
  asked.taken(id);
  assert.equal(asked.late(), undefined);
  asked.answered(id, false);
  clock.now += UNFOLLOWED + 1;
  assert.equal(asked.late()?.step, "asked");
});

test("a trial that reports rarely is given all the time, and another try is over with its answer", () => {
  const { clock, asked } = timed();
  asked.answered(String(asked.press("view", "stop_trial", 7)), false);
  clock.now = 10 * UNFOLLOWED;
  assert.equal(asked.late(), undefined);
  asked.answered(String(asked.press("view", "rerun", 7)), false);
  assert.equal(asked.waits("rerun", 7), false);
});
