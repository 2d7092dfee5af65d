/** A page's knowledge of a job, made up for what draws it. */

import { Selection } from "../src/selection.js";
import { Store } from "../src/store.js";

/** @type {import("../src/look.js").Look} */
const LOOK = {
  dark: false, ink: "#000", quiet: "#555", grid: "#ddd", paper: "#fff", font: "sans", best: "#d55e00",
  finished: "#789", band: "#eee", selected: "#000", running: ["#00f"], states: {},
};

/** @param {Partial<import("../src/store.js").Job>} job @param {Partial<import("../src/store.js").Row>[]} rows */
export function storeOf(job, rows) {
  const store = new Store();
  const bare = { id: "j", objectives: [{ metric: "acc", maximize: true }], best: [], violating: [], running: [], params: [], metrics: [] };
  store.job = /** @type {any} */ ({ ...bare, ...job });
  for (const row of rows) store.rows.set(Number(row.n), /** @type {any} */ ({ params: {}, metrics: {}, state: "COMPLETE", ...row }));
  return store;
}

/**
 * @param {Partial<import("../src/store.js").Job>} job
 * @param {Partial<import("../src/store.js").Row>[]} rows
 * @param {number[]} [selected]
 * @returns {import("../src/charts/tab.js").Scene}
 */
export function sceneOf(job, rows, selected = []) {
  return { store: storeOf(job, rows), look: LOOK, selected: new Selection(selected), width: 600, height: 300 };
}

/** @param {string} metric @param {boolean} [maximize] */
export const objective = (metric, maximize = true) => ({ metric, maximize });
