/** The top of the dashboard: what the job is, how far, what is best, what runs; and its buttons. */

import { Banner } from "./banner.js";
import { fill, icon, make, setText } from "./dom.js";
import { Menu } from "./menu.js";
import { formatBytes, formatDuration, formatEstimate, formatNumber, shorten } from "./format.js";
import { objectiveOf } from "./store.js";

const SHARES = ["COMPLETE", "PRUNED", "FAILED", "INFEASIBLE", "RUNNING"];
const PARAMS = 5;
/** Bytes on disk from which on they are worth a word. */
const MUCH = 100e6;
/** What a button says while the job has not followed it yet. @type {Record<string, string>} */
const UNDER_WAY = { pause: "Pausing…", resume: "Resuming…", stop: "Stopping…" };

/**
 * How many seconds a job has run for: during a pause the clock stands still.
 * @param {Pick<import("./store.js").Job, "started" | "stopped" | "stands" | "held">} job
 * @param {number} now
 */
export function ranFor({ started, stopped, stands, held }, now) {
  return (stopped ?? stands ?? now) - (started ?? now) - held;
}

export class Header {
  /**
   * @param {import("./dom.js").Listeners} listeners
   * @param {import("./view.js").Does} does
   */
  constructor(listeners, does) {
    this.root = make("header", "astraml-header");
    this.name = make("strong", "astraml-name");
    this.chip = make("span", "astraml-chip");
    this.count = make("span", "astraml-count");
    this.bar = make("div", "astraml-bar", "", { role: "progressbar", "aria-label": "finished trials" });
    this.shares = SHARES.map((state) => make("i", `is-${state.toLowerCase()}`));
    this.bar.append(...this.shares);
    this.time = make("span", "astraml-time");
    this.buttons = make("span", "astraml-buttons");
    this.pause = make("button", "astraml-button", "Pause", { type: "button" });
    this.stop = make("button", "astraml-button is-danger", "Stop", { type: "button" });
    this.confirm = make("span", "astraml-confirm", "", { role: "group", "aria-label": "Stop the job?" });
    this.question = make("span");
    this.yes = make("button", "astraml-button is-danger", "Stop now", { type: "button" });
    this.no = make("button", "astraml-button", "Keep running", { type: "button" });
    this.confirm.append(this.question, this.yes, this.no);
    this.confirm.hidden = true;
    this.menu = new Menu(listeners, "⋯", "More to do with this job", (key) => {
      if (key === "more" || key === "point") does.open(key);
      else if (key === "narrow") does.narrow();
      else does.act(key);
    });
    this.buttons.append(this.pause, this.stop, this.confirm, this.menu.root);
    this.best = make("div", "astraml-best");
    this.running = make("div", "astraml-running");
    this.reason = make("div", "astraml-note");
    this.banner = new Banner();
    this.notes = make("ul", "astraml-notes");
    this.more = make("button", "astraml-link astraml-more", "more", { type: "button", "aria-expanded": "false" });
    this.more.hidden = true;
    this.where = make("span", "astraml-where");
    this.service = make("span", "astraml-badge");
    const first = make("div", "astraml-row");
    const title = make("div", "astraml-title");
    title.append(this.name, this.chip, this.service, this.where);
    const progress = make("div", "astraml-progress");
    progress.append(this.count, this.bar, this.time);
    first.append(title, progress, this.buttons);
    const second = make("div", "astraml-row is-second");
    second.append(this.best, this.running);
    this.root.append(first, second, this.banner.root, this.reason, this.notes, this.more);
    listeners.on(this.more, "click", () => {
      const open = this.notes.classList.toggle("is-open");
      this.more.setAttribute("aria-expanded", String(open));
      setText(this.more, open ? "less" : "more");
    });

    this.bestNumber = NaN;
    listeners.on(this.best, "click", (event) => {
      if (event.target instanceof HTMLButtonElement) does.pick(this.bestNumber);
    });
    listeners.on(this.stop, "click", () => this.#ask(true));
    listeners.on(this.no, "click", () => this.#ask(false));
    listeners.on(this.confirm, "keydown", (event) => {
      if (event.key === "Escape") this.#ask(false);
    });
    listeners.on(this.yes, "click", () => {
      this.#ask(false);
      does.act("stop");
    });
    listeners.on(this.pause, "click", () => does.act(this.pause.dataset.action ?? "pause"));
  }

  /** @param {boolean} open */
  #ask(open) {
    this.confirm.hidden = !open;
    this.stop.hidden = open;
    (open ? this.yes : this.stop).focus();
  }

  /**
   * @param {import("./store.js").Store} store
   * @param {string[]} can what the kernel can do for this view
   * @param {import("./asked.js").Asked} asked
   * @param {import("./banner.js").Link} link
   * @param {number} [selected] how many trials are selected
   */
  update(store, can, asked, link, selected = 0) {
    const job = store.job;
    if (!job) {
      setText(this.name, "…");
      setText(this.reason, link === "live" ? "Waiting for the kernel's first word." : "");
      return;
    }
    const label = job.project === "default" ? job.name : `${job.project}/${job.name}`;
    setText(this.name, shorten(label, 60));
    this.name.title = job.id;
    this.#updateChip(job, link);
    setText(this.service, job.service ?? "");
    this.service.hidden = !job.service;
    this.service.title = job.service ? `Made of a request of ${job.service}; job.request shows what became of it.` : "";
    setText(this.where, job.elsewhere ? `runs in kernel ${job.elsewhere}` : "");
    this.where.title = job.elsewhere ? "Another kernel runs this job; the buttons reach it within a second or two." : "";
    setText(this.count, [`${job.finished}/${job.trials} trials`, ...failureWords(job)].join(", "));
    this.#updateBar(job);
    this.bar.classList.toggle("is-cut", store.stale);
    this.tick(store);
    this.#updateBest(store, job);
    setText(this.running, runningWords(store, job));
    // What holds a job is the banner's.
    setText(this.reason, ["PAUSED", "STALE"].includes(job.state) || link !== "live" ? "" : job.reason);
    this.#updateNotes(notesOf(job));
    this.#updateButtons(job, can, asked);
    const entries = menuOf(store, job, can, selected);
    this.menu.root.hidden = !entries.length;
    this.menu.update(entries);
  }

  /** @param {string[]} notes */
  #updateNotes(notes) {
    const text = notes.join("\n");
    if (this.notes.dataset.text === text) return;
    this.notes.dataset.text = text;
    this.notes.hidden = !notes.length;
    this.notes.replaceChildren(...notes.map((note) => fill(make("li"), note)));
  }

