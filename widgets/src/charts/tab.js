/**
 * What every tab of the charts is, and what a tab has drawn.
 *
 * @typedef {{label: string, colour: string, dash: string, width: number, numbers: number[]}} Key
 * @typedef {{x: any, y: any}} Pane the two axes of a chart, or of one of its parts, as plotly takes them
 * @typedef {{
 *   data: any[], panes: Pane[], keys: Key[], empty: string, layout?: any,
 * }} Figure `empty` says what will appear where nothing is yet
 * @typedef {{
 *   store: import("../store.js").Store, look: import("../look.js").Look,
 *   selected: import("../selection.js").Selection, width: number, height: number,
 * }} Scene what is to be drawn, and how much room there is
 * @typedef {{
 *   root: HTMLElement, draw(scene: Scene): {keys: Key[], empty: string}, busy: boolean,
 *   png(scene: Scene): Promise<string>, reset(): void, remove(): void,
 * }} Surface a drawing surface of a tab's own, where plotly has none
 */

import { forPlotly } from "../format.js";

/** One tab: most need only some of this. */
export class Tab {
  /** @param {string} key */
  constructor(key) {
    this.key = key;
    /** @type {HTMLElement[]} */
    this.controls = [];
    /** @type {Surface | null} */
    this.surface = null;
    /** Whether points can be selected by a box or a lasso. */
    this.selects = false;
  }

  /**
   * @param {import("../store.js").Job} _job
   * @returns {string} empty where the tab makes no sense
   */
  title(_job) {
    return "";
  }

  /**
   * Set the choices of the controls; they keep what a person chose.
   * @param {import("../store.js").Store} _store
   */
  prepare(_store) {}

  /**
   * What the kernel should send while the tab is open: a metric, and what of it.
   * @returns {[string, string][]}
   */
  wants() {
    return [];
  }

  /**
   * What the axes stand for: while it stays, zoom and pan stay.
   * @returns {(string | number | boolean)[]}
   */
  settings() {
    return [];
  }

  /**
   * What the chart is made of: it is drawn again when this changes.
   * @param {import("../store.js").Store} store
   * @param {number} _version of all that the page knows
   */
  version(store, _version) {
    return store.settled;
  }

  /**
   * @param {Scene} _scene
   * @returns {Figure}
   */
  figure(_scene) {
    return nothing("");
  }
}

/**
 * @param {string} empty
 * @returns {Figure}
 */
export function nothing(empty) {
  return { data: [], panes: [{ x: {}, y: {} }], keys: [], empty };
}

/**
 * What plotly puts behind the names of a pane's axes: nothing for the first.
 * @param {number} index
 */
export const markOf = (index) => (index ? String(index + 1) : "");

/**
 * Put a trace into a pane.
 * @template T
 * @param {T} trace
 * @param {number} index of the pane
 * @returns {T}
 */
export const inPane = (trace, index) => (index ? { ...trace, xaxis: `x${markOf(index)}`, yaxis: `y${markOf(index)}` } : trace);

/**
 * Name an objective beside an axis.
 * @param {{metric: string, maximize: boolean}} objective
 */
export const objectiveTitle = ({ metric, maximize }) => `${forPlotly(metric, 40)} (${maximize ? "higher" : "lower"} is better)`;

/**
 * An axis of numbers.
 * @param {string} title safe for plotly
 * @param {boolean} [log]
 */
export const axisOf = (title, log = false) => ({ type: log ? "log" : "linear", title: { text: title, standoff: 4 } });
