/** The table of trials: sorted, filtered, and only the rows in sight on the page. */

import { icon, make, setText } from "./dom.js";
import { formatDuration, formatNumber, ordinal, runtime, shortState, shorten, stateWords, storyOf } from "./format.js";
import { Selection } from "./selection.js";
import { objectiveOf } from "./store.js";

const ROW = 27;
const SPARE = 6;
const PARAMS = 30;

/**
 * @typedef {{
 *   key: string, title: string, width: number, number: boolean,
 *   value: (row: import("./store.js").Row) => import("./store.js").Value,
 *   text: (row: import("./store.js").Row) => string,
 * }} Column
 */

/**
 * Wide enough for the title, within reason.
 * @param {string} title
 * @param {number} least
 */
const widthFor = (title, least) => Math.min(150, Math.max(least, Math.ceil(title.length * 7.2) + 34));

/**
 * The columns of a job.
 * @param {import("./store.js").Job} job
 * @param {() => number} now
 * @param {{stale: boolean, wordy: boolean}} [how] whether nobody runs it and what ran was cut off; whether states are long
 * @returns {Column[]}
 */
export function columnsOf(job, now, { stale, wordy } = { stale: false, wordy: false }) {
  /** @type {Column[]} */
  const results = job.objectives.map((objective, index) => ({
    key: `objective ${index}`,
    title: objective.metric,
    width: widthFor(objective.metric, 72),
    number: true,
    value: (row) => objectiveOf(row, job, index),
    text: (row) => formatNumber(objectiveOf(row, job, index)),
  }));
  /** @type {Column[]} */
  const params = job.params.slice(0, PARAMS).map((name) => ({
    key: `param ${name}`,
    title: name,
    width: widthFor(name, 72),
    number: true,
    value: (row) => row.params[name] ?? null,
    text: (row) => shorten(formatNumber(row.params[name] ?? null), 40),
  }));
  /** @param {import("./store.js").Row} row */
  const state = (row) => [stateWords(row, stale), attemptWords(row)].filter(Boolean).join(", ");
  return [
    { key: "n", title: "#", width: 42, number: true, value: (row) => row.n, text: (row) => String(row.n) },
    { key: "state", title: "state", width: wordy ? 148 : 98, number: false, value: state, text: state },
    ...results,
    ...params,
    {
      key: "reason",
      title: "what happened",
      width: 240,
      number: false,
      value: (row) => storyOf(row, stale),
      text: (row) => storyOf(row, stale),
    },
    {
      key: "time",
      title: "time",
      width: 72,
      number: true,
      value: (row) => runtime(row, now()),
      text: (row) => {
        const seconds = runtime(row, now());
        return seconds === null ? "" : formatDuration(seconds);
      },
    },
  ];
}

/** @param {import("./store.js").Row} row */
export const attemptWords = (row) => ((row.attempt ?? 1) > 1 ? `${ordinal(row.attempt ?? 1)} attempt` : "");

/**
 * The rows that a filter leaves, in order: every word of the filter has to be somewhere in the row.
 * @param {Iterable<import("./store.js").Row>} rows
 * @param {Column[]} columns
 * @param {string} filter
 * @param {{key: string, down: boolean}} sort
 */
export function arranged(rows, columns, filter, sort) {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  const column = columns.find((each) => each.key === sort.key) ?? columns[0];
  const kept = [];
  for (const row of rows) {
    if (words.length) {
      const text = columns.map((each) => `${each.title}=${each.text(row)}`).join(" ").toLowerCase();
      if (!words.every((word) => text.includes(word))) continue;
    }
    kept.push(row);
  }
  if (!column) return kept;
  const sign = sort.down ? -1 : 1;
  const keyed = kept.map((row) => ({ row, value: column.value(row) }));
  keyed.sort((one, other) => {
    const nothing = Number(isNothing(one.value)) - Number(isNothing(other.value)); // at the end, both ways
    return nothing || sign * compared(one.value, other.value) || other.row.n - one.row.n;
  });
  return keyed.map(({ row }) => row);
}

/** @param {unknown} value */
const isNothing = (value) => value === null || value === "" || value === "NaN";

/**
 * @param {unknown} one
 * @param {unknown} other
 */
function compared(one, other) {
  if (typeof one === "number" && typeof other === "number") return one - other;
  return String(one).localeCompare(String(other), "en", { numeric: true });
}

