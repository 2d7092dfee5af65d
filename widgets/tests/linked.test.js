import assert from "node:assert/strict";
import { test } from "node:test";

import { Linked } from "../src/linked.js";
import { Selection } from "../src/selection.js";

function linked() {
  const selection = new Selection();
  return { selection, link: new Linked(selection, "mine") };
}

test("a choice is told once", () => {
  const { selection, link } = linked();
  assert.equal(link.news(), null);
  selection.replace([3, 1]);
  assert.deepEqual(link.news(), { t: "select", c: "mine", numbers: [3, 1], count: 1 });
  assert.equal(link.news(), null);
});

test("what Python or another page chooses is taken over and not told back", () => {
  const { selection, link } = linked();
  link.hear({ numbers: [7], seen: {} });
  assert.deepEqual(selection.numbers, [7]);
  assert.equal(link.news(), null);
  const again = { numbers: [7], seen: { other: 1 } };
  const { revision } = selection;
  link.hear(again);
  assert.equal(selection.revision, revision); // nothing is drawn anew
});

test("what does not know of this page's last choice is old", () => {
  const { selection, link } = linked();
  selection.replace([1]);
  link.news();
  selection.replace([2]);
  link.hear({ numbers: [7], seen: {} }); // not even told yet
  assert.deepEqual(selection.numbers, [2]);
  link.news();
  link.hear({ numbers: [1], seen: { mine: 1 } });
  assert.deepEqual(selection.numbers, [2]);
  link.hear({ numbers: [9], seen: { mine: 2, other: 4 } }); // another page chose after it
  assert.deepEqual(selection.numbers, [9]);
});
