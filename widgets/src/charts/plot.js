/** One plotly chart on the page: drawn, clicked, selected in, sized, cleaned up. */

import Plotly from "plotly.js-basic-dist-min";

import { make } from "../dom.js";
import { MarksCanvas } from "./marks.js";
import { markOf } from "./tab.js";

/** @type {any} */
const plotly = Plotly;

const CONFIG = {
  displayModeBar: false, // its buttons cannot be reached by keyboard: ours stand beside the controls
  responsive: false, // the view follows its own size, not the window's
  doubleClick: "reset",
};
/** What dragging does. @typedef {"zoom" | "select" | "lasso"} Mode */

export class Plot {
  /** @param {import("../view.js").Does} does */
  constructor(does) {
    this.root = make("div", "astraml-plot-canvas", "", { role: "img" });
    this.marks = new MarksCanvas();
    this.graph = make("div", "astraml-plot-graph");
    this.root.append(this.marks.root, this.graph);
    this.does = does;
    this.drawn = false;
    this.panes = 0;
    /** Whether a drag is under way: nothing may be drawn under the mouse. */
    this.busy = false;
    /** Whether Shift is held: what is marked comes to what was selected (plotly takes Ctrl for the other button). */
    this.beside = false;
    this.selections = 0;
    /** The axes as they were given: plotly writes into what it draws. @type {Record<string, any>} */
    this.axes = {};
    /** @type {import("../selection.js").Selection | null} */
    this.selected = null;
    this.root.addEventListener("pointerdown", (event) => {
      this.busy = true;
      this.beside = event.shiftKey;
    });
    this.letGo = () => {
      if (!this.busy) return;
      this.busy = false;
      does.changed();
    };
    for (const type of ["pointerup", "pointercancel"]) window.addEventListener(type, this.letGo);
  }

  /**
   * @param {import("./tab.js").Figure} figure
   * @param {import("./tab.js").Scene} scene
   * @param {string} revision while it stays, zoom and pan stay
   * @param {Mode} mode
   */
  draw(figure, scene, revision, mode) {
    const { look, width, height } = scene;
    this.selected = scene.selected;
    const axis = {
      gridcolor: look.grid,
      linecolor: look.grid,
      zeroline: false,
      color: look.quiet,
      tickfont: { size: 11 },
      exponentformat: "e",
      nticks: 7,
    };
    // From several panes to one plotly keeps what it drew before, each time once more.
    if (this.drawn && figure.panes.length !== this.panes) this.#clear();
    this.panes = figure.panes.length;
    this.axes = {};
    figure.panes.forEach(({ x, y }, index) => {
      const mark = markOf(index);
      this.axes[`xaxis${mark}`] = { ...axis, ...x };
      this.axes[`yaxis${mark}`] = { ...axis, ...y };
    });
    const titled = figure.panes.some(({ y }) => y.title?.text);
    const layout = {
      width,
      height,
      showlegend: false,
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: look.font, size: 11, color: look.quiet },
      margin: { l: titled || figure.panes[0]?.y.type === "category" ? 62 : 48, r: 12, t: 12, b: 38 },
      hovermode: "closest",
      hoverlabel: { align: "left", font: { family: look.font, size: 12 } },
      dragmode: mode,
      uirevision: revision,
      // A box or a lasso has done its work once the trials are selected: it is not drawn again.
      selectionrevision: this.selections,
      selections: [],
      newselection: { line: { color: look.ink, width: 1, dash: "dot" } },
      ...structuredClone(this.axes),
      ...figure.layout,
    };
    plotly.react(this.graph, this.marks.take(figure.data, look), layout, CONFIG);
    this.marks.draw(this.graph);
    if (this.drawn) return;
    this.drawn = true;
    const graph = /** @type {any} */ (this.graph);
    graph.on("plotly_click", (/** @type {any} */ event) => this.#pick(event));
    graph.on("plotly_selected", (/** @type {any} */ event) => this.#select(event));
    for (const moved of ["plotly_relayouting", "plotly_relayout"]) graph.on(moved, () => this.marks.draw(graph));
  }

  /** @param {any} event */
  #pick(event) {
    const point = event?.points?.[0];
    const number = point?.customdata ?? point?.data?.meta;
    if (typeof number === "number") this.does.pick(number, event.event?.ctrlKey || event.event?.metaKey);
  }

  /** @param {any} event */
  #select(event) {
    if (!event?.points || (!event.range && !event.lassoPoints && !event.points.length)) return;
    this.selections += 1;
    const before = this.beside ? (this.selected?.numbers ?? []) : [];
    /** @type {Set<number>} */
    const numbers = new Set(before);
    for (const { customdata } of event.points) if (typeof customdata === "number") numbers.add(customdata);
    this.does.select(numbers);
  }

  /**
   * What the chart shows, as the address of a picture.
   * @param {import("./tab.js").Figure} figure
   * @param {import("./tab.js").Scene} scene
   * @returns {Promise<string>}
   */
  png(figure, { look, width, height }) {
    const now = /** @type {any} */ (this.graph);
    const layout = { ...now.layout, paper_bgcolor: look.paper, plot_bgcolor: look.paper };
    return plotly.toImage({ data: figure.data, layout, config: CONFIG }, { format: "png", width, height, scale: 2 });
  }

  /** Show all of it again. */
  reset() {
    if (!this.drawn) return;
    /** @type {Record<string, any>} */
    const change = {};
    for (const [name, { range, autorange }] of Object.entries(this.axes)) {
      if (range) change[`${name}.range`] = [...range];
      else change[`${name}.autorange`] = autorange ?? true;
    }
    plotly.relayout(this.graph, change);
  }

  /** Take plotly's own listeners and elements off the page. */
  remove() {
    for (const type of ["pointerup", "pointercancel"]) window.removeEventListener(type, this.letGo);
    this.#clear();
    this.root.remove();
  }

  #clear() {
    if (this.drawn) plotly.purge(this.graph);
    this.drawn = false;
  }
}
