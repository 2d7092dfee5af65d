/** The charts' half of the dashboard: tabs, their controls, one plot, and a legend in words. */

import { make, setOptions, setText } from "./dom.js";
import { historyFigure, metricsFigure, paretoFigure, timelineFigure } from "./figures.js";
import { formatNumber, shorten } from "./format.js";
import { Plot } from "./plot.js";
import { chartKey } from "./store.js";

const TABS = [
  ["metrics", "Metrics"],
  ["results", "History"],
  ["timeline", "Timeline"],
];
const KEYS = 9;

export class Charts {
  /**
   * @param {import("./dom.js").Listeners} listeners
   * @param {import("./view.js").Does} does
   */
  constructor(listeners, does) {
    this.root = make("section", "astraml-charts", "", { "aria-label": "Charts" });
    this.tab = "metrics";
    const onChange = () => does.changed();
    const tabs = make("div", "astraml-tabs", "", { role: "tablist", "aria-label": "Charts" });
    this.tabs = TABS.map(([key = "", title = ""]) => {
      const button = make("button", "astraml-tab", title, { type: "button", role: "tab" });
      button.dataset.key = key;
      tabs.append(button);
      return button;
    });
    this.metric = make("select", "astraml-select", "", { "aria-label": "Metric" });
    this.axis = make("select", "astraml-select", "", { "aria-label": "Horizontal axis" });
    setOptions(this.axis, ["step", "time"], (value) => `by ${value}`);
    this.smooth = make("input", "astraml-range", "", { type: "range", min: "0", max: "0.95", step: "0.05", value: "0" });
    this.pair = make("select", "astraml-select", "", { "aria-label": "Objectives" });
    this.log = make("input", "", "", { type: "checkbox" });
    this.smoothLabel = labelled("smooth", this.smooth);
    this.logLabel = labelled("log", this.log);
    const controls = make("div", "astraml-controls");
    controls.append(this.metric, this.axis, this.pair, this.smoothLabel, this.logLabel);
    this.plot = new Plot("Chart of the trials; the table beside it holds its figures", does);
    this.keys = make("div", "astraml-keys");
    this.root.append(tabs, controls, this.plot.root, this.keys);
    this.stamp = "";
    this.keyStamp = "";
    listeners.on(tabs, "click", (event) => this.#open(event.target?.dataset?.key, onChange));
    listeners.on(tabs, "keydown", (event) => this.#turn(event, onChange));
    for (const control of [this.metric, this.axis, this.pair, this.log]) listeners.on(control, "change", onChange);
    listeners.on(this.smooth, "input", onChange);
    listeners.on(this.keys, "click", (event) => {
      const number = event.target?.closest?.("button[data-n]")?.dataset.n;
      if (number !== undefined) does.pick(Number(number), event.ctrlKey || event.metaKey);
    });
    this.#markTabs();
  }

  /** What the kernel should send for this view: a metric and an axis, or nothing while no line is drawn. */
  wants() {
    return this.tab === "metrics" && this.metric.value ? [[this.metric.value, this.axis.value]] : [];
  }

  /**
   * @param {string | undefined} key
   * @param {() => void} onChange
   */
  #open(key, onChange) {
    if (!key || key === this.tab) return;
    this.tab = key;
    this.#markTabs();
    onChange();
  }

  /**
   * @param {KeyboardEvent} event
   * @param {() => void} onChange
   */
  #turn(event, onChange) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    const at = this.tabs.findIndex((tab) => tab.dataset.key === this.tab);
    const next = this.tabs[(at + step + this.tabs.length) % this.tabs.length];
    this.#open(next?.dataset.key, onChange);
    next?.focus();
  }