  /**
   * Set what moves without news: the clock.
   * @param {import("./store.js").Store} store
   */
  tick(store) {
    const { notes } = this;
    this.more.hidden = notes.hidden || !(notes.classList.contains("is-open") || notes.scrollHeight > notes.clientHeight + 2);
    const job = store.job;
    if (!job || job.started === null) return setText(this.time, job && !job.ended ? "not started" : "");
    const now = store.now();
    let text = formatDuration(Math.floor(ranFor(job, now)));
    const { eta } = store.vital;
    if (eta !== null && !job.ended && job.stands === null && !store.stale) {
      const left = eta - (now - store.vitalAt);
      if (left > 0.5) text += `, about ${formatEstimate(left)} left`;
    }
    setText(this.time, text);
  }

  /**
   * @param {import("./store.js").Job} job
   * @param {import("./banner.js").Link} link
   */
  #updateChip(job, link) {
    const lost = { live: "", silent: "out of reach", gone: job.ended ? "" : "kernel restarted", deleted: "deleted" }[link];
    const text = lost || job.state.toLowerCase();
    if (text === this.chip.textContent) return;
    const state = lost ? "STALE" : job.state;
    this.chip.dataset.state = state;
    this.chip.replaceChildren(icon(state), make("span", "", text));
  }

  /** @param {import("./store.js").Job} job */
  #updateBar(job) {
    /** @type {Record<string, number>} */
    const counts = { ...job.counts, FAILED: job.failed, INFEASIBLE: job.infeasible };
    SHARES.forEach((state, index) => {
      const share = this.shares[index];
      const percent = (100 * (counts[state] ?? 0)) / Math.max(job.trials, job.finished, 1);
      if (share) share.style.width = `${percent}%`;
    });
    this.bar.setAttribute("aria-valuemin", "0");
    this.bar.setAttribute("aria-valuemax", String(job.trials));
    this.bar.setAttribute("aria-valuenow", String(job.finished));
    const others = Object.entries(job.counts).filter(([state, count]) => state !== "FAILED" && count);
    this.bar.title = [...others.map(([state, count]) => `${count} ${state.toLowerCase()}`), ...failureWords(job)].join(", ");
  }

  /**
   * @param {import("./store.js").Store} store
   * @param {import("./store.js").Job} job
   */
  #updateBest(store, job) {
    const words = bestWords(store, job);
    const text = words.join("\n");
    if (this.best.dataset.text === text) return;
    this.best.dataset.text = text;
    this.bestNumber = job.best[0] ?? NaN;
    const [head = "", value = "", link = "", rest = ""] = words;
    this.best.replaceChildren(make("span", "astraml-quiet", head));
    if (value) this.best.append(make("b", "astraml-value", value));
    if (link) this.best.append(make("button", "astraml-link", link, { type: "button" }));
    if (rest) this.best.append(make("span", "astraml-params", rest));
  }

  /**
   * @param {import("./store.js").Job} job
   * @param {string[]} can
   * @param {import("./asked.js").Asked} asked
   */
  #updateButtons(job, can, asked) {
    const action = { STALE: "resume", PAUSED: job.hand ? "resume" : "", RUNNING: "pause", QUEUED: "pause" }[job.state] ?? "";
    const waits = Boolean(action) && asked.waits(action);
    this.pause.dataset.action = action;
    setText(this.pause, (waits && UNDER_WAY[action]) || (action === "resume" ? "Resume" : "Pause"));
    this.pause.hidden = !action || !can.includes(action);
    this.pause.disabled = waits;
    this.pause.classList.toggle("is-main", action === "resume");
    const stopping = job.state === "STOPPING" || asked.waits("stop");
    const stale = job.state === "STALE";
    setText(this.stop, stopping ? "Stopping…" : stale ? "End it" : "Stop");
    this.stop.disabled = stopping;
    if (job.ended || !can.includes("stop")) {
      this.stop.hidden = true;
      this.confirm.hidden = true;
    } else if (this.confirm.hidden) {
      this.stop.hidden = false;
    }
    const count = job.running.length;
    const running = count ? `${count} running trial${count === 1 ? "" : "s"} will end.` : "Stop the job?";
    setText(this.question, stale ? "It will count as cancelled; what had finished is kept." : running);
    setText(this.yes, stale ? "End it now" : "Stop now");
    setText(this.no, stale || job.state === "PAUSED" ? "Keep it" : "Keep running");
  }
}

