/** The list of jobs: an anywidget module. The kernel sends rows when they change; clocks run on the page. */

import { Listeners, icon, make, setText } from "./dom.js";
import { formatDuration, formatNumber, shorten, tuneLine } from "./format.js";
import { listenTo } from "./kernel.js";
import { storedList } from "./jobs_stored.js";
import { Presence } from "./presence.js";
import { Saved } from "./saved.js";

const SILENCE = 14000;
const SHARES = ["complete", "pruned", "failed", "running"];
/** @type {Record<string, string>} */
const WORDS = { show: "Show", pause: "Pause", resume: "Resume", stop: "Stop", delete: "Delete" };
/** What a button asks before it does something that cannot be taken back. @type {Record<string, [string, string, string]>} */
const ASKS = {
  stop: ["Running trials end at their next report.", "Stop now", "Keep running"],
  delete: ["The job goes with its files.", "Delete it", "Keep it"],
};
const COLUMNS = ["Job", "State", "Trials", "Best", "Elapsed", "Runs on", "Created", ""];

/**
 * @typedef {{
 *   key: string, name: string, project: string, state: string, reason: string, finished: number, trials: number,
 *   shares: number[], best: number | null, number: number | null, front: number, metric: string, created: number,
 *   started: number | null, ended: number | null, stands: number | null, held: number, where: string, can: string[],
 *   service?: string,
 * }} Job
 * @typedef {{row: HTMLTableRowElement, cells: HTMLTableCellElement[], seen: string, job: Job}} Line
 */

class JobsView {
  /**
   * @param {HTMLElement} element
   * @param {(message: object) => void} send
   */
  constructor(element, send) {
    this.deliver = send;
    this.listeners = new Listeners();
    /** @type {Map<string, Line>} */
    this.lines = new Map();
    /** The press that each job waits for. @type {Map<string, string>} */
    this.pressed = new Map();
    this.count = 0;
    /** The job whose button asks, and which one. */
    this.asking = { key: "", name: "" };
    this.offset = 0;
    this.heardAt = Date.now();
    /** Whether the kernel has said which jobs there are. */
    this.filled = false;
    this.gone = false;
    this.root = make("div", "astraml astraml-jobs");
    this.empty = make("p", "astraml-empty", "Asking the kernel for its jobs…");
    this.table = make("table", "", "", { "aria-label": "Jobs" });
    const head = make("tr");
    for (const name of COLUMNS) head.append(make("th", "", name, name ? { scope: "col" } : { scope: "col", "aria-label": "Actions" }));
    const top = make("thead");
    top.append(head);
    this.body = make("tbody");
    this.table.append(top, this.body);
    this.table.hidden = true;
    this.said = make("div", "astraml-note", "", { role: "status" });
    this.root.append(this.table, this.empty, this.said);
    element.append(this.root);
    this.presence = new Presence(this.root, this.listeners, {
      send: (message) => this.#send(message),
      lacks: () => !this.filled,
      tick: () => this.#tick(),
    });
    this.#listen();
    this.presence.say("hello");
  }

  #listen() {
    this.listeners.on(this.body, "click", (event) => this.#click(event));
    this.listeners.on(this.body, "keydown", (event) => {
      if (event.key === "Escape" && this.asking.key) this.#ask("", "");
    });
  }

