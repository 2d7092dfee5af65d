import assert from "node:assert/strict";
import { test } from "node:test";

import { insertBelow } from "../src/notebook.js";
import { OPEN, Selection, between } from "../src/selection.js";

test("a click selects one trial, a second click on it lets go", () => {
  const selection = new Selection();
  selection.pick(3);
  selection.pick(7);
  assert.deepEqual(selection.numbers, [7]);
  selection.pick(7);
  assert.deepEqual(selection.numbers, []);
  assert.equal(selection.last, null);
});

test("with Ctrl others stay selected, and a click alone leaves only its own", () => {
  const selection = new Selection([1]);
  selection.pick(5, true);
  selection.pick(2, true);
  assert.deepEqual(selection.numbers, [1, 5, 2]);
  selection.pick(5, true);
  assert.deepEqual(selection.numbers, [1, 2]);
  selection.pick(1);
  assert.deepEqual(selection.numbers, [1]);
});

test("of many selected trials the first few are opened", () => {
  const selection = new Selection(Array.from({ length: 100 }, (_, index) => index));
  assert.equal(selection.opened.length, OPEN);
  assert.equal(selection.last, 99);
});

test("a range goes from where it began to the last, in the order of the table", () => {
  const order = [9, 4, 7, 1];
  assert.deepEqual(between(order, 4, 1), [4, 7, 1]);
  assert.deepEqual(between(order, 7, 9), [7, 4, 9]);
  assert.deepEqual(between(order, 7, 7), [7]);
  assert.deepEqual(between(order, null, 7), [7]);
  assert.deepEqual(between(order, 5, 7), [7]); // filtered away
});

/** A notebook of three cells; the middle one shows the widget "m". */
function manager() {
  /** @type {any[]} */
  const inserted = [];
  /** @param {string} id */
  const shows = (id) => ({ length: 1, get: () => ({ data: { "application/vnd.jupyter.widget-view+json": { model_id: id } } }) });
  const cells = [{}, { outputs: shows("m") }, { outputs: shows("other") }];
  const sharedModel = { insertCell: (/** @type {number} */ index, /** @type {any} */ cell) => inserted.push([index, cell.source]) };
  return { inserted, context: { model: { cells: { length: 3, get: (/** @type {number} */ at) => cells[at] }, sharedModel } } };
}

test("a new cell comes below the one that shows the widget", () => {
  const notebook = manager();
  assert.ok(insertBelow(notebook, "m", "1 + 1"));
  assert.deepEqual(notebook.inserted, [[2, "1 + 1"]]);
});

test("of several cells that show it, the one is meant where the button was pressed", () => {
  const shows = { data: { "application/vnd.jupyter.widget-view+json": { model_id: "m" } } };
  const notebook = manager();
  notebook.context.model.cells.get = () => ({ outputs: { length: 1, get: () => shows } });
  for (const which of [0, 1, 9]) insertBelow(notebook, "m", "1", which);
  assert.deepEqual(notebook.inserted.map(([index]) => index), [1, 2, 3]);
});

test("where no notebook can be reached, nothing is inserted", () => {
  assert.ok(!insertBelow(undefined, "m", "1 + 1"));
  assert.ok(!insertBelow({ context: { model: {} } }, "m", "1 + 1"));
});
