import assert from "node:assert/strict";
import { test } from "node:test";

import { Store, chartKey, decode } from "../src/store.js";

/** @param {object} head */
const frame = (head) => /** @type {import("../src/store.js").Head} */ ({ now: 100, ...head });
/** @param {Store} store @param {number} number */
const line = (store, number) =>
  store.charts.get(chartKey("loss", "step"))?.lines.get(number)?.columns.map((column) => Array.from(column));

test("a line grows by what the kernel sends", () => {
  const store = new Store();
  const first = frame({ charts: [{ m: "loss", a: "step", show: [3], lines: [{ n: 3, k: 0, p: 2, c: 2 }] }] });
  store.apply(first, Float32Array.of(1, 2, 10, 20));
  store.apply(frame({ charts: [{ m: "loss", a: "step", lines: [{ n: 3, k: 2, p: 1, c: 2 }] }] }), Float32Array.of(3, 30));
  assert.deepEqual(line(store, 3), [[1, 2, 3], [10, 20, 30]]);

  store.apply(frame({ charts: [{ m: "loss", a: "step", lines: [{ n: 3, k: 1, p: 1, c: 2 }] }] }), Float32Array.of(9, 90));
  assert.deepEqual(line(store, 3), [[1, 9], [10, 90]]);
});

test("a trial that is not shown any more loses its line, and the band is read after the lines", () => {
  const store = new Store();
  const patch = { m: "loss", a: "step", show: [1, 2], lines: [{ n: 1, k: 0, p: 1, c: 2 }, { n: 2, k: 0, p: 1, c: 2 }] };
  store.apply(frame({ charts: [{ ...patch, band: { p: 2, trials: 7 } }] }), Float32Array.of(1, 10, 1, 20, 0, 1, 5, 6, 7, 8));
  assert.deepEqual(line(store, 2), [[1], [20]]);
  const band = store.charts.get(chartKey("loss", "step"))?.band;
  assert.deepEqual(band?.columns.map((column) => Array.from(column)), [[0, 1], [5, 6], [7, 8]]);
  store.apply(frame({ charts: [{ m: "loss", a: "step", show: [2] }] }), new Float32Array(0));
  assert.equal(line(store, 1), undefined);
});

test("a fresh frame starts over", () => {
  const store = new Store();
  store.apply(frame({ charts: [{ m: "loss", a: "step", show: [1], lines: [{ n: 1, k: 0, p: 1, c: 2 }] }] }), Float32Array.of(1, 2));
  store.apply(frame({ fresh: true, rows: [{ n: 5 }] }), new Float32Array(0));
  assert.equal(store.charts.size, 0);
  assert.ok(store.rows.has(5));
});

test("the page's clock follows the kernel's", () => {
  const store = new Store();
  store.apply(frame({ now: Date.now() / 1000 + 500 }), new Float32Array(0));
  assert.ok(Math.abs(store.now() - Date.now() / 1000 - 500) < 1);
});

test("buffers may lie anywhere in a message", () => {
  const bytes = new Uint8Array(64);
  const text = new TextEncoder().encode('{"now":1}');
  bytes.set(text, 1);
  bytes.set(new Uint8Array(Float32Array.of(1.5, 2.5).buffer), 13);
  const { head, values } = decode([new DataView(bytes.buffer, 1, text.length), new DataView(bytes.buffer, 13, 8)]);
  assert.equal(head.now, 1);
  assert.deepEqual(Array.from(values), [1.5, 2.5]);
});
