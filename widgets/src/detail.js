/** The trial that was clicked: its parameters against the best, why it ended, its log. */

import { icon, make, setText } from "./dom.js";
import { formatDuration, formatNumber, runtime, shorten, stateWords } from "./format.js";

export class Detail {
  /**
   * @param {import("./dom.js").Listeners} listeners
   * @param {() => void} onClose
   */
  constructor(listeners, onClose) {
    this.root = make("section", "astraml-detail", "", { "aria-label": "The selected trial" });
    this.root.hidden = true;
    this.title = make("div", "astraml-detail-title");
    this.close = make("button", "astraml-button", "Close", { type: "button" });
    this.copy = make("button", "astraml-button", "Copy parameters", { type: "button" });
    const bar = make("div", "astraml-toolbar");
    bar.append(this.title, make("span", "astraml-grow"), this.copy, this.close);
    this.reason = make("p", "astraml-reason");
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
    this.root.append(bar, this.reason, body);
    this.stamp = "";
    this.shownParams = {};
    listeners.on(this.close, "click", onClose);
    listeners.on(this.root, "keydown", (event) => {
      if (event.key === "Escape") onClose();
    });
    listeners.on(this.copy, "click", () => {
      void navigator.clipboard?.writeText(JSON.stringify(this.shownParams, null, 2));
      setText(this.copy, "Copied");
      setTimeout(() => setText(this.copy, "Copy parameters"), 1500);
    });
  }

  /**
   * @param {import("./store.js").Store} store
   * @param {number | null} number
   */
  update(store, number) {
    const row = number === null ? undefined : store.rows.get(number);
    this.root.hidden = !row;
    const job = store.job;
    if (!row || !job) return;
    const best = store.rows.get(job.best[0] ?? -1);
    const other = best && best.n !== row.n ? best : undefined;
    const stamp = JSON.stringify([row, other?.n, job.best]);
    if (stamp !== this.stamp) {
      this.stamp = stamp;
      this.#facts(row, other, store);
    }
    this.#texts(store.details.get(row.n));
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
      stateWords(row),
      seconds === null ? "" : formatDuration(seconds),
      row.device ? `on ${row.device}` : "",
      row.step === undefined ? "" : `step ${row.step}`,
      store.job?.best.includes(row.n) ? ((store.job?.objectives.length ?? 1) > 1 ? "on the Pareto front" : "the best") : "",
    ];
    this.title.replaceChildren(
      make("strong", "", `Trial ${row.n}`),
      icon(row.state),
      make("span", "", words.filter(Boolean).join(" · ")),
    );
    this.title.dataset.state = row.state;
    const notes = [row.reason, ...(row.notes ?? [])].filter(Boolean).join("  ");
    setText(this.reason, notes);
    this.reason.hidden = !notes;
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
