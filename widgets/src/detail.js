/** The selected trials: one with its parameters against the best, why it ended and its log; several side by side. */

import { Banner } from "./banner.js";
import { Beside } from "./beside.js";
import { fill, icon, make, setText } from "./dom.js";
import { formatBytes, formatDuration, formatNumber, ordinal, runtime, shorten, stateWords, storyOf, tuneLine } from "./format.js";
import { copyText } from "./notebook.js";

const COPIED = 1500;
/** Bytes on disk below which nobody cares. */
const LITTLE = 1e6;
const DEBUG = "in a cell: shows all about this trial and writes a cell that runs it in the foreground.";

export class Detail {
  /**
   * @param {import("./dom.js").Listeners} listeners
   * @param {import("./view.js").Does} does
   */
  constructor(listeners, does) {
    const onClose = () => does.select([]);
    this.root = make("section", "astraml-detail", "", { "aria-label": "The selected trials" });
    this.root.hidden = true;
    this.title = make("div", "astraml-detail-title");
    this.close = make("button", "astraml-button", "Close", { type: "button" });
    this.copy = make("button", "astraml-button", "Copy parameters", { type: "button" });
    this.stop = make("button", "astraml-button is-danger", "Stop trial", { type: "button" });
    this.rerun = make("button", "astraml-button", "Run again", { type: "button" });
    this.rerun.title = "Try the same parameters once more, next, with a seed of its own";
    this.debug = make("button", "astraml-button", "Debug", { type: "button", "aria-expanded": "false" });
    this.near = make("button", "astraml-button", "Try near this", { type: "button" });
    this.near.title = "A form with these values, to try them changed";
    this.asCell = make("button", "astraml-button", "As cell", { type: "button" });
    this.asCell.title = "A new cell that runs this configuration in the foreground";
    this.notebook = make("button", "astraml-button", "Open notebook", { type: "button" });
    this.notebook.title = "The executed notebook of this trial: opened where the server has it, else downloaded";
    this.narrow = make("button", "astraml-button", "Narrow to these", { type: "button" });
    this.narrow.title = "A new cell that searches around these trials";
    const bar = make("div", "astraml-toolbar");
    const buttons = make("div", "astraml-actions");
    /** Buttons of one trial. */
    this.ofOne = [this.stop, this.rerun, this.notebook, this.near, this.asCell, this.debug, this.copy];
    buttons.append(...this.ofOne, this.narrow, this.close);
    bar.append(this.title, make("span", "astraml-grow"), buttons);
    this.reason = make("div", "astraml-reason");
    this.line = make("div", "astraml-line");
    this.line.hidden = true;
    this.command = make("code", "astraml-command");
    this.copyLine = make("button", "astraml-button", "Copy", { type: "button" });
    this.line.append(this.command, this.copyLine, make("span", "astraml-quiet", DEBUG));
    this.params = make("table", "astraml-table is-plain");
    this.metrics = make("table", "astraml-table is-plain");
    const left = make("div", "astraml-facts");
    left.append(this.params, this.metrics);
    this.traceback = make("pre", "astraml-log is-traceback", "", { tabindex: "0", "aria-label": "Traceback" });
    this.log = make("pre", "astraml-log", "", { tabindex: "0", "aria-label": "Log" });
    this.logTitle = make("div", "astraml-heading", "Log");
    const right = make("div", "astraml-logs");
    right.append(this.traceback, this.logTitle, this.log);
    const body = make("div", "astraml-detail-body");
    body.append(left, right);
    this.banner = new Banner();
    this.one = make("div");
    this.why = make("div", "astraml-quiet astraml-why");
    this.one.append(this.line, this.reason, this.why, body);
    this.beside = new Beside();
    this.root.append(bar, this.banner.root, this.one, this.beside.root);
    this.stamp = "";
    /** What the title says of several trials. */
    this.titled = "";
    /** Whether the job's space is known beforehand. */
    this.spacious = false;
    this.number = NaN;
    this.shownParams = {};
    listeners.on(this.stop, "click", () => does.act("stop_trial", this.number));
    listeners.on(this.rerun, "click", () => does.act("rerun", this.number));
    listeners.on(this.near, "click", () => does.open("point", this.number));
    listeners.on(this.asCell, "click", () => does.act("trial_cell", this.number));
    listeners.on(this.notebook, "click", () => does.act("notebook", this.number));
    listeners.on(this.narrow, "click", () => does.narrow());
    listeners.on(this.beside.root, "click", (event) => {
      const { open } = event.target instanceof HTMLElement ? event.target.dataset : {};
      if (open !== undefined) does.select([Number(open)]);
    });
    listeners.on(this.debug, "click", () => this.#openLine(Boolean(this.line.hidden)));
    listeners.on(this.close, "click", onClose);
    listeners.on(this.root, "keydown", (event) => {
      if (event.key === "Escape") onClose();
    });
    listeners.on(this.copy, "click", () => copied(this.copy, JSON.stringify(this.shownParams, null, 2)));
    listeners.on(this.copyLine, "click", () => copied(this.copyLine, this.command.textContent ?? ""));
  }

  /** @param {boolean} open */
  #openLine(open) {
    this.line.hidden = !open;
    this.debug.setAttribute("aria-expanded", String(open));
  }