/**
 * What the menu offers.
 * @param {import("./store.js").Store} store
 * @param {import("./store.js").Job} job
 * @param {string[]} can
 * @param {number} selected
 * @returns {import("./menu.js").Entry[]}
 */
export function menuOf(store, job, can, selected) {
  const ends = job.state === "STOPPING" ? "The job is stopping" : "";
  const moves = ends || (job.state === "STALE" ? "Resume the job first" : "");
  const spaceless = Object.keys(store.space).length ? "" : "The code suggests its parameters itself";
  const which = selected === 1 ? "the selected trial" : selected ? `the ${selected} selected` : "the selection";
  /** @type {[string, string, string, string][]} by key: what the kernel must be able to do, words, why not now */
  const all = [
    ["more", "extend", "More trials…", moves],
    ["point", "enqueue", "Try values…", spaceless || moves],
    ["narrow", "narrow", `Narrow to ${which}, as a cell`, spaceless || (selected ? "" : "Select trials in the table or the charts first")],
    ["best_cell", "best_cell", "Best values as a cell", job.best.length ? "" : "No trial is complete yet"],
    ["csv", "csv", "Download CSV", ""],
  ];
  return all
    .filter(([, needed]) => can.includes(needed))
    .map(([key, , text, why]) => ({ key, text, title: why, disabled: why !== "" }));
}

/**
 * What is to be said of a run, one by one: how it came about, what costs throughput, how much it keeps on disk.
 * @param {import("./store.js").Job} job
 * @returns {string[]}
 */
export function notesOf(job) {
  const said = job.note.split("; ").filter(Boolean);
  return job.disk >= MUCH ? [...said, `${formatBytes(job.disk)} on disk`] : said;
}

/**
 * How many trials failed; an impossible point is an answer and no failure.
 * @param {import("./store.js").Job} job
 */
export function failureWords(job) {
  return [job.failed ? `${job.failed} failed` : "", job.infeasible ? `${job.infeasible} infeasible` : ""].filter(Boolean);
}

/**
 * What is best, in up to four pieces: words, value, trial, parameters.
 * @param {import("./store.js").Store} store
 * @param {import("./store.js").Job} job
 * @returns {string[]}
 */
export function bestWords(store, job) {
  const number = job.best[0];
  if (number === undefined) {
    if (job.none_keeps) return [job.ended ? "" : `${job.none_keeps} so far`]; // at the end the job's reason says it
    const names = job.objectives.map((each) => `${each.maximize ? "highest" : "lowest"} ${shorten(each.metric, 30)}`);
    return [names.length ? `looking for the ${names.join(" and ")}` : ""];
  }
  if (job.objectives.length > 1) {
    const shown = job.best.slice(0, 6).join(", ") + (job.best.length > 6 ? ", …" : "");
    return ["Pareto front", `${job.best.length} trial${job.best.length === 1 ? "" : "s"}`, "", shown];
  }
  const row = store.rows.get(number);
  const metric = shorten(job.objectives[0]?.metric ?? "", 40);
  if (!row) return ["best", "", `trial ${number}`, ""];
  const params = Object.entries(row.params)
    .filter(([, value]) => value !== null)
    .slice(0, PARAMS)
    .map(([name, value]) => `${shorten(name, 20)} ${shorten(formatNumber(value), 20)}`);
  const value = formatNumber(job.runs ? job.mean : objectiveOf(row, job, 0));
  return [`best ${metric}`, value, `trial ${number}`, [job.runs, ...params].filter(Boolean).join(" · ")];
}

/**
 * @param {import("./store.js").Store} store
 * @param {import("./store.js").Job} job
 */
export function runningWords(store, job) {
  if (!job.running.length) return "";
  const devices = store.vital.devices.map((device) => {
    const load = device.load === null ? "" : ` ${Math.round(device.load * 100)} %`;
    const memory = device.total ? ` ${formatBytes(device.used)} of ${formatBytes(device.total)}` : "";
    return `${device.label}${load}${memory}`;
  });
  const numbers = job.running.slice(0, 4).join(", ") + (job.running.length > 4 ? ", …" : "");
  if (store.stale) return `${job.running.length} cut off: ${numbers}`;
  return `${job.running.length} running: ${numbers}${devices.length ? ` on ${devices.slice(0, 4).join(", ")}` : ""}`;
}
