/** A cell that the page could not put into the notebook: its text, to copy. */

import { make, setText } from "./dom.js";
import { copyText } from "./notebook.js";

const COPIED = 1500;

export class OfferedCell {
  /** @param {import("./dom.js").Listeners} listeners */
  constructor(listeners) {
    this.root = make("section", "astraml-offered", "", { "aria-label": "A cell to copy" });
    this.root.hidden = true;
    this.source = make("pre", "astraml-log", "", { tabindex: "0" });
    this.copy = make("button", "astraml-button", "Copy", { type: "button" });
    const close = make("button", "astraml-button", "Close", { type: "button" });
    const bar = make("div", "astraml-toolbar");
    bar.append(make("span", "astraml-heading", "A new cell: copy it into the notebook"), make("span", "astraml-grow"), this.copy, close);
    this.root.append(bar, this.source);
    listeners.on(close, "click", () => this.offer(""));
    listeners.on(this.copy, "click", () => {
      void copyText(this.source.textContent ?? "").then((done) => setText(this.copy, done ? "Copied" : "Not copied"));
      setTimeout(() => setText(this.copy, "Copy"), COPIED);
    });
  }

  /** @param {string} source the cell, or nothing to close it */
  offer(source) {
    this.root.hidden = !source;
    setText(this.source, source);
  }
}