export class Table {
  /**
   * @param {import("./dom.js").Listeners} listeners
   * @param {import("./view.js").Does} does
   */
  constructor(listeners, does) {
    this.listeners = listeners;
    this.does = does;
    this.root = make("section", "astraml-trials", "", { "aria-label": "Trials" });
    this.filter = make("input", "astraml-filter", "", {
      type: "search",
      placeholder: "Filter: pruned, relu, …",
      "aria-label": "Filter the trials",
    });
    this.shown = make("span", "astraml-quiet", "", { role: "status" });
    const bar = make("div", "astraml-toolbar");
    bar.append(make("span", "astraml-heading", "Trials"), this.filter, this.shown);
    this.scroll = make("div", "astraml-scroll", "", { tabindex: "0", role: "group", "aria-label": "Table of trials" });
    this.table = make("table", "astraml-table", "", { role: "grid" });
    this.columns = make("colgroup");
    this.head = make("tr");
    this.body = make("tbody");
    const thead = make("thead");
    thead.append(this.head);
    this.table.append(this.columns, thead, this.body);
    this.empty = make("p", "astraml-empty", "Trials will appear here when they start.");
    this.scroll.append(this.table, this.empty);
    this.root.append(bar, this.scroll);
    this.above = make("tr", "astraml-space");
    this.below = make("tr", "astraml-space");
    this.above.append(make("td"));
    this.below.append(make("td"));
    this.body.append(this.above, this.below);
    /** @type {HTMLTableRowElement[]} */
    this.pool = [];
    /** @type {Column[]} */
    this.specs = [];
    this.shape = "";
    /** @type {import("./store.js").Row[]} */
    this.rows = [];
    this.sort = { key: "n", down: true };
    this.selected = new Selection();
    this.shownSelection = -1;
    /** @type {Set<number>} */
    this.best = new Set();
    this.stamp = "";
    /** @type {import("./store.js").Store | null} */
    this.store = null;
    listeners.on(this.filter, "input", () => this.#arrange());
    listeners.on(this.scroll, "scroll", () => this.#fill());
    listeners.on(this.scroll, "keydown", (event) => this.#move(event));
    listeners.on(this.head, "click", (event) => this.#sortBy(event.target));
    listeners.on(this.body, "click", (event) => {
      const number = event.target?.closest?.("tr[data-n]")?.dataset.n;
      if (number !== undefined) does.pick(Number(number), event.ctrlKey || event.metaKey);
    });
  }

  /**
   * @param {import("./store.js").Store} store
   * @param {import("./selection.js").Selection} selected
   */
  update(store, selected) {
    const job = store.job;
    if (!job) return;
    this.store = store;
    const shape = JSON.stringify([job.objectives, job.params, store.stale, store.wordy]);
    if (shape !== this.shape) {
      this.shape = shape;
      this.#build(columnsOf(job, () => store.now(), store));
    }
    const moved = selected.revision !== this.shownSelection;
    this.shownSelection = selected.revision;
    this.selected = selected;
    this.best = new Set(job.best);
    const stamp = `${store.revision} ${job.best.join()} ${this.filter.value} ${this.sort.key} ${this.sort.down}`;
    if (stamp !== this.stamp) this.#arrange();
    else this.#fill();
    this.stamp = stamp;
    if (moved && selected.size === 1 && selected.last !== null) this.#reveal(selected.last);
  }

  /** @param {Column[]} specs */
  #build(specs) {
    this.specs = specs;
    this.columns.replaceChildren(
      ...specs.map((spec) => {
        const column = make("col");
        column.style.width = `${spec.width}px`;
        return column;
      }),
    );
    this.table.style.minWidth = `${specs.reduce((sum, spec) => sum + spec.width, 0)}px`;
    this.head.replaceChildren(
      ...specs.map((spec) => {
        const cell = make("th", spec.number ? "is-number" : "", "", { scope: "col" });
        const button = make("button", "", shorten(spec.title, 40), { type: "button", title: `Sort by ${shorten(spec.title, 80)}` });
        button.dataset.key = spec.key;
        cell.append(button);
        return cell;
      }),
    );
    for (const row of this.pool.splice(0)) row.remove();
    for (const space of [this.above, this.below]) space.firstElementChild?.setAttribute("colspan", String(specs.length));
    this.#markSort();
  }

  /** @param {unknown} target */
  #sortBy(target) {
    const key = target instanceof HTMLElement ? target.dataset.key : undefined;
    if (!key) return;
    const same = this.sort.key === key;
    const up = this.store?.job?.objectives[Number(key.replace("objective ", ""))]?.maximize === false;
    this.sort = { key, down: same ? !this.sort.down : key.startsWith("objective") ? !up : key === "n" };
    this.#markSort();
    this.#arrange();
  }

  #markSort() {
    this.specs.forEach((spec, index) => {
      const cell = this.head.children[index];
      const mine = spec.key === this.sort.key;
      cell?.setAttribute("aria-sort", mine ? (this.sort.down ? "descending" : "ascending") : "none");
    });
  }

  #arrange() {
    if (!this.store) return;
    const all = this.store.rows;
    this.rows = arranged(all.values(), this.specs, this.filter.value, this.sort);
    this.table.setAttribute("aria-rowcount", String(this.rows.length + 1));
    setText(this.shown, this.rows.length === all.size ? "" : `${this.rows.length} of ${all.size}`);
    setText(
      this.empty,
      all.size ? (this.rows.length ? "" : "No trial fits the filter.") : "Trials will appear here when they start.",
    );
    this.empty.hidden = this.rows.length > 0;
    this.#fill();
  }

