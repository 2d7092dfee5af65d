/** Importance: how much of the difference between the results each parameter explains; the kernel computes it. */

import { formatNumber, forPlotly, wordsForPlotly } from "../format.js";
import { ObjectiveChoice } from "./controls.js";
import { Tab, nothing } from "./tab.js";

const BARS = 20;

export class ImportanceTab extends Tab {
  constructor() {
    super("importance");
    this.objective = new ObjectiveChoice();
    this.controls = [this.objective.root];
    this.name = "";
  }

  /** @param {import("../store.js").Job} job */
  title(job) {
    return job.objectives.length && job.params.length ? "Importance" : "";
  }

  /** @param {import("../store.js").Store} store */
  prepare({ job }) {
    if (!job) return;
    this.objective.prepare(job);
    this.name = job.objectives[this.objective.index]?.metric ?? "";
  }

  /** @returns {[string, string][]} */
  wants() {
    return this.name ? [[this.name, "importance"]] : [];
  }

  settings() {
    return [this.name];
  }

  /** @param {import("../store.js").Store} store */
  version(store) {
    return store.weighed;
  }

  /** @param {import("./tab.js").Scene} scene */
  figure(scene) {
    return importanceFigure(scene, this.name);
  }
}

/**
 * @param {import("./tab.js").Scene} scene
 * @param {string} metric
 * @returns {import("./tab.js").Figure}
 */
export function importanceFigure({ store, look }, metric) {
  const found = store.importance.get(metric);
  if (!found) return nothing("How much each parameter matters will appear here: it is being computed.");
  if (!found.shares.length) return nothing(found.reason);
  const shown = found.shares.slice(0, BARS).reverse();
  const words = shown.map(([, share]) => (share < 0.001 ? "< 0.1 %" : `${formatNumber(Number((share * 100).toPrecision(3)))} %`));
  const names = wordsForPlotly(shown.map(([name]) => name), 24);
  const most = Math.max(...shown.map(([, share]) => share));
  const more = found.shares.length > BARS ? `, ${found.shares.length - BARS} smaller ones left out` : "";
  const from = found.trials < found.of ? `${found.trials} of ${found.of}` : `${found.of}`;
  return {
    data: [
      {
        type: "bar",
        orientation: "h",
        x: shown.map(([, share]) => share),
        y: names.places,
        text: words,
        textposition: "outside",
        cliponaxis: false,
        hovertext: shown.map(([name], index) => `${forPlotly(name, 60)}<br>${words[index]} of the differences in ${forPlotly(metric, 40)}`),
        hoverinfo: "text",
        marker: { color: look.running[0] },
      },
    ],
    panes: [
      {
        x: { type: "linear", tickformat: ".0%", range: [0, Math.min(1.12, most * 1.15)], fixedrange: true },
        y: { ...names.axis, automargin: true, fixedrange: true, showgrid: false },
      },
    ],
    keys: [{ label: `share of the importance, from ${from} finished trials (PED-ANOVA)${more}`, colour: look.running[0] ?? look.ink, dash: "bar", width: 9, numbers: [] }],
    empty: "",
    layout: { bargap: 0.3 },
  };
}
