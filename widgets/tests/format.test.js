import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import {
  forPlotly,
  formatBytes,
  formatDuration,
  formatEstimate,
  formatNumber,
  ordinal,
  quoted,
  shortState,
  shorten,
  stateWords,
  tuneLine,
} from "../src/format.js";

test("numbers are spelled as in Python", () => {
  /** @type {[unknown, string][]} */
  const cases = JSON.parse(readFileSync(new URL("numbers.json", import.meta.url), "utf8"));
  for (const [value, text] of [...cases, [NaN, "NaN"], [Infinity, "∞"], [-Infinity, "-∞"], [null, ""]]) {
    assert.equal(formatNumber(value), text);
  }
});

test("durations have at most two units", () => {
  assert.equal(formatDuration(0), "0 s");
  assert.equal(formatDuration(0.01), "< 0.1 s");
  assert.equal(formatDuration(0.4), "0.4 s");
  assert.equal(formatDuration(59.6), "1 m");
  assert.equal(formatDuration(250), "4 m 10 s");
  assert.equal(formatDuration(3600), "1 h");
  assert.equal(formatDuration(90061), "1 d 1 h");
});

test("estimates are coarse", () => {
  assert.equal(formatEstimate(0.3), "1 s");
  assert.equal(formatEstimate(43), "45 s");
  assert.equal(formatEstimate(250), "4 m");
});

test("bytes have units", () => {
  assert.equal(formatBytes(512), "512 B");
  assert.equal(formatBytes(16_300_000_000), "16.3 GB");
});

test("long texts are cut between letters, not inside an emoji", () => {
  assert.equal(shorten("abc", 3), "abc");
  assert.equal(shorten("abcd", 3), "ab…");
  assert.equal(shorten("🙂🙂🙂", 2), "🙂…");
});

test("plotly reads no markup, no template and no formula in a name", () => {
  const safe = forPlotly('<a href="javascript:x">&</a> %{y} $x$');
  assert.ok(!/[<>]/.test(safe));
  assert.ok(!safe.includes("%{"));
  assert.ok(!/([^$]*)([$]+[^$]*[$]+)([^$]*)/.test(safe)); // plotly's own search for formulas
  assert.ok(safe.includes("&amp;") && safe.includes("&#36;x&#36;"));
});

test("names are quoted as Python's shlex does", () => {
  assert.equal(quoted("digits-2"), "digits-2");
  assert.equal(quoted("my digits"), "'my digits'");
  assert.equal(quoted("it's; $HOME"), `'it'"'"'s; $HOME'`);
  assert.equal(quoted("größe"), "'größe'");
});

test("what a person types names the project where it is not the usual one", () => {
  assert.equal(tuneLine("show", { name: "digits", project: "default" }), "%tune show digits");
  assert.equal(tuneLine("debug", { name: "my job", project: "p 1" }, "7"), "%tune debug 'my job' 7 --project 'p 1'");
});

test("failures are named as people say them", () => {
  const row = /** @type {any} */ ({ state: "FAILED", kind: "oom" });
  assert.equal(stateWords(row), "failed (out of memory)");
  assert.equal(shortState(row), "out of memory");
  assert.equal(shortState({ ...row, kind: "stale" }), "kernel died");
  assert.equal(shortState({ ...row, kind: undefined, state: "RUNNING" }, true), "cut off");
  assert.deepEqual([1, 2, 3, 4, 11, 12, 21, 112].map(ordinal), ["1st", "2nd", "3rd", "4th", "11th", "12th", "21st", "112th"]);
});