  /** @param {object} message */
  #send(message) {
    if (this.gone) return;
    try {
      this.deliver(message);
    } catch {
      // The kernel is gone: the silence is named below.
    }
  }

  /** @param {any} message */
  receive(message) {
    this.heardAt = Date.now();
    if (message?.t === "jobs") {
      this.offset = message.now - Date.now() / 1000;
      this.#show(message.rows, message.more);
    } else if (message?.t === "done") {
      for (const [key, id] of this.pressed) if (id === String(message.id)) this.#answered(key, message);
    }
  }

  /**
   * @param {string} key
   * @param {any} message
   */
  #answered(key, message) {
    this.pressed.delete(key);
    setText(this.said, String(message.error ?? "") || String(message.said ?? ""));
    this.said.classList.toggle("is-error", Boolean(message.error));
    this.#redraw(key);
  }

  lose() {
    this.gone = true;
    setText(this.said, "This kernel is gone: run %tune again.");
    for (const key of this.lines.keys()) this.#redraw(key);
  }

  /**
   * @param {Job[]} jobs
   * @param {number} more
   */
  #show(jobs, more) {
    this.filled = true;
    const keys = new Set(jobs.map((job) => job.key));
    for (const [key, line] of this.lines) {
      if (keys.has(key)) continue;
      line.row.remove();
      this.lines.delete(key);
      this.pressed.delete(key);
    }
    jobs.forEach((job, index) => {
      const line = this.lines.get(job.key) ?? this.#line(job);
      line.job = job;
      this.#draw(line);
      if (this.body.children[index] !== line.row) this.body.insertBefore(line.row, this.body.children[index] ?? null);
    });
    this.table.hidden = !jobs.length;
    this.empty.hidden = jobs.length > 0 && !more;
    setText(this.empty, jobs.length ? `and ${more} older jobs` : "No jobs yet: they will appear here. %tune examples shows cells to start from.");
    this.#tick();
  }

  /**
   * @param {Job} job
   * @returns {Line}
   */
  #line(job) {
    const row = make("tr");
    const cells = COLUMNS.map((_, index) => make(index ? "td" : "th", "", "", index ? {} : { scope: "row" }));
    row.append(...cells);
    const line = { row, cells, seen: "", job };
    this.lines.set(job.key, line);
    return line;
  }

  /** @param {string} key */
  #redraw(key) {
    const line = this.lines.get(key);
    if (line) this.#draw(line);
  }

  /**
   * Draw a row where it changed.
   * @param {Line} line
   */
  #draw(line) {
    const { job, cells } = line;
    const asks = this.asking.key === job.key ? this.asking.name : "";
    const seen = JSON.stringify([job, asks, this.pressed.has(job.key), this.gone]);
    if (seen === line.seen) return;
    line.seen = seen;
    const [name, state, trials, best, , where, , actions] = cells;
    if (!name || !state || !trials || !best || !where || !actions) return;
    const project = job.project === "default" ? [] : [make("span", "astraml-quiet", ` ${shorten(job.project, 24)}`)];
    const service = job.service ? [" ", make("span", "astraml-badge", job.service)] : [];
    name.replaceChildren(make("b", "", shorten(job.name, 40)), ...project, ...service);
    name.title = job.name;
    const chip = make("span", "astraml-chip", "", { "data-state": job.state });
    chip.append(icon(job.state), job.state.toLowerCase());
    chip.title = job.reason;
    state.replaceChildren(chip);
    trials.replaceChildren(make("span", "astraml-count", `${job.finished}/${job.trials}`), bar(job));
    best.replaceChildren(...bestOf(job));
    best.title = job.metric;
    setText(where, job.where);
    this.#drawActions(actions, job, asks);
  }

  /**
   * @param {HTMLElement} place
   * @param {Job} job
   * @param {string} asks
   */
  #drawActions(place, job, asks) {
    const busy = this.pressed.has(job.key) || this.gone;
    /** @param {string} act @param {string} words @param {string} [kind] */
    const button = (act, words, kind = "") => {
      const label = `${words} ${shorten(job.name, 60)}`;
      const made = make("button", `astraml-button ${kind}`, words, { type: "button", "data-act": act, "data-key": job.key, "aria-label": label });
      made.disabled = busy;
      made.title = act === "keep" ? "" : tuneLine(act.replace("yes ", ""), job);
      return made;
    };
    if (asks && ASKS[asks] && job.can.includes(asks)) {
      const [question, yes, no] = ASKS[asks];
      const group = make("span", "astraml-confirm", "", { role: "group", "aria-label": question });
      group.append(button(`yes ${asks}`, yes, "is-danger"), button("keep", no));
      place.replaceChildren(group);
      return;
    }
    const buttons = make("span", "astraml-buttons");
    buttons.append(...job.can.map((act) => button(act, WORDS[act] ?? act, ASKS[act] ? "is-danger" : "")));
    place.replaceChildren(buttons);
  }

  /** @param {Event} event */
  #click(event) {
    const button = event.target instanceof Element ? event.target.closest("button") : null;
    const key = button?.dataset.key;
    const act = button?.dataset.act;
    if (!key || !act) return;
    if (act === "keep") this.#ask("", "");
    else if (ASKS[act]) this.#ask(key, act);
    else this.#press(key, act.replace("yes ", ""));
  }

  /**
   * Ask before something ends, or no more.
   * @param {string} key
   * @param {string} name
   */
  #ask(key, name) {
    const before = this.asking;
    this.asking = { key, name };
    // Said below the table: a row that grew would move the buttons away from the pointer.
    setText(this.said, ASKS[name] ? `${ASKS[name][1].split(" ")[0]} ${this.lines.get(key)?.job.name ?? ""}? ${ASKS[name][0]}` : "");
    this.said.classList.remove("is-error");
    for (const each of [before.key, key]) this.#redraw(each);
    const row = this.lines.get(key || before.key)?.row;
    const chosen = row?.querySelector(key ? '[data-act^="yes"]' : `[data-act="${before.name}"]`);
    if (chosen instanceof HTMLElement) chosen.focus();
  }

  /**
   * @param {string} key
   * @param {string} act
   */
  #press(key, act) {
    if (this.pressed.has(key) || this.gone) return;
    this.count += 1;
    const id = `${this.presence.id} ${this.count}`;
    this.pressed.set(key, id);
    this.asking = { key: "", name: "" };
    setText(this.said, "");
    this.#send({ t: "do", c: this.presence.id, do: act, id, job: key });
    this.#redraw(key);
  }

  /** Let the clocks run. */
  #tick() {
    const now = Date.now() / 1000 + this.offset;
    for (const { job, cells } of this.lines.values()) {
      const [, , , , elapsed, , created] = cells;
      const until = job.ended ?? job.stands ?? now;
      if (elapsed) setText(elapsed, job.started === null || job.state === "STALE" ? "" : formatDuration(until - job.started - job.held));
      if (created) {
        setText(created, ago(now - job.created));
        created.title = new Date(job.created * 1000).toLocaleString();
      }
    }
    if (this.pressed.size && Date.now() - this.heardAt > SILENCE && !this.gone) {
      setText(this.said, "The kernel has not answered for a while: it may be busy with a cell. %tune in a terminal works as well.");
    }
  }

  remove() {
    this.presence.end();
    this.listeners.off();
    this.root.remove();
  }
}

