/** Small controls that several tabs share. */

import { make, setOptions } from "../dom.js";
import { shorten } from "../format.js";

/**
 * @param {string} text
 * @param {HTMLElement} control
 */
export function labelled(text, control) {
  const label = make("label", "astraml-label", text);
  label.append(control);
  return label;
}

/**
 * @param {string} text
 * @param {string} help said to those who do not see the chart, and under the mouse
 */
export function checkbox(text, help) {
  const input = make("input", "", "", { type: "checkbox", "aria-label": help });
  const root = labelled(text, input);
  root.title = help;
  return { root, input };
}

/** A choice of the objective, there while a job has several. */
export class ObjectiveChoice {
  constructor() {
    this.root = make("select", "astraml-select", "", { "aria-label": "Objective" });
  }

  /** @param {import("../store.js").Job} job */
  prepare(job) {
    setOptions(this.root, job.objectives.map((_, index) => String(index)), (index) => shorten(job.objectives[Number(index)]?.metric ?? "", 30));
    this.root.hidden = job.objectives.length < 2;
  }

  get index() {
    return Number(this.root.value || 0);
  }
}
