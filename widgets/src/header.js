/** The top of the dashboard: what the job is, how far, what is best, what runs; and its buttons. */

import { icon, make, setText } from "./dom.js";
import { formatBytes, formatDuration, formatEstimate, formatNumber, shorten } from "./format.js";
import { objectiveOf } from "./store.js";

const SHARES = ["COMPLETE", "PRUNED", "FAILED", "INFEASIBLE", "RUNNING"];
const PARAMS = 5;

export class Header {
  /**
   * @param {import("./dom.js").Listeners} listeners
   * @param {(action: string) => void} onAction
   * @param {(number: number) => void} onPick
   */
  constructor(listeners, onAction, onPick) {
    this.onAction = onAction;
    this.root = make("header", "astraml-header");
    this.name = make("strong", "astraml-name");
    this.chip = make("span", "astraml-chip");
    this.chipState = "";
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
    this.buttons.append(this.pause, this.stop, this.confirm);
    this.best = make("div", "astraml-best");
    this.running = make("div", "astraml-running");
    this.reason = make("div", "astraml-note");
    this.note = make("div", "astraml-note", "", { role: "status", "aria-live": "polite" });
    const first = make("div", "astraml-row");
    const title = make("div", "astraml-title");
    title.append(this.name, this.chip);
    const progress = make("div", "astraml-progress");
    progress.append(this.count, this.bar, this.time);
    first.append(title, progress, this.buttons);
    const second = make("div", "astraml-row is-second");
    second.append(this.best, this.running);
    this.root.append(first, second, this.reason, this.note);

    this.bestNumber = NaN;
    listeners.on(this.best, "click", (event) => {
      if (event.target instanceof HTMLButtonElement) onPick(this.bestNumber);
    });
    listeners.on(this.stop, "click", () => this.#ask(true));
    listeners.on(this.no, "click", () => this.#ask(false));
    listeners.on(this.confirm, "keydown", (event) => {
      if (event.key === "Escape") this.#ask(false);
    });
    listeners.on(this.yes, "click", () => {
      this.#ask(false);
      onAction("stop");
    });
    listeners.on(this.pause, "click", () => onAction(this.pause.dataset.action ?? "pause"));
    /** @type {Set<string>} actions that were sent and not answered yet */
    this.waiting = new Set();
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
   * @param {string} message what the view itself has to say
   */
  update(store, can, message) {
    const job = store.job;
    if (!job) {
      setText(this.name, "…");
      setText(this.note, message || "Waiting for the kernel's first word.");
      return;
    }
    const label = job.project === "default" ? job.name : `${job.project}/${job.name}`;
    setText(this.name, shorten(label, 60));
    this.name.title = job.id;
    this.#updateChip(job.state);
    setText(this.count, [`${job.finished}/${job.trials} trials`, ...failureWords(job)].join(", "));
    this.#updateBar(job);
    this.tick(store);
    this.#updateBest(store, job);
    setText(this.running, runningWords(store, job));
    setText(this.reason, [job.reason, job.note].filter(Boolean).join(" · "));
    setText(this.note, message);
    this.#updateButtons(job, can);
  }

  /**
   * Set what moves without news: the clock.
   * @param {import("./store.js").Store} store
   */
  tick(store) {
    const job = store.job;
    if (!job || job.started === null) return setText(this.time, job ? "not started" : "");
    const now = store.now();
    let text = formatDuration(Math.floor((job.stopped ?? now) - job.started));
    const { eta } = store.vital;
    if (eta !== null && !job.ended) {
      const left = eta - (now - store.vitalAt);
      if (left > 0.5) text += `, about ${formatEstimate(left)} left`;
    }
    setText(this.time, text);
  }

  /** @param {string} state */
  #updateChip(state) {
    if (state === this.chipState) return;
    this.chipState = state;
    this.chip.dataset.state = state;
    this.chip.replaceChildren(icon(state), make("span", "", state.toLowerCase()));
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
   */
  #updateButtons(job, can) {
    const paused = job.state === "PAUSED";
    const action = paused ? "resume" : "pause";
    this.pause.dataset.action = action;
    setText(this.pause, paused ? "Resume" : "Pause");
    this.pause.hidden = job.ended || !can.includes(action) || job.state === "STOPPING";
    this.pause.disabled = this.waiting.has(action);
    const stopping = job.state === "STOPPING" || this.waiting.has("stop");
    setText(this.stop, stopping ? "Stopping…" : "Stop");
    this.stop.disabled = stopping;
    if (job.ended || !can.includes("stop")) {
      this.stop.hidden = true;
      this.confirm.hidden = true;
    } else if (this.confirm.hidden) {
      this.stop.hidden = false;
    }
    const count = job.running.length;
    setText(this.question, count ? `${count} running trial${count === 1 ? "" : "s"} will end.` : "Stop the job?");
  }
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
  return [`best ${metric}`, formatNumber(objectiveOf(row, job, 0)), `trial ${number}`, params.join(" · ")];
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
  return `${job.running.length} running: ${numbers}${devices.length ? ` on ${devices.slice(0, 4).join(", ")}` : ""}`;
}