  #markTabs() {
    for (const tab of this.tabs) {
      const mine = tab.dataset.key === this.tab;
      tab.setAttribute("aria-selected", String(mine));
      tab.tabIndex = mine ? 0 : -1;
    }
  }

  /**
   * Set the choices of the controls; they keep what a person chose.
   * @param {import("./store.js").Store} store
   */
  prepare(store) {
    const job = store.job;
    if (!job) return;
    const objectives = job.objectives.map((objective) => objective.metric);
    const metrics = [...new Set([...objectives.filter((name) => job.metrics.includes(name)), ...job.metrics])];
    setOptions(this.metric, metrics, (name) => shorten(name, 40));
    const pairs = job.objectives.flatMap((_, up) => job.objectives.slice(up + 1).map((__, after) => `${up + 1 + after},${up}`));
    setOptions(this.pair, pairs, (pair) => {
      const [across = 0, up = 0] = pair.split(",").map(Number);
      return `${shorten(objectives[up] ?? "", 20)} × ${shorten(objectives[across] ?? "", 20)}`;
    });
    const several = job.objectives.length > 1;
    const results = this.tabs[1];
    if (results) {
      setText(results, several ? "Pareto" : "History");
      results.hidden = !job.objectives.length;
    }
    this.metric.hidden = this.axis.hidden = this.smoothLabel.hidden = this.tab !== "metrics" || !metrics.length;
    this.pair.hidden = this.tab !== "results" || job.objectives.length < 3;
    this.logLabel.hidden = this.tab === "timeline" || (this.tab === "metrics" && !metrics.length);
  }

  /**
   * Draw, unless nothing that is drawn has changed.
   * @param {import("./store.js").Store} store
   * @param {import("./look.js").Look} look
   * @param {import("./selection.js").Selection} selected
   * @param {string} version what else the picture depends on: data, size, theme
   */
  draw(store, look, selected, version) {
    const settings = [this.tab, this.metric.value, this.axis.value, this.pair.value, this.log.checked];
    const stamp = JSON.stringify([...settings, this.smooth.value, selected.revision, version, look.dark]);
    if (stamp === this.stamp) return;
    this.stamp = stamp;
    const figure = this.#figure(store, look, selected);
    this.plot.draw(figure, look, settings.join(" "));
    this.#drawKeys(figure.keys);
  }

  /**
   * @param {import("./store.js").Store} store
   * @param {import("./look.js").Look} look
   * @param {import("./selection.js").Selection} selected
   */
  #figure(store, look, selected) {
    const log = this.log.checked;
    if (this.tab === "timeline") return timelineFigure(store, look, { selected });
    if (this.tab === "metrics") {
      const [metric, axis, smooth] = [this.metric.value, this.axis.value, Number(this.smooth.value)];
      this.smooth.setAttribute("aria-valuetext", smooth ? formatNumber(smooth) : "off");
      return metricsFigure(store, look, { metric, axis, smooth, log, selected }, store.charts.get(chartKey(metric, axis)));
    }
    if ((store.job?.objectives.length ?? 0) < 2) return historyFigure(store, look, { selected, log });
    const [across = 1, up = 0] = this.pair.value.split(",").map(Number);
    return paretoFigure(store, look, { pair: [across, up], selected, log });
  }

  /** @param {import("./figures.js").Key[]} keys */
  #drawKeys(keys) {
    const stamp = JSON.stringify(keys);
    if (stamp === this.keyStamp) return;
    this.keyStamp = stamp;
    const shown = keys.slice(0, KEYS).map((key) => {
      const number = key.numbers.length === 1 ? key.numbers[0] : undefined;
      const element = number === undefined ? make("span", "astraml-key") : make("button", "astraml-key", "", { type: "button" });
      if (number !== undefined) element.dataset.n = String(number);
      const sign = make("i", `is-${key.dash}`);
      sign.style.setProperty("--key", key.colour);
      const many = key.numbers.length > 1 ? ` (${key.numbers.length})` : "";
      element.append(sign, make("span", "", key.label + many));
      return element;
    });
    if (keys.length > KEYS) shown.push(make("span", "astraml-key", `and ${keys.length - KEYS} more`));
    this.keys.replaceChildren(...shown);
  }

  remove() {
    this.plot.remove();
  }
}

/**
 * @param {string} text
 * @param {HTMLElement} control
 */
function labelled(text, control) {
  const label = make("label", "astraml-label", text);
  label.append(control);
  return label;
}
