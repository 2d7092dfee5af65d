/** The charts' half of the dashboard: tabs, the controls of the open one, its chart, and a legend in words. */

import { make, setText } from "../dom.js";
import { save } from "../notebook.js";
import { HistoryTab } from "./history.js";
import { ImportanceTab } from "./importance.js";
import { Keys } from "./keys.js";
import { MetricsTab } from "./metrics.js";
import { ParallelTab } from "./parallel.js";
import { ParetoTab } from "./pareto.js";
import { Plot } from "./plot.js";
import { SliceTab } from "./slice.js";
import { nothing } from "./tab.js";
import { TimelineTab } from "./timeline.js";
import { Tools } from "./tools.js";

/** How many times the length of the last drawing passes before news are drawn. */
const REST = 12;

export class Charts {
  /**
   * @param {import("../dom.js").Listeners} listeners
   * @param {import("../view.js").Does} does
   */
  constructor(listeners, does) {
    this.does = does;
    /** @type {import("./tab.js").Tab[]} */
    this.tabs = [new MetricsTab(), new HistoryTab(), new ParetoTab(), new ParallelTab(does), new ImportanceTab(), new SliceTab(), new TimelineTab()];
    this.tab = /** @type {import("./tab.js").Tab} */ (this.tabs[0]);
    this.root = make("section", "astraml-charts", "", { "aria-label": "Charts" });
    const list = make("div", "astraml-tabs", "", { role: "tablist", "aria-label": "Charts" });
    this.buttons = new Map(this.tabs.map((tab) => [tab.key, make("button", "astraml-tab", "", { type: "button", role: "tab" })]));
    for (const [key, button] of this.buttons) {
      button.dataset.key = key;
      list.append(button);
    }
    this.controls = make("div", "astraml-controls");
    this.tools = new Tools();
    const bar = make("div", "astraml-chart-bar");
    bar.append(this.controls, this.tools.root);
    this.stage = make("div", "astraml-plot", "", { role: "tabpanel" });
    this.empty = make("p", "astraml-empty");
    this.plot = new Plot(does);
    this.stage.append(this.plot.root, this.empty);
    for (const { surface } of this.tabs) if (surface) this.stage.append(surface.root);
    this.keys = new Keys();
    this.root.append(list, bar, this.stage, this.keys.root);
    /** What a person asked for, and what was known, when the chart was drawn last. */
    this.asked = "";
    this.known = -1;
    /** News alone are not drawn before: a large chart costs time that the page needs. */
    this.restUntil = 0;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    /** Grows when a control is turned. */
    this.turns = 0;
    /** What is drawn, and in which scene: a picture is made of it. */
    this.figure = nothing("");
    /** @type {import("./tab.js").Scene | null} */
    this.scene = null;
    this.#listen(listeners, list);
    this.#open(this.tab.key);
  }

  /**
   * @param {import("../dom.js").Listeners} listeners
   * @param {HTMLElement} list
   */
  #listen(listeners, list) {
    const { does } = this;
    const turned = () => {
      this.turns += 1;
      does.changed();
    };
    listeners.on(list, "click", (event) => this.#open(event.target?.dataset?.key));
    listeners.on(list, "keydown", (event) => this.#step(event));
    for (const type of ["change", "input"]) listeners.on(this.controls, type, turned);
    listeners.on(this.tools.root, "click", (event) => this.#use(event.target?.closest?.("button")?.dataset.tool));
    listeners.on(this.keys.root, "click", (event) => {
      const number = event.target?.closest?.("button[data-n]")?.dataset.n;
      if (number !== undefined) does.pick(Number(number), event.ctrlKey || event.metaKey);
    });
  }

  /** What the kernel should send for this view: nothing while no line is drawn. */
  wants() {
    return this.tab.wants();
  }

  /** @param {string | undefined} key */
  #open(key) {
    const tab = this.tabs.find((each) => each.key === key);
    if (!tab) return;
    this.tab = tab;
    this.controls.replaceChildren(...tab.controls);
    this.turns += 1;
    for (const [each, button] of this.buttons) {
      button.setAttribute("aria-selected", String(each === key));
      button.tabIndex = each === key ? 0 : -1;
    }
    this.does.changed();
  }

  /** @param {KeyboardEvent} event */
  #step(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    const there = this.tabs.filter((tab) => !this.buttons.get(tab.key)?.hidden);
    const next = there[(there.indexOf(this.tab) + step + there.length) % there.length];
    this.#open(next?.key);
    this.buttons.get(next?.key ?? "")?.focus();
  }

