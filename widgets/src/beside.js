/** Two to five trials side by side: where they differ, and how they did. */

import { icon, make } from "./dom.js";
import { formatDuration, formatNumber, ordinal, runtime, shorten, stateWords, storyOf } from "./format.js";
import { objectiveOf } from "./store.js";

/**
 * @typedef {import("./store.js").Row} Row
 * @typedef {{title: string, cells: string[], kind: "state" | "text" | "result" | "param"}} Line
 */

export class Beside {
  constructor() {
    this.root = make("div", "astraml-beside");
    this.root.hidden = true;
    this.stamp = "";
  }

  /**
   * @param {Row[]} rows
   * @param {import("./store.js").Store} store
   */
  update(rows, store) {
    const { job } = store;
    this.root.hidden = rows.length < 2;
    if (!job || this.root.hidden) return;
    const stamp = JSON.stringify([rows, job.best, job.params, store.stale]);
    if (stamp === this.stamp) return;
    this.stamp = stamp;
    const table = make("table", "astraml-table is-plain is-beside");
    const head = make("tr");
    head.append(make("th", "", "", { scope: "col" }), ...rows.map((row) => headOf(row, store)));
    const body = make("tbody");
    body.append(...linesOf(rows, store).map((line) => elementOf(line, rows, store)));
    const thead = make("thead");
    thead.append(head);
    table.append(thead, body);
    this.root.replaceChildren(table);
  }
}

/**
 * What is compared, line by line: results, parameters (those that differ first), other metrics, and the rest.
 * @param {Row[]} rows
 * @param {import("./store.js").Store} store
 * @returns {Line[]}
 */
export function linesOf(rows, store) {
  const { job } = store;
  if (!job) return [];
  /** @type {Line[]} */
  const results = job.objectives.map((objective, index) => ({
    title: objective.metric,
    cells: rows.map((row) => formatNumber(objectiveOf(row, job, index))),
    kind: "result",
  }));
  const params = job.params
    .map((name) => ({ title: name, cells: rows.map((row) => paramWords(row.params[name])), kind: /** @type {const} */ ("param") }))
    .sort((one, other) => Number(differ(other)) - Number(differ(one)));
  const goals = new Set(job.objectives.map((objective) => objective.metric));
  const names = new Set(rows.flatMap((row) => Object.keys(row.metrics)).filter((name) => !goals.has(name)));
  /** @type {Line[]} */
  const metrics = [...names].map((name) => ({ title: name, cells: rows.map((row) => formatNumber(row.metrics[name])), kind: "text" }));
  /** @param {string} title @param {(row: Row) => string} words @returns {Line} */
  const line = (title, words) => ({ title, cells: rows.map(words), kind: "text" });
  const rest = [
    line("last step", (row) => formatNumber(row.step)),
    line("time", (row) => {
      const seconds = runtime(row, store.now());
      return seconds === null ? "" : formatDuration(seconds);
    }),
    line("device", (row) => row.device ?? ""),
    line("attempt", (row) => ((row.attempt ?? 1) > 1 ? ordinal(row.attempt ?? 1) : "")),
    line("what happened", (row) => storyOf(row, store.stale)),
  ];
  return [...results, ...params, ...metrics, ...rest].filter(({ cells }) => cells.some(Boolean));
}

/** @param {Line} line */
export const differ = ({ cells }) => new Set(cells).size > 1;

/** @param {import("./store.js").Value | undefined} value */
const paramWords = (value) => (value === null || value === undefined ? "not active" : shorten(formatNumber(value), 60));

/**
 * @param {Row} row
 * @param {import("./store.js").Store} store
 */
function headOf(row, store) {
  const head = make("th", "", "", { scope: "col" });
  const open = make("button", "astraml-link", `Trial ${row.n}`, { type: "button", title: `Open trial ${row.n} alone` });
  open.dataset.open = String(row.n);
  const state = make("div", "astraml-beside-state");
  const cut = store.stale && row.state === "RUNNING";
  state.dataset.state = row.kind === "infeasible" ? "INFEASIBLE" : cut ? "STALE" : row.state;
  const best = store.job?.best.includes(row.n) ? ((store.job.objectives.length > 1 && " · on the front") || " · best") : "";
  state.append(icon(state.dataset.state), make("span", "", stateWords(row, store.stale)), make("b", "astraml-best-word", best));
  head.append(open, state);
  return head;
}

/**
 * @param {Line} line
 * @param {Row[]} rows
 * @param {import("./store.js").Store} store
 */
function elementOf(line, rows, store) {
  const row = make("tr", `is-${line.kind}`);
  row.append(make("th", "", shorten(line.title, 60), { scope: "row", title: line.title }));
  const marked = line.kind === "param" && differ(line);
  row.classList.toggle("is-different", marked);
  if (marked) row.title = "They differ here";
  line.cells.forEach((text, index) => {
    const cell = make("td", "", text);
    if (line.kind === "result" && store.job?.best.includes(rows[index]?.n ?? -1)) cell.classList.add("is-best");
    row.append(cell);
  });
  return row;
}
