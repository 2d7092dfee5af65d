/** The table of trials: sorted, filtered, and only the rows in sight on the page. */

import { arranged, attemptWords, columnsOf, widthOfNumbers } from "./columns.js";
import { icon, make, setText } from "./dom.js";
import { parsed } from "./filter.js";
import { ordinal, shortState, shorten, storyOf } from "./format.js";
import { Menu } from "./menu.js";
import { Selection, between } from "./selection.js";

const ROW = 27;
const SPARE = 6;
/** So many trials are selected at once. */
const MOST = 10_000;

/**
 * @typedef {import("./columns.js").Column} Column
 * @typedef {import("./store.js").Row} Row
 */

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
      placeholder: "Filter: pruned lr<0.01",
      "aria-label": "Filter the trials",
      title: "Words that a row holds, and comparisons: lr<0.01 accuracy>=0.9 state=pruned time>2m",
    });
    this.shown = make("span", "astraml-quiet", "", { role: "status" });
    this.chosen = make("span", "astraml-chosen");
    this.chosen.hidden = true;
    this.many = make("span");
    this.clear = make("button", "astraml-link", "clear", { type: "button", "aria-label": "Clear the selection" });
    this.chosen.append(this.many, " · ", this.clear);
    /** Columns that somebody switched on or off. @type {Map<string, boolean>} */
    this.switched = new Map();
    this.menu = new Menu(listeners, "Columns", "Columns", (key) => this.#switch(key));
    const bar = make("div", "astraml-toolbar");
    bar.append(make("span", "astraml-heading", "Trials"), this.filter, this.shown, make("span", "astraml-grow"), this.chosen, this.menu.root);
    this.scroll = make("div", "astraml-scroll");
    this.table = make("table", "astraml-table", "", {
      role: "grid",
      tabindex: "0",
      "aria-label": "Trials",
      "aria-multiselectable": "true",
    });
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
    /** All columns, of which those in `specs` are shown. @type {Column[]} */
    this.all = [];
    /** @type {Column[]} */
    this.specs = [];
    /** @type {{test: import("./filter.js").Test | null, error: string}} */
    this.parsed = { test: null, error: "" };
    this.parsedOf = "";
    /** Where a range begins. @type {number | null} */
    this.anchor = null;
    this.shape = "";
    /** @type {Row[]} */
    this.rows = [];
    this.sort = { key: "n", down: true };
    this.selected = new Selection();
    this.shownSelection = -1;
    /** @type {Set<number>} */
    this.best = new Set();
    this.stamp = "";
    /** By what filter and order the rows were last arranged. */
    this.arrangedHow = "";
    /** @type {import("./store.js").Store | null} */
    this.store = null;
    listeners.on(this.filter, "input", () => this.#arrange());
    listeners.on(this.scroll, "scroll", () => this.#fill());
    listeners.on(this.scroll, "keydown", (event) => this.#move(event));
    listeners.on(this.head, "click", (event) => this.#sortBy(event.target));
    listeners.on(this.body, "click", (event) => {
      const number = event.target?.closest?.("tr[data-n]")?.dataset.n;
      if (number !== undefined) this.#click(Number(number), event);
    });
    listeners.on(this.body, "mousedown", (event) => {
      if (event.shiftKey) event.preventDefault(); // no text is marked
    });
    listeners.on(this.clear, "click", () => {
      does.select([]);
      this.table.focus({ preventScroll: true });
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
    const shape = JSON.stringify([widthOfNumbers(job), job.objectives, job.params, job.metrics, store.stale, store.wordy]);
    if (shape !== this.shape) {
      this.shape = shape;
      this.all = columnsOf(job, () => store.now(), store);
      this.parsedOf = "";
      this.#build();
    }
    const moved = selected.revision !== this.shownSelection;
    this.shownSelection = selected.revision;
    this.selected = selected;
    this.best = new Set(job.best);
    const stamp = `${store.revision} ${job.best.join()} ${this.filter.value} ${this.sort.key} ${this.sort.down}`;
    if (stamp !== this.stamp) this.#arrange();
    else this.#fill();
    this.stamp = stamp;
    if (moved) this.#tellChosen();
    if (moved && selected.size === 1 && selected.last !== null) this.#reveal(selected.last);
  }

  #tellChosen() {
    this.chosen.hidden = !this.selected.size;
    setText(this.many, `${this.selected.size} selected`);
    if (!this.selected.size) this.anchor = null;
  }

  /** @param {string} key */
  #switch(key) {
    this.switched.set(key, !this.specs.some((each) => each.key === key));
    this.#build();
    this.#fill();
  }

  #build() {
    const specs = this.all.filter((each) => this.switched.get(each.key) ?? !each.off);
    this.specs = specs;
    this.menu.update(
      this.all
        .filter((each) => each.key !== "n")
        .map((each) => ({ key: each.key, text: shorten(each.title, 40), checked: specs.includes(each) })),
    );
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
    const filter = this.filter.value.trim();
    if (filter !== this.parsedOf || !filter) {
      const read = parsed(filter, this.all);
      // While it cannot be read, what fitted before stays.
      this.parsed = read.error ? { ...this.parsed, error: read.error } : read;
      this.parsedOf = filter;
    }
    const { test, error } = this.parsed;
    const eye = this.#underTheEye();
    this.rows = arranged(all.values(), this.all, test, this.sort);
    this.table.setAttribute("aria-rowcount", String(this.rows.length + 1));
    setText(this.shown, error || (this.rows.length === all.size ? "" : `${this.rows.length} of ${all.size}`));
    this.shown.classList.toggle("is-wrong", error !== "");
    this.filter.setAttribute("aria-invalid", String(error !== ""));
    setText(
      this.empty,
      all.size ? (this.rows.length ? "" : "No trial fits the filter.") : "Trials will appear here when they start.",
    );
    this.empty.hidden = this.rows.length > 0;
    this.#keep(eye);
    this.#fill();
  }

  /** The row at the upper edge, and where it is, unless the table stands at its top: there new rows are seen to come. */
  #underTheEye() {
    const { scrollTop } = this.scroll;
    const row = this.rows[Math.floor(scrollTop / ROW)];
    return scrollTop > 0 && row ? { n: row.n, rest: scrollTop % ROW } : null;
  }

  #how() {
    return `${this.filter.value} ${this.sort.key} ${this.sort.down}`;
  }

  /**
   * Rows that come or go above the eye move nothing below it.
   * @param {{n: number, rest: number} | null} eye
   */
  #keep(eye) {
    const how = this.#how();
    const same = how === this.arrangedHow;
    this.arrangedHow = how;
    if (!same) this.scroll.scrollTop = 0; // somebody asked for another order: it begins at its top
    const index = same && eye ? this.rows.findIndex((row) => row.n === eye.n) : -1;
    if (index < 0 || !eye) return;
    setHeight(this.below, this.rows.length * ROW); // room to scroll, before the rows are filled in
    this.scroll.scrollTop = index * ROW + eye.rest;
  }

  /** Put the rows in sight on the page. */
  #fill() {
    const first = Math.max(0, Math.floor(this.scroll.scrollTop / ROW) - SPARE);
    const count = Math.ceil((this.scroll.clientHeight || 300) / ROW) + 2 * SPARE;
    const rows = this.rows.slice(first, first + count);
    this.#place(rows);
    setHeight(this.above, first * ROW);
    setHeight(this.below, Math.max(0, this.rows.length - first - rows.length) * ROW);
    rows.forEach((row, index) => {
      const element = this.pool[index];
      if (element) this.#fillRow(element, row, first + index);
    });
  }

  /**
   * Have an element for each row: a trial keeps its own, so that one more row lays out no other anew.
   * @param {Row[]} rows
   */
  #place(rows) {
    const mine = new Map(this.pool.map((element) => [Number(element.dataset.n), element]));
    const staying = rows.map((row) => mine.get(row.n));
    for (const row of rows) mine.delete(row.n);
    const free = [...mine.values()];
    for (const element of free) element.remove();
    let next = this.above.nextElementSibling;
    this.pool = staying.map((kept) => {
      const element = kept ?? free.pop() ?? this.#rowOf();
      if (element === next) next = next.nextElementSibling;
      else next?.before(element);
      return element;
    });
  }

  #rowOf() {
    const row = make("tr");
    row.append(...this.specs.map((spec) => make("td", spec.number ? "is-number" : "")));
    return row;
  }

  /**
   * @param {HTMLTableRowElement} element
   * @param {import("./store.js").Row} row
   * @param {number} index
   */
  #fillRow(element, row, index) {
    element.dataset.n = String(row.n);
    element.classList.toggle("is-last", this.selected.size > 1 && this.selected.last === row.n);
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

  /**
   * @param {number} number
   * @param {MouseEvent} event
   */
  #click(number, event) {
    this.table.focus({ preventScroll: true });
    if (event.shiftKey) return this.#reach(number);
    this.anchor = number;
    this.does.pick(number, event.ctrlKey || event.metaKey);
  }

  /**
   * Select from where the selection began to a trial.
   * @param {number} number
   */
  #reach(number) {
    this.anchor ??= this.selected.last ?? number;
    this.does.select(between(this.#order(), this.anchor, number).slice(0, MOST));
  }

  #order() {
    return this.rows.map((row) => row.n);
  }

  /** @param {KeyboardEvent} event */
  #move(event) {
    const inHead = event.target instanceof Element && event.target.closest("thead");
    if (inHead || event.altKey || !this.#key(event)) return;
    event.preventDefault();
    event.stopPropagation(); // the notebook would move to the next cell
  }

  /**
   * @param {KeyboardEvent} event
   * @returns {boolean} whether the key means something here
   */
  #key(event) {
    if (event.ctrlKey || event.metaKey) {
      if (event.key.toLowerCase() !== "a") return false;
      this.does.select(this.#order().slice(0, MOST));
      return true;
    }
    if (event.key === "Escape") {
      if (!this.selected.size) return false;
      this.does.select([]);
      return true;
    }
    const last = this.rows.length - 1;
    const page = Math.max(1, Math.floor(this.scroll.clientHeight / ROW) - 2);
    const at = this.rows.findIndex((row) => row.n === this.selected.last);
    /** @type {Record<string, number>} */
    const places = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + page, PageUp: at - page, Home: 0, End: last };
    const place = places[event.key];
    if (place === undefined) return false;
    const next = this.rows[Math.min(last, Math.max(0, at < 0 && event.key !== "End" ? 0 : place))];
    if (!next) return true;
    if (event.shiftKey) this.#reach(next.n);
    else {
      this.anchor = next.n;
      this.does.select([next.n]);
    }
    this.#reveal(next.n);
    return true;
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