/**
 * How long ago, as coarse as people say it.
 * @param {number} seconds
 */
export function ago(seconds) {
  if (seconds < 60) return "just now";
  const [first = ""] = formatDuration(seconds).match(/^\d+ \w/) ?? [];
  return `${first} ago`;
}

/** @param {Job} job */
function bar(job) {
  const made = make("div", "astraml-bar", "", { role: "progressbar", "aria-label": "finished trials" });
  made.setAttribute("aria-valuenow", String(job.finished));
  made.setAttribute("aria-valuemax", String(job.trials));
  job.shares.forEach((count, index) => {
    const part = make("i", `is-${SHARES[index]}`);
    part.style.width = `${(100 * count) / Math.max(job.trials, 1)}%`;
    made.append(part);
  });
  return made;
}

/**
 * @param {Job} job
 * @returns {HTMLElement[]}
 */
function bestOf(job) {
  if (job.front) return [make("span", "", `${job.front} on the front`)];
  if (job.best === null) return [];
  const trial = job.number === null ? "" : ` trial ${job.number}`;
  return [make("b", "astraml-value", formatNumber(job.best)), make("span", "astraml-quiet", ` ${shorten(job.metric, 24)}${trial}`)];
}

/** One closure per model: what `initialize` makes, `render` finds. */
export default () => {
  /** @type {Set<JobsView>} */
  const views = new Set();

  /** @type {import("@anywidget/types").Initialize} */
  function initialize({ model }) {
    const saved = new Saved(model.widget_manager, () => String(model.get("named") ?? ""));
    const named = () => saved.back();
    model.on("change:named", named);
    /** @param {any} message */
    const receive = (message) => {
      if (message?.t === "jobs") void saved.keep(storedList(message), false);
      for (const view of views) view.receive(message);
    };
    const lose = () => {
      for (const view of views) view.lose();
    };
    const deaf = listenTo(model, receive, lose);
    return () => {
      model.off("change:named", named);
      deaf();
    };
  }

  /** @type {import("@anywidget/types").Render} */
  function render({ model, el }) {
    const view = new JobsView(el, (message) => model.send(message));
    views.add(view);
    return () => {
      views.delete(view);
      view.remove();
    };
  }

  return { initialize, render };
};
