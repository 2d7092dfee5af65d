/** Between a page's views of one job and the kernel: frames in their order, answers, and what is asked. */

import { Store, decode } from "./store.js";

/** Milliseconds between two requests for everything. */
const PATIENCE = 3000;

/**
 * What of a view is needed here.
 * @typedef {{
 *   root: HTMLElement, say(kind: "hello" | "alive" | "want"): void, changed(): void,
 *   taken(id: string): void, answered(answer: Answer): void,
 * }} Shown
 * @typedef {{id: string, error: string, said: string, cell: string, file: string, text: string, path: string, home: string}} Answer
 */

/** What one page knows of one job, and the views of it on that page. */
export class Page {
  /**
   * @param {(message: object) => void} send
   * @param {Pick<import("./saved.js").Saved, "possible" | "keep" | "settle">} saved what the notebook's file holds of the views
   */
  constructor(send, saved) {
    this.saved = saved;
    this.store = new Store();
    /** @type {Set<Shown>} */
    this.views = new Set();
    /** @type {string[]} */
    this.can = [];
    /** Whether this dashboard stays where it is when the job has ended. */
    this.kept = false;
    /** The name under which the notebook knows the widget. */
    this.modelId = "";
    this.version = 0;
    this.sequence = 0;
    /** Whether a frame is missing: what comes does not fit what is here until everything comes anew. */
    this.lost = true;
    this.askedAt = 0;
    this.heardAt = Date.now();
    /** Whether the kernel that this page hung on is gone for good. */
    this.gone = false;
    /** Whether the kernel said that it has no such job any more. */
    this.deleted = false;
    this.deliver = send;
  }

  /** The kernel was restarted, or died: nobody answers any more. */
  lose() {
    this.gone = this.store.lost = true;
    this.version += 1;
    if (this.store.job?.ended) this.saved.settle();
    for (const view of this.views) view.changed();
  }

  /**
   * Which of the views this is, from the top of the page on.
   * @param {Shown} view
   */
  placeOf(view) {
    const roots = Array.from(this.views, (each) => each.root).filter((root) => root.isConnected);
    const before = roots.filter((root) => root.compareDocumentPosition(view.root) & Node.DOCUMENT_POSITION_FOLLOWING);
    return before.length;
  }

  /** @param {object} message */
  send(message) {
    if (this.gone) return;
    try {
      this.deliver(message);
    } catch {
      // The kernel is gone: the views say so when they have not heard from it for a while.
    }
  }

  /**
   * @param {any} message
   * @param {DataView[]} buffers
   */
  receive(message, buffers) {
    this.heardAt = Date.now();
    if (message?.t === "taken") {
      for (const view of this.views) view.taken(String(message.id));
    } else if (message?.t === "done") {
      /** @param {string} part */
      const read = (part) => String(message[part] ?? "");
      const answer = { id: read("id"), error: read("error"), said: read("said"), cell: read("cell"), file: read("file"), text: read("text"), path: read("path"), home: read("home") };
      for (const view of this.views) view.answered(answer);
    } else if (message?.t === "picture") {
      void this.saved.keep(message.data, message.last === true);
    } else if (message?.t === "deleted") {
      this.deleted = true;
      for (const view of this.views) view.changed();
    } else if (message?.t === "frame") {
      this.#take(message, buffers);
    }
  }

  /**
   * @param {any} message
   * @param {DataView[]} buffers
   */
  #take(message, buffers) {
    const { head, values } = decode(buffers);
    this.lost = !head.fresh && (this.lost || message.seq !== this.sequence + 1);
    this.sequence = message.seq;
    if (this.lost) return this.#askAnew();
    this.modelId = String(message.model ?? "");
    this.kept = message.kept === true;
    this.can = Array.isArray(message.can) ? message.can : [];
    this.store.apply(head, values);
    if (head.charts || head.rows || head.job || head.space || head.importance) this.version += 1;
    for (const view of this.views) view.changed();
  }

  /** Ask for everything, through any view; again where the answer is lost as well. */
  #askAnew() {
    if (Date.now() - this.askedAt < PATIENCE) return;
    this.askedAt = Date.now();
    const [view] = this.views;
    view?.say("hello");
  }
}