  /** Put the rows in sight on the page. */
  #fill() {
    const first = Math.max(0, Math.floor(this.scroll.scrollTop / ROW) - SPARE);
    const count = Math.ceil((this.scroll.clientHeight || 300) / ROW) + 2 * SPARE;
    const rows = this.rows.slice(first, first + count);
    while (this.pool.length < rows.length) {
      const row = make("tr");
      row.append(...this.specs.map((spec) => make("td", spec.number ? "is-number" : "")));
      this.pool.push(row);
      this.below.before(row);
    }
    for (const row of this.pool.splice(rows.length)) row.remove();
    setHeight(this.above, first * ROW);
    setHeight(this.below, Math.max(0, this.rows.length - first - rows.length) * ROW);
    rows.forEach((row, index) => {
      const element = this.pool[index];
      if (element) this.#fillRow(element, row, first + index);
    });
  }

  /**
   * @param {HTMLTableRowElement} element
   * @param {import("./store.js").Row} row
   * @param {number} index
   */
  #fillRow(element, row, index) {
    element.dataset.n = String(row.n);
    const stale = this.store?.stale ?? false;
    element.title = [storyOf(row, stale), ...(row.notes ?? [])].filter(Boolean).join("\n"); // its column may be out of sight
    element.setAttribute("aria-rowindex", String(index + 2));
    element.setAttribute("aria-selected", String(this.selected.has(row.n)));
    element.classList.toggle("is-best", this.best.has(row.n));
    this.specs.forEach((spec, column) => {
      const cell = element.cells[column];
      if (!cell) return;
      const text = spec.text(row);
      if (spec.key !== "state") {
        setText(cell, text);
      } else if (cell.dataset.text !== text) {
        cell.dataset.text = text;
        const cut = stale && row.state === "RUNNING";
        cell.dataset.state = row.kind === "infeasible" ? "INFEASIBLE" : cut ? "STALE" : row.state;
        cell.replaceChildren(icon(cell.dataset.state));
        cell.append(make("span", "", shortState(row, stale)));
        const attempt = attemptWords(row);
        if (attempt) cell.append(make("span", "astraml-attempt", ordinal(row.attempt ?? 1), { title: attempt }));
      }
    });
  }

  /** @param {KeyboardEvent} event */
  #move(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || !this.rows.length) return;
    event.preventDefault();
    event.stopPropagation(); // the notebook would move to the next cell
    const at = this.rows.findIndex((row) => row.n === this.selected.last);
    const next = this.rows[Math.min(this.rows.length - 1, Math.max(0, at < 0 ? 0 : at + step))];
    if (next) this.does.pick(next.n);
  }

  /** @param {number} number */
  #reveal(number) {
    const index = this.rows.findIndex((row) => row.n === number);
    if (index < 0) return;
    const top = index * ROW;
    const { scrollTop, clientHeight } = this.scroll;
    if (top < scrollTop) this.scroll.scrollTop = top;
    else if (top + 2 * ROW > scrollTop + clientHeight) this.scroll.scrollTop = top + 2 * ROW - clientHeight;
    this.#fill();
  }
}

/**
 * @param {HTMLTableRowElement} space
 * @param {number} pixels
 */
function setHeight(space, pixels) {
  const cell = space.firstElementChild;
  if (cell instanceof HTMLElement) cell.style.height = `${pixels}px`;
  space.hidden = pixels === 0;
}
