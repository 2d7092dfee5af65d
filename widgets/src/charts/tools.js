/** The small buttons of a chart: what dragging does, all of it again, the picture as a file. */

import { make, sign } from "../dom.js";

/** On a square of 16, as lines. @type {Record<string, string>} */
const SIGNS = {
  zoom: "M10.3 10.3 14 14M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9zM5 7h4M7 5v4",
  select: "M2.5 5V2.5H5M7 2.5h2M11 2.5h2.5V5M13.5 7v2M13.5 11v2.5H11M9 13.5H7M5 13.5H2.5V11M2.5 9V7",
  lasso: "M5.5 10.6C3.2 10 2 8.6 2 7c0-2.5 2.7-4.5 6-4.5s6 2 6 4.5-2.7 4.5-6 4.5c-.6 0-1.1 0-1.6-.1M4.5 9.5a1.5 1.5 0 1 0 1.8 1.9c0 1.4-.6 2.4-1.8 3",
  reset: "M3 8a5 5 0 1 1 1.5 3.6M3 13v-2.6h2.6",
  png: "M8 2.5v7.5M4.8 7 8 10.2 11.2 7M2.5 13.5h11",
};
/** @type {[import("./plot.js").Mode, string][]} */
const MODES = [
  ["zoom", "Drag to zoom"],
  ["select", "Drag a box to select trials, with Shift to add more"],
  ["lasso", "Drag a lasso to select trials, with Shift to add more"],
];

export class Tools {
  constructor() {
    /** @type {import("./plot.js").Mode} */
    this.mode = "zoom";
    this.root = make("div", "astraml-tools", "", { role: "toolbar", "aria-label": "Chart tools" });
    this.modes = MODES.map(([mode, title]) => button(mode, title));
    this.reset = button("reset", "Show all of it again");
    this.png = button("png", "Download as PNG");
    this.root.append(...this.modes, this.reset, this.png);
    this.update(false, false);
  }

  /**
   * @param {boolean} selects whether there are points to select
   * @param {boolean} empty
   */
  update(selects, empty) {
    for (const mode of this.modes) {
      mode.hidden = !selects;
      mode.setAttribute("aria-pressed", String(mode.dataset.tool === this.mode));
    }
    this.reset.disabled = this.png.disabled = empty;
  }

  /**
   * A button was pressed.
   * @param {string} tool
   * @returns {boolean} whether it says what dragging does
   */
  choose(tool) {
    const mode = MODES.find(([each]) => each === tool)?.[0];
    if (mode) this.mode = mode;
    return Boolean(mode);
  }
}

/**
 * @param {string} tool
 * @param {string} title
 */
function button(tool, title) {
  const made = make("button", "astraml-tool", "", { type: "button", title, "aria-label": title });
  made.dataset.tool = tool;
  made.append(sign(16, SIGNS[tool] ?? ""));
  return made;
}