  /**
   * @param {import("./store.js").Store} store
   * @param {import("./selection.js").Selection} selection
   * @param {string[]} can
   * @param {import("./asked.js").Asked} asked
   */
  update(store, selection, can, asked) {
    const rows = selection.opened.map((number) => store.rows.get(number)).filter((each) => each !== undefined);
    const [row] = rows;
    this.root.hidden = !row;
    const job = store.job;
    if (!row || !job) return;
    const several = rows.length > 1;
    this.one.hidden = several;
    this.beside.update(rows, store);
    this.spacious = Object.keys(store.space).length > 0;
    this.narrow.hidden = !several || !can.includes("narrow") || !this.spacious;
    for (const button of this.ofOne) button.hidden = several;
    if (several) return this.#titleOfSeveral(selection.size, rows.length);
    if (row.n !== this.number) this.#openLine(false);
    this.number = row.n;
    setText(this.command, tuneLine("debug", job, String(row.n)));
    this.#updateButtons(row, job, can, asked);
    const best = store.rows.get(job.best[0] ?? -1);
    const other = best && best.n !== row.n ? best : undefined;
    const stamp = JSON.stringify([row, other?.n, job.best, store.stale]);
    if (stamp !== this.stamp || this.titled) {
      this.titled = "";
      this.stamp = stamp;
      this.#facts(row, other, store);
    }
    this.#texts(store.details.get(row.n));
  }

