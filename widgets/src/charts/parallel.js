/** Parallel coordinates: every finished trial as a line through its parameters and results. */

import { make } from "../dom.js";
import { ParallelSurface } from "./parallel_surface.js";
import { Tab } from "./tab.js";

export class ParallelTab extends Tab {
  /** @param {import("../view.js").Does} does */
  constructor(does) {
    super("parallel");
    this.surface = new ParallelSurface(does);
    const help = "Drag along an axis to select the trials of a range, its name to move it; a click ends a range.";
    this.controls = [make("span", "astraml-quiet", "Drag along an axis to select", { title: help })];
  }

  /** @param {import("../store.js").Job} job */
  title(job) {
    return job.params.length ? "Parallel" : "";
  }
}
