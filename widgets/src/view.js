/** One view of a job: it says that it is looked at, draws what changed, and leaves nothing behind. */

import { Charts } from "./charts.js";
import { Detail } from "./detail.js";
import { Listeners, make } from "./dom.js";
import { quoted } from "./format.js";
import { Header } from "./header.js";
import { lookOf } from "./look.js";
import { Table } from "./table.js";

const ALIVE = 3000;
const SECOND = 1000;
/** Milliseconds after which an unanswered button is explained, and a silent kernel named. */
const PATIENCE = 2000;
const SILENCE = 14000;
const PICTURE = 6000;

export class View {
  /**
   * @param {import("./page.js").Page} page
   * @param {HTMLElement} element
   */
  constructor(page, element) {
    this.page = page;
    this.id = crypto.randomUUID?.() ?? String(Math.random());
    this.listeners = new Listeners();
    /** @type {number | null} */
    this.selected = null;
    this.frame = 0;
    this.inSight = true;
    this.message = "";
    /** Whether the job ended a while ago and this view still stands where its picture should be. */
    this.left = false;
    this.wanted = "";
    this.actions = 0;
    this.silent = false;
    this.root = make("div", "astraml");
    const pick = (/** @type {number | null} */ number) => this.#select(number);
    this.header = new Header(this.listeners, (action) => this.#act(action), pick);
    this.charts = new Charts(this.listeners, pick, () => this.changed());
    this.table = new Table(this.listeners, pick);
    this.detail = new Detail(this.listeners, () => this.#select(null));
    const main = make("div", "astraml-main");
    main.append(this.charts.root, this.table.root);
    this.root.append(this.header.root, main, this.detail.root);
    element.append(this.root);
    /** @type {Map<string, {name: string, timer: ReturnType<typeof setTimeout>}>} */
    this.pending = new Map();
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.endTimer = undefined;
    this.#listen();
    this.say("hello");
    this.changed();
  }

  #listen() {
    this.timers = [setInterval(() => this.say("alive"), ALIVE), setInterval(() => this.#tick(), SECOND)];
    this.listeners.on(document, "visibilitychange", () => this.#seen());
    // In a notebook the arrow keys and letters belong to what is typed here, not to the notebook's commands.
    this.listeners.on(this.root, "keydown", (event) => {
      if (event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement) event.stopPropagation();
    });
    this.sizes = new ResizeObserver(() => this.changed());
    this.sizes.observe(this.charts.plot.root);
    this.sight = new IntersectionObserver((entries) => {
      this.inSight = entries.at(-1)?.isIntersecting ?? true;
      this.#seen();
    });
    this.sight.observe(this.root);
    // The theme: JupyterLab sets attributes of the body, others its classes.
    this.themes = new MutationObserver(() => this.changed());
    for (const place of [document.body, document.documentElement]) {
      this.themes.observe(place, { attributes: true, attributeFilter: ["class", "data-jp-theme-name", "data-theme"] });
    }
    this.scheme = matchMedia("(prefers-color-scheme: dark)");
    this.listeners.on(this.scheme, "change", () => this.changed());
  }

  get visible() {
    return !document.hidden && this.inSight && this.root.isConnected;
  }

  #seen() {
    if (!this.visible) return;
    this.say("alive");
    this.changed();
  }

  /**
   * Tell the kernel that somebody looks, and at what.
   * @param {"hello" | "alive" | "want"} kind
   */
  say(kind) {
    if (kind !== "hello" && !this.visible) return;
    this.page.send({ t: kind, c: this.id, want: this.charts.wants(), detail: this.selected });
  }

  /** @param {number | null} number */
  #select(number) {
    this.selected = number === this.selected ? null : number;
    this.changed();
  }

  /** @param {string} name */
  #act(name) {
    this.actions += 1;
    const id = `${this.id} ${this.actions}`;
    const words = { stop: "Stop", pause: "Pause", resume: "Resume" }[name] ?? name;
    const job = this.page.store.job?.name ?? "NAME";
    const timer = setTimeout(() => {
      this.message = `${words} was not acted on yet: the kernel is busy. Interrupt the cell, or run %tune ${name} ${quoted(job)}`;
      this.changed();
    }, PATIENCE);
    this.pending.set(id, { name, timer });
    this.header.waiting.add(name);
    this.page.send({ t: "do", do: name, id, c: this.id, want: this.charts.wants(), detail: this.selected });
    this.changed();
  }

  /**
   * The kernel has acted on a button.
   * @param {string} id
   * @param {string} error
   */
  answered(id, error) {
    const found = this.pending.get(id);
    if (!found) return;
    clearTimeout(found.timer);
    this.pending.delete(id);
    this.header.waiting.delete(found.name);
    this.message = error;
    this.changed();
  }

  #tick() {
    if (!this.visible) return;
    this.header.tick(this.page.store);
    const silent = Date.now() - this.page.heardAt > SILENCE;
    if (silent !== this.silent) {
      this.silent = silent;
      this.changed();
    }
  }

  /** Draw soon: once per frame of the browser, and not at all while nobody can see it. */
  changed() {
    if (this.frame || !this.visible) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      if (this.visible) this.#draw();
    });
  }

  #draw() {
    const { store } = this.page;
    this.charts.prepare(store);
    const wanted = JSON.stringify([this.charts.wants(), this.selected]);
    if (wanted !== this.wanted && store.job) {
      this.wanted = wanted;
      this.say("want");
    }
    this.#expectPicture(store.job?.ended ?? false);
    this.header.update(store, this.page.can, this.#words());
    this.table.update(store, this.selected);
    this.detail.update(store, this.selected);
    const { clientWidth, clientHeight } = this.charts.plot.root;
    this.charts.draw(store, lookOf(this.root), this.selected, `${this.page.version} ${clientWidth}x${clientHeight}`);
  }

  #words() {
    const job = this.page.store.job;
    if (this.message) return this.message;
    const how = `%tune show ${job ? quoted(job.name) : ""}`.trimEnd();
    if (this.left) return `The job has ended. Run ${how} to store its picture in the notebook.`;
    if (!this.silent || job?.ended) return "";
    return `No word from the kernel for a while: it is busy, restarted or out of reach. If this stays, run ${how}`;
  }

  /**
   * The kernel puts the final picture in this view's place; a view that outlived a reload has to say how to get it.
   * @param {boolean} ended
   */
  #expectPicture(ended) {
    if (!ended) {
      clearTimeout(this.endTimer);
      this.endTimer = undefined;
      this.left = false;
    } else if (this.endTimer === undefined) {
      this.message = ""; // about a job that ran
      this.endTimer = setTimeout(() => {
        this.left = true;
        this.changed();
      }, PICTURE);
    }
  }

  remove() {
    this.page.send({ t: "bye", c: this.id });
    cancelAnimationFrame(this.frame);
    for (const timer of this.timers ?? []) clearInterval(timer);
    for (const { timer } of this.pending.values()) clearTimeout(timer);
    clearTimeout(this.endTimer);
    this.sizes?.disconnect();
    this.sight?.disconnect();
    this.themes?.disconnect();
    this.listeners.off();
    this.charts.remove();
    this.root.remove();
  }
}
