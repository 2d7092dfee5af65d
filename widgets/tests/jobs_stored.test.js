import assert from "node:assert/strict";
import { test } from "node:test";

import { storedList } from "../src/jobs_stored.js";

/** @param {object} [more] @returns {any} */
const job = (more) => ({
  key: "a", name: "digits", project: "default", state: "RUNNING", reason: "", finished: 6, trials: 12, shares: [6, 0, 0, 0], best: 0.5, number: 3,
  front: 0, metric: "accuracy", created: 0, started: 0, ended: null, stands: null, held: 0, where: "cpu", can: [], ...more,
});

test("a stored list says what the table said, and when", () => {
  const stored = storedList({ rows: [job(), job({ state: "STALE", front: 4 })], more: 3, now: 90 });
  const [head, first, second, below] = String(stored["text/plain"]).split("\n");
  assert.match(head ?? "", /^Job {2}State {2}Trials/);
  assert.match(first ?? "", /^digits {2}running {2}6\/12 {2}accuracy 0.5 \(trial 3\) {2}1 min 30 s|^digits {2}running {2}6\/12 {2}accuracy 0.5 \(trial 3\) {2}1 m 30 s/);
  assert.match(second ?? "", /stale {2}6\/12 {2}4 on the front {4}/);
  assert.match(below ?? "", /^and 3 older jobs; as of .*: %tune shows the list of now$/);
});

test("names are text in it: no markup, no formula", () => {
  const html = String(storedList({ rows: [job({ name: "<b>$x$", metric: "<i>" })], more: 0, now: 0 })["text/html"]);
  assert.ok(html.includes("&lt;b&gt;<span>$</span>x<span>$</span>"));
  assert.ok(!html.includes("<b>") && !html.includes("<i>"));
});