  /** @param {string | undefined} tool */
  #use(tool) {
    if (!tool) return;
    if (this.tools.choose(tool)) {
      this.turns += 1;
      this.does.changed();
    } else if (tool === "reset") {
      (this.tab.surface ?? this.plot).reset();
    } else if (tool === "png") {
      this.#download();
    }
  }

  async #download() {
    const { scene, tab, figure } = this;
    if (!scene) return;
    const name = `${scene.store.job?.name ?? "job"}-${tab.key}.png`;
    save(name, tab.surface ? await tab.surface.png(scene) : await this.plot.png(figure, scene));
  }

  /**
   * Set the choices of the controls; they keep what a person chose.
   * @param {import("../store.js").Store} store
   */
  prepare(store) {
    const { job } = store;
    if (!job) return;
    for (const tab of this.tabs) {
      const button = this.buttons.get(tab.key);
      const title = tab.title(job);
      if (!button) continue;
      setText(button, title);
      button.hidden = !title;
    }
    if (this.buttons.get(this.tab.key)?.hidden) this.#open(this.tabs.find((tab) => tab.title(job))?.key);
    this.tab.prepare(store);
  }

  /**
   * Draw, unless nothing that is drawn has changed.
   * @param {import("../store.js").Store} store
   * @param {import("../look.js").Look} look
   * @param {import("../selection.js").Selection} selected
   * @param {number} version what the page knows
   */
  draw(store, look, selected, version) {
    const { tab, plot, stage } = this;
    const { clientWidth: width, clientHeight: height } = stage;
    const asked = JSON.stringify([this.turns, selected.revision, width, height, look.paper, look.ink]);
    const known = tab.version(store, version);
    if ((asked === this.asked && known === this.known) || !width || !height || plot.busy || tab.surface?.busy) return;
    const now = performance.now();
    if (asked === this.asked && now < this.restUntil) return this.#drawLater(this.restUntil - now);
    [this.asked, this.known] = [asked, known];
    const scene = (this.scene = { store, look, selected, width, height });
    if (tab.surface) {
      this.#show(tab.surface.draw(scene), true);
    } else {
      this.figure = tab.figure(scene);
      this.#show(this.figure, false);
      if (!this.figure.empty) plot.draw(this.figure, scene, [tab.key, ...tab.settings()].join("\n"), tab.selects ? this.tools.mode : "zoom");
    }
    this.restUntil = performance.now() + REST * (performance.now() - now);
  }

  /** @param {number} wait milliseconds */
  #drawLater(wait) {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.does.changed();
    }, wait);
  }

  /**
   * @param {{keys: import("./tab.js").Key[], empty: string}} drawn
   * @param {boolean} own whether the tab draws on a surface of its own
   */
  #show({ keys, empty }, own) {
    const title = this.buttons.get(this.tab.key)?.textContent ?? "";
    setText(this.empty, empty);
    this.stage.classList.toggle("is-empty", Boolean(empty));
    this.stage.setAttribute("aria-label", title);
    this.plot.root.hidden = own;
    this.plot.root.setAttribute("aria-label", `${title}: ${keys.map((key) => key.label).join(", ")}. The table of trials holds the figures.`);
    for (const { surface } of this.tabs) if (surface) surface.root.hidden = surface !== this.tab.surface;
    this.tools.update(this.tab.selects, Boolean(empty));
    this.keys.update(empty ? [] : keys);
  }

  remove() {
    clearTimeout(this.timer);
    this.plot.remove();
    for (const { surface } of this.tabs) surface?.remove();
  }
}