  /**
   * @param {number} count
   * @param {number} shown
   */
  #titleOfSeveral(count, shown) {
    const words = count > shown ? `${count} trials selected` : `${count} trials side by side`;
    if (this.titled === words) return;
    this.titled = words;
    delete this.title.dataset.state;
    this.title.replaceChildren(make("strong", "", words));
    if (count > shown) this.title.append(make("span", "astraml-quiet", `the first ${shown} side by side`));
  }

  /**
   * @param {import("./store.js").Row} row
   * @param {import("./store.js").Job} job
   * @param {string[]} can
   * @param {import("./asked.js").Asked} asked
   */
  #updateButtons(row, job, can, asked) {
    const alive = !job.ended && job.state !== "STALE";
    const stopping = asked.waits("stop_trial", row.n);
    this.stop.hidden = !(alive && row.state === "RUNNING" && can.includes("stop_trial"));
    this.stop.disabled = stopping;
    setText(this.stop, stopping ? "Stopping…" : "Stop trial");
    this.stop.title = stopping ? "It ends at its next report" : "End this trial at its next report; the job goes on";
    const asking = asked.waits("rerun", row.n);
    const over = !["RUNNING", "WAITING"].includes(row.state);
    const moves = !["STOPPING", "STALE"].includes(job.state);
    this.rerun.hidden = !(moves && over && can.includes("rerun"));
    this.near.hidden = !(moves && can.includes("enqueue") && this.spacious);
    this.notebook.hidden = !can.includes("notebook") || row.state === "WAITING";
    this.notebook.disabled = asked.waits("notebook", row.n);
    this.asCell.hidden = !can.includes("trial_cell");
    this.asCell.disabled = asked.waits("trial_cell", row.n);
    this.rerun.disabled = asking;
  }

  /**
   * @param {import("./store.js").Row} row
   * @param {import("./store.js").Row | undefined} best
   * @param {import("./store.js").Store} store
   */
  #facts(row, best, store) {
    this.shownParams = row.params;
    const seconds = runtime(row, store.now());
    const words = [
      stateWords(row, store.stale),
      (row.attempt ?? 1) > 1 ? `${ordinal(row.attempt ?? 1)} attempt` : "",
      seconds === null ? "" : formatDuration(seconds),
      row.device ? `on ${row.device}` : "",
      row.step === undefined ? "" : `step ${row.step}`,
      row.disk && row.disk >= LITTLE ? `${formatBytes(row.disk)} on disk` : "",
      store.job?.best.includes(row.n) ? ((store.job?.objectives.length ?? 1) > 1 ? "on the Pareto front" : "the best") : "",
    ];
    this.title.replaceChildren(
      make("strong", "", `Trial ${row.n}`),
      icon(store.stale && row.state === "RUNNING" ? "STALE" : row.state),
      make("span", "", words.filter(Boolean).join(" · ")),
    );
    this.title.dataset.state = store.stale && row.state === "RUNNING" ? "STALE" : row.state;
    const story = storyOf(row, store.stale);
    const notes = (row.notes ?? []).filter((note) => !story.endsWith(note));
    this.reason.replaceChildren(...[story, ...notes].filter(Boolean).map((text) => fill(make("p"), text)));
    this.reason.hidden = !story && !notes.length;
    const head = ["parameter", "value", ...(best ? [`best (trial ${best.n})`] : [])];
    const names = Object.keys(row.params);
    this.params.replaceChildren(
      headOf(head),
      ...names.map((name) => {
        const mine = row.params[name] ?? null;
        const theirs = best?.params[name] ?? null;
        const line = lineOf([shorten(name, 60), valueWords(mine), ...(best ? [valueWords(theirs)] : [])]);
        if (best && mine !== theirs) line.classList.add("is-different");
        return line;
      }),
    );
    const metrics = Object.entries(row.metrics);
    this.metrics.hidden = !metrics.length;
    this.metrics.replaceChildren(
      headOf(["metric", "last report", ...(best ? [`best (trial ${best.n})`] : [])]),
      ...metrics.map(([name, value]) =>
        lineOf([shorten(name, 60), formatNumber(value), ...(best ? [formatNumber(best.metrics[name] ?? null)] : [])]),
      ),
    );
  }

  /** @param {import("./store.js").Detail | undefined} detail */
  #texts(detail) {
    this.why.hidden = !detail?.why;
    setText(this.why, detail?.why ? `Why this point: ${detail.why}` : "");
    const traceback = detail?.traceback ?? "";
    setText(this.traceback, traceback);
    this.traceback.hidden = !traceback;
    const log = detail ? detail.log.join("\n") || "This trial has printed nothing." : "Reading the log …";
    if (this.log.textContent === log) return;
    const { scrollTop, scrollHeight, clientHeight } = this.log;
    const following = scrollTop + clientHeight >= scrollHeight - 8;
    this.log.textContent = log;
    if (following) this.log.scrollTop = this.log.scrollHeight;
  }
}

/**
 * Copy a text, and say so on the button.
 * @param {HTMLButtonElement} button
 * @param {string} text
 */
function copied(button, text) {
  const words = button.dataset.words ?? button.textContent ?? "";
  button.dataset.words = words;
  void copyText(text).then((done) => setText(button, done ? "Copied" : "Not copied"));
  setTimeout(() => setText(button, words), COPIED);
}

/** @param {import("./store.js").Value} value */
const valueWords = (value) => (value === null ? "not active" : shorten(formatNumber(value), 60));

/** @param {string[]} titles */
function headOf(titles) {
  const row = make("tr");
  row.append(...titles.map((title) => make("th", "", title, { scope: "col" })));
  const head = make("thead");
  head.append(row);
  return head;
}

/** @param {string[]} texts */
function lineOf(texts) {
  const row = make("tr");
  row.append(...texts.map((text) => make("td", "", text)));
  return row;
}
