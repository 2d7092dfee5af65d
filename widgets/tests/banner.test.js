import assert from "node:assert/strict";
import { test } from "node:test";

import { bannerOf } from "../src/banner.js";

const NOTHING = { text: "", error: false };
const REFUSED = { text: "first run the cells that define `images`", error: true };

/** @param {object} job */
const jobOf = (job) => /** @type {any} */ ({ name: "digits", project: "default", state: "RUNNING", reason: "", elsewhere: "", running: [], ...job });

/** @param {object} job @param {import("../src/banner.js").Link} link */
const linesOf = (job, link = "live", message = NOTHING) => bannerOf(jobOf(job), link, message)?.lines.join("\n") ?? "";

test("a job that runs needs no banner", () => {
  assert.equal(bannerOf(jobOf({ reason: "waiting for cuda:0" }), "live", NOTHING), null);
  assert.equal(bannerOf(jobOf({ state: "SUCCEEDED", ended: true }), "silent", NOTHING), null);
  assert.equal(bannerOf(null, "live", NOTHING), null);
});

test("of a job without a kernel it says what is kept, and below it why it could not be taken over", () => {
  const reason = "its kernel is gone; what had finished is kept: %tune resume digits goes on";
  const said = "Its kernel is gone; what had finished is kept. Resume takes the job over, in this notebook's kernel.";
  assert.deepEqual(bannerOf(jobOf({ state: "STALE", reason }), "live", NOTHING), { kind: "stale", lines: [said] });
  assert.deepEqual(bannerOf(jobOf({ state: "STALE", reason }), "live", REFUSED), {
    kind: "error",
    lines: [said, "First run the cells that define `images`."],
  });
});

test("a pause is told with its cause, and one by hand as such", () => {
  assert.match(linesOf({ state: "PAUSED", hand: true, reason: "paused: running trials end, no new one starts" }), /^Paused by hand/);
  assert.equal(linesOf({ state: "PAUSED", reason: "the disk of /home is full" }), "Paused: the disk of /home is full.");
});

test("a page that lost its kernel says so and what to type", () => {
  assert.match(linesOf({}, "gone"), /kernel was restarted.*\n.*`%tune resume digits`/);
  assert.match(linesOf({ project: "my lab" }, "gone"), /`%tune show digits --project 'my lab'`/);
  assert.match(linesOf({ elsewhere: "host:7" }, "gone"), /goes on in kernel host:7/);
  assert.match(linesOf({ ended: true }, "gone"), /^The kernel was restarted. `%tune show digits` shows the job again.$/);
  assert.match(linesOf({}, "silent"), /^No word from the kernel.* run `%tune show digits`.$/);
  assert.match(String(bannerOf(null, "silent", { text: "", error: false })?.lines), /load the page again.$/);
  assert.match(linesOf({ ended: true }, "deleted"), /^The job was deleted: this view shows how it stood.$/);
});

test("a name keeps its spelling at the beginning of a sentence", () => {
  const message = { text: "digits is STALE already", error: true };
  assert.deepEqual(bannerOf(jobOf({}), "live", message), { kind: "error", lines: ["digits is STALE already."] });
});
