import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

/** @param {string} name */
const read = (name) => JSON.parse(readFileSync(new URL(`../${name}`, import.meta.url), "utf8"));

test("every package is pinned to one exact version", () => {
  const { dependencies, devDependencies } = read("package.json");
  for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies })) {
    assert.match(String(version), /^\d+\.\d+\.\d+$/, name);
  }
});

test("the lock file holds a checksum for each package and no download address", () => {
  const { "": _root, ...locked } = read("package-lock.json").packages;
  for (const [name, entry] of Object.entries(locked)) {
    assert.ok(entry.integrity, name);
    assert.equal(entry.resolved, undefined, name);
  }
});
