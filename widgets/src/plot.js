/** One plotly chart on the page: drawn, clicked, sized, cleaned up. */

import Plotly from "plotly.js-basic-dist-min";

import { make, setText } from "./dom.js";

/** @type {any} */
const plotly = Plotly;

const CONFIG = {
  displaylogo: false,
  responsive: false, // the view follows its own size, not the window's
  doubleClick: "reset",
  modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d", "zoomIn2d", "zoomOut2d"],
};

export class Plot {
  /**
   * @param {string} label what it is, for those who do not see it
   * @param {import("./view.js").Does} does
   */
  constructor(label, does) {
    this.root = make("div", "astraml-plot");
    this.canvas = make("div", "astraml-plot-canvas", "", { role: "img", "aria-label": label });
    this.empty = make("p", "astraml-empty");
    this.root.append(this.canvas, this.empty);
    this.does = does;
    this.drawn = false;
  }

  /**
   * @param {import("./figures.js").Figure} figure
   * @param {import("./look.js").Look} look
   * @param {string} revision while it stays, zoom and pan stay
   */
  draw(figure, look, revision) {
    setText(this.empty, figure.empty);
    this.root.classList.toggle("is-empty", Boolean(figure.empty));
    const { clientWidth: width, clientHeight: height } = this.root;
    if (figure.empty || !width || !height) return;
    const axis = {
      gridcolor: look.grid,
      linecolor: look.grid,
      zeroline: false,
      color: look.quiet,
      tickfont: { size: 11 },
      exponentformat: "e",
      nticks: 7,
    };
    const layout = {
      width,
      height,
      showlegend: false,
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: look.font, size: 11, color: look.quiet },
      margin: { l: figure.y.title || figure.y.type === "category" ? 66 : 52, r: 12, t: 14, b: 38 },
      hovermode: "closest",
      hoverlabel: { align: "left", font: { family: look.font, size: 12 } },
      modebar: { bgcolor: "rgba(0,0,0,0)", color: look.quiet, activecolor: look.ink },
      uirevision: revision,
      xaxis: { ...axis, ...figure.x },
      yaxis: { ...axis, ...figure.y },
      ...figure.more,
    };
    plotly.react(this.canvas, figure.data, layout, CONFIG);
    if (!this.drawn) {
      this.drawn = true;
      /** @type {any} */ (this.canvas).on("plotly_click", (/** @type {any} */ event) => this.#pick(event));
    }
  }

  /** @param {any} event */
  #pick(event) {
    const point = event?.points?.[0];
    const number = point?.customdata ?? point?.data?.meta;
    if (typeof number === "number") this.does.pick(number, event.event?.ctrlKey || event.event?.metaKey);
  }

  /** Take plotly's own listeners and elements off the page. */
  remove() {
    if (this.drawn) plotly.purge(this.canvas);
    this.drawn = false;
    this.root.remove();
  }
}
