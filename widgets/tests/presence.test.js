import assert from "node:assert/strict";
import { test } from "node:test";

import { Listeners } from "../src/dom.js";
import { Presence } from "../src/presence.js";

/**
 * A page in which one view stands, and what its presence says.
 * @param {() => boolean} lacks whether everything has to be sent
 */
function watched(lacks = () => false) {
  const page = Object.assign(new EventTarget(), { hidden: false });
  /** @type {{watched: number, tell(entries: {isIntersecting: boolean}[]): void}} */
  const sight = { watched: 0, tell: () => {} };
  class Observer {
    /** @param {(entries: {isIntersecting: boolean}[]) => void} tell */
    constructor(tell) {
      sight.tell = tell;
    }
    observe() {
      sight.watched += 1;
    }
    disconnect() {
      sight.watched -= 1;
    }
  }
  Object.assign(globalThis, { document: page, IntersectionObserver: Observer });
  /** @type {string[]} */
  const said = [];
  const listeners = new Listeners();
  const root = /** @type {any} */ ({ isConnected: true });
  const presence = new Presence(root, listeners, {
    send: (message) => {
      const { t, want } = /** @type {{t: string, want?: string}} */ (message);
      said.push(want ? `${t} ${want}` : t);
    },
    lacks,
    looks: () => ({ want: "loss" }),
    seen: () => said.push("seen"),
    tick: () => said.push("tick"),
  });
  return { page, sight, said, listeners, root, presence };
}

test("who looks says so every three seconds, with what is looked at, and each second passes", (context) => {
  context.mock.timers.enable({ apis: ["setInterval"] });
  const { said, presence } = watched();
  presence.say("hello");
  context.mock.timers.tick(3000);
  assert.deepEqual(said.sort(), ["alive loss", "hello loss", "tick", "tick", "tick"]);
  presence.end();
});

test("who still lacks everything asks for it again, in sight only", (context) => {
  context.mock.timers.enable({ apis: ["setInterval"] });
  let lacking = true;
  const { page, said, presence } = watched(() => lacking);
  const words = () => said.splice(0).filter((word) => word !== "tick");
  context.mock.timers.tick(6000);
  assert.deepEqual(words(), ["hello loss", "hello loss"]);
  page.hidden = true;
  context.mock.timers.tick(6000);
  page.hidden = false;
  lacking = false;
  context.mock.timers.tick(3000);
  assert.deepEqual(words(), ["alive loss"]);
  presence.end();
});

test("a view that nobody can see is silent, and is heard of at once when it is seen again", (context) => {
  context.mock.timers.enable({ apis: ["setInterval"] });
  const { page, sight, said, presence, root } = watched();
  page.hidden = true;
  page.dispatchEvent(new Event("visibilitychange"));
  context.mock.timers.tick(10_000);
  page.hidden = false;
  sight.tell([{ isIntersecting: false }]);
  context.mock.timers.tick(10_000);
  sight.tell([{ isIntersecting: true }]);
  root.isConnected = false;
  presence.say("want");
  assert.deepEqual(said, ["alive loss", "seen"]);
  presence.say("hello"); // what is being opened may not stand on the page yet
  assert.equal(said.at(-1), "hello loss");
  presence.end();
});

test("a view that ends says so and leaves nothing behind", (context) => {
  context.mock.timers.enable({ apis: ["setInterval"] });
  const { page, sight, said, listeners, presence } = watched();
  presence.end();
  listeners.off();
  context.mock.timers.tick(10_000);
  page.dispatchEvent(new Event("visibilitychange"));
  assert.deepEqual(said, ["bye"]);
  assert.equal(sight.watched, 0);
});
