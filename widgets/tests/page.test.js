import assert from "node:assert/strict";
import { test } from "node:test";

import { Page } from "../src/page.js";

/** A page with one view, which notes what it is told. */
function watched() {
  /** @type {string[]} */
  const said = [];
  const page = new Page(() => {}, { possible: true, keep: async () => {}, settle: () => said.push("settled") });
  page.views.add({
    root: /** @type {any} */ ({}),
    say: (kind) => said.push(kind),
    taken: (id) => said.push(`${id} is taken`),
    answered: ({ id, error, said: words, cell }) => said.push(`${id}: ${error || words || cell}`),
    changed: () => said.push("changed"),
  });
  return { page, said };
}

/** @param {Page} page @param {number} seq @param {object} head */
function receive(page, seq, head) {
  const bytes = new TextEncoder().encode(JSON.stringify({ now: 1, ...head }));
  page.receive({ t: "frame", seq, can: ["stop"] }, [new DataView(bytes.buffer)]);
}

test("frames are taken in their order", () => {
  const { page, said } = watched();
  receive(page, 4, { fresh: true, rows: [{ n: 0 }] });
  receive(page, 5, { rows: [{ n: 1 }] });
  assert.deepEqual([...page.store.rows.keys()], [0, 1]);
  assert.deepEqual(said, ["changed", "changed"]);
  assert.deepEqual(page.can, ["stop"]);
});

test("after a gap everything is asked for once, and nothing is taken before it comes", () => {
  const { page, said } = watched();
  receive(page, 1, { fresh: true });
  for (const seq of [3, 4, 5]) receive(page, seq, { rows: [{ n: seq }] });
  assert.equal(page.store.rows.size, 0);
  assert.deepEqual(said, ["changed", "hello"]);
  receive(page, 6, { fresh: true, rows: [{ n: 6 }] });
  receive(page, 7, { rows: [{ n: 7 }] });
  assert.deepEqual([...page.store.rows.keys()], [6, 7]);
});

test("a page that comes late waits for a frame that holds everything", () => {
  const { page, said } = watched();
  receive(page, 12, { rows: [{ n: 0 }] });
  receive(page, 1, { rows: [{ n: 1 }] });
  assert.equal(page.store.rows.size, 0);
  assert.deepEqual(said, ["hello"]);
});

test("answers reach the views, and a kernel that is gone harms nobody", () => {
  const { page, said } = watched();
  page.receive({ t: "taken", id: 7 }, []);
  page.receive({ t: "done", id: 7, error: "It has ended." }, []);
  page.receive({ t: "done", id: 8, error: "", said: "Trial 9 is next." }, []);
  assert.deepEqual(said, ["7 is taken", "7: It has ended.", "8: Trial 9 is next."]);
  page.deliver = () => {
    throw new Error("closed");
  };
  page.send({ t: "alive" });
});

test("a page whose kernel is gone sends nothing and tells its views", () => {
  const { page, said } = watched();
  page.deliver = () => assert.fail("sent");
  page.lose();
  page.send({ t: "alive" });
  assert.deepEqual(said, ["changed"]);
});

test("a kernel that goes leaves the picture of a job that has ended, and the view of one that ran", () => {
  const { page, said } = watched();
  receive(page, 1, { fresh: true, job: { state: "RUNNING", ended: false } });
  page.lose();
  assert.ok(!said.includes("settled"));
  page.store.job = /** @type {any} */ ({ ended: true });
  page.lose();
  assert.ok(said.includes("settled"));
});

test("of a deleted job the views learn it, and what they show stays", () => {
  const { page, said } = watched();
  receive(page, 1, { fresh: true, rows: [{ n: 0 }] });
  page.receive({ t: "deleted" }, []);
  assert.equal(page.deleted, true);
  assert.equal(page.store.rows.size, 1);
  assert.deepEqual(said, ["changed", "changed"]);
});
