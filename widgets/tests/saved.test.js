import assert from "node:assert/strict";
import { test } from "node:test";

import { Saved, picturesOf, standIns } from "../src/saved.js";

const WIDGET = "application/vnd.jupyter.widget-view+json";
const PLOTLY = "application/vnd.plotly.v1+json";

/** @param {string} id @param {object} [data] */
const shows = (id, data) => ({ output_type: "display_data", data: data ?? { [WIDGET]: { model_id: id }, "text/plain": "a job" }, metadata: {} });

/** A document of one cell, as far as it is looked at here. @param {any[]} items @param {object} [more] */
function managerOf(items, more) {
  const outputs = { get: (/** @type {number} */ at) => items[at], set: (/** @type {number} */ at, /** @type {any} */ item) => (items[at] = item) };
  Object.defineProperty(outputs, "length", { get: () => items.length });
  const cells = { length: 2, get: (/** @type {number} */ at) => (at ? { outputs } : {}) };
  const model = { cells, dirty: false, toJSON: () => ({ cells: [{ source: "a" }, { outputs: items }] }), ...more };
  return /** @type {any} */ ({ context: { model } });
}

test("what is written has a picture where the page has a widget, and other widgets as they are", async () => {
  /** @type {any[]} */
  const items = [shows("mine"), shows("theirs")];
  const manager = managerOf(items);
  const saved = new Saved(manager, () => "mine");
  const outputs = () => manager.context.model.toJSON().cells[1].outputs;
  assert.deepEqual(outputs()[0].data, { "text/plain": "a job" }); // before there is a picture

  await saved.keep({ [PLOTLY]: { data: [] }, "text/plain": "so far" }, false);

  assert.deepEqual(outputs()[0].data, { [PLOTLY]: { data: [] }, "text/plain": "so far" });
  assert.deepEqual(outputs()[0].metadata, { astraml_lab: { widget: "mine" } });
  assert.equal(outputs()[1], items[1]);
  assert.ok(items[0].data[WIDGET]);
  assert.equal(manager.context.model.dirty, false);
});

test("a page that was loaded from such a file shows the view again, and still writes the picture", () => {
  const picture = { [PLOTLY]: { data: [1] }, "text/plain": "so far", "image/png": "AA" };
  /** @type {any[]} */
  const items = [{ ...shows("", picture), metadata: { astraml_lab: { widget: "mine" } } }, shows("", { "text/plain": "1" })];
  const manager = managerOf(items);
  const saved = new Saved(manager, () => "mine");
  assert.equal(items[0].data[WIDGET].model_id, "mine");
  assert.deepEqual(manager.context.model.toJSON().cells[1].outputs[0].data, picture);

  saved.settle(); // the kernel is gone
  assert.deepEqual(items[0].data, picture);
});

test("the last picture leaves the file out of date, unless it has that very picture with its PNG", async () => {
  const picture = { [PLOTLY]: { data: [1] }, "text/plain": "so far" };
  /** @type {any[]} */
  const items = [{ ...shows("", { ...picture, "image/png": "AA" }), metadata: { astraml_lab: { widget: "mine" } } }];
  const manager = managerOf(items);
  const saved = new Saved(manager, () => "mine");
  await saved.keep(picture, true);
  assert.equal(manager.context.model.dirty, false);
  assert.equal(manager.context.model.toJSON().cells[1].outputs[0].data["image/png"], "AA");
});

test("the picture of a file is the one that comes again, whatever the order of its keys", async () => {
  /** @param {number[]} y */
  const picture = (y) => ({ [PLOTLY]: { layout: { title: { text: "a", x: 0 }, width: 1 }, data: [{ y, x: [1, 2] }] } });
  const stored = { "image/png": "AA", [PLOTLY]: { data: [{ x: [1, 2], y: [2, 1] }], layout: { width: 1, title: { x: 0, text: "a" } } } };
  /** @type {any[]} */
  const items = [{ ...shows("", stored), metadata: { astraml_lab: { widget: "mine" } } }];
  const manager = managerOf(items);
  const saved = new Saved(manager, () => "mine");
  const written = () => manager.context.model.toJSON().cells[1].outputs[0].data;
  await saved.keep(picture([2, 1]), true);
  assert.equal(written()["image/png"], "AA");

  await saved.keep(picture([1, 2]), false); // the job went on
  assert.equal("image/png" in written(), false);
});

test("nothing is promised where others write the document or it cannot be reached", () => {
  assert.equal(new Saved(undefined, () => "mine").possible, false);
  assert.equal(new Saved(managerOf([], { collaborative: true }), () => "mine").possible, false);
  assert.equal(new Saved(managerOf([]), () => "mine").possible, true);
});

test("two widgets of one document share its table, and what is given is left as it is", () => {
  const manager = managerOf([]);
  assert.equal(picturesOf(manager), picturesOf(manager));
  const content = { cells: [{ outputs: [shows("mine")] }] };
  const before = structuredClone(content);
  standIns(content, new Map([["mine", {}]]));
  assert.deepEqual(content, before);
  assert.equal(standIns("text", new Map()), "text");
});
