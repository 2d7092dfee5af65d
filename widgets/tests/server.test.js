import assert from "node:assert/strict";
import { test } from "node:test";

import { underRoot } from "../src/server.js";

test("a file is opened from where the server has it, and from nowhere else", () => {
  assert.equal(underRoot("/home/ann/book/a b/n.ipynb", "~/book", "/home/ann"), "a b/n.ipynb");
  assert.equal(underRoot("/data/n.ipynb", "/data/", "/home/ann"), "n.ipynb");
  assert.equal(underRoot("/n.ipynb", "/", "/home/ann"), "n.ipynb");
  assert.equal(underRoot("/home/ann/bookshop/n.ipynb", "~/book", "/home/ann"), "");
  assert.equal(underRoot("/home/ann/n.ipynb", "", "/home/ann"), "");
});
