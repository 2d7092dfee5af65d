/** One view of a job: it says that it is looked at, draws what changed, and leaves nothing behind. */

import { Asked } from "./asked.js";
import { bannerOf } from "./banner.js";
import { Charts } from "./charts/host.js";
import { Detail } from "./detail.js";
import { Listeners, make } from "./dom.js";
import { tuneLine } from "./format.js";
import { MoreForm, PointForm } from "./forms.js";
import { Header } from "./header.js";
import { Linked } from "./linked.js";
import { lookOf } from "./look.js";
import { OfferedCell } from "./offered_cell.js";
import { download } from "./notebook.js";
import { Presence } from "./presence.js";
import { Selection } from "./selection.js";
import { Table } from "./table.js";

/** Milliseconds after which a silent kernel is named. */
const SILENCE = 14000;
const PICTURE = 6000;
/** Milliseconds for which good news stays. */
const NEWS = 8000;
/** So many selected trials get lines of their own. */
const DRAWN = 30;
/** What the buttons are called, and the words of `%tune` that do the same. @type {Record<string, [string, string, string?]>} */
const WORDS = {
  stop: ["Stop", "stop"],
  pause: ["Pause", "pause"],
  resume: ["Resume", "resume"],
  stop_trial: ["Stop trial", "stop"],
  rerun: ["Run again", "rerun"],
  extend: ["More trials", "resume", "--trials N"],
  enqueue: ["Try next", "enqueue", "NAME=VALUE"],
  narrow: ["Narrow", "narrow"],
  best_cell: ["Best values as a cell", "best", "--insert"],
  trial_cell: ["As cell", "debug"],
  notebook: ["Open notebook", "debug"],
  csv: ["Download CSV", "export", "csv"],
};

/**
 * What the parts of a view have it do.
 * @typedef {{
 *   pick(number: number, beside?: boolean): void,
 *   select(numbers: Iterable<number>): void,
 *   act(name: string, number?: number | null, given?: object): void,
 *   open(form: "more" | "point", number?: number): void,
 *   narrow(): void,
 *   changed(): void,
 * }} Does
 */

export class View {
  /**
   * @param {import("./page.js").Page} page
   * @param {HTMLElement} element
   * @param {{insert: (source: string) => boolean, open: (path: string, home: string) => Promise<boolean>}} around puts a
   *   cell below the one that shows the view, and opens a file of the server, where that is possible
   */
  constructor(page, element, around) {
    this.page = page;
    this.around = around;
    this.root = make("div", "astraml");
    this.listeners = new Listeners();
    this.presence = new Presence(this.root, this.listeners, {
      send: (message) => page.send(message),
      lacks: () => page.lost && !page.deleted,
      looks: () => this.#looks(),
      seen: () => this.changed(),
      tick: () => this.#tick(),
    });
    this.selection = new Selection();
    this.linked = new Linked(this.selection, this.presence.id);
    this.frame = 0;
    /** What the view itself has to say. */
    this.message = { text: "", error: false, ofTrial: false };
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.newsTimer = undefined;
    /** Whether the job ended a while ago and this view still stands where its picture should be. */
    this.left = false;
    /** Whether the job ran while this view showed it. */
    this.ran = false;
    this.wanted = "";
    this.asked = new Asked();
    /** @type {import("./banner.js").Link} */
    this.link = "live";
    /** @type {Does} */
    const does = {
      pick: (number, beside) => this.#select(() => this.selection.pick(number, beside)),
      select: (numbers) => this.#select(() => this.selection.replace(numbers)),
      act: (name, number, given) => this.#act(name, number ?? null, given),
      open: (form, number) => this.#open(form, number),
      narrow: () => this.#act("narrow", null, { numbers: this.selection.numbers }),
      changed: () => this.changed(),
    };
    this.header = new Header(this.listeners, does);
    this.charts = new Charts(this.listeners, does);
    this.table = new Table(this.listeners, does);
    this.detail = new Detail(this.listeners, does);
    const main = make("div", "astraml-main");
    main.append(this.charts.root, this.table.root);
    this.cell = new OfferedCell(this.listeners);
    this.more = new MoreForm(this.listeners, does);
    this.point = new PointForm(this.listeners, does);
    this.root.append(this.header.root, this.more.root, this.point.root, this.cell.root, main, this.detail.root);
    element.append(this.root);
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.endTimer = undefined;
    this.#listen();
    this.say("hello");
    this.changed();
  }

  #listen() {
    // In a notebook letters are commands (`d d` deletes the cell), and so are the arrows: here they are not. To save is.
    this.listeners.on(this.root, "keydown", (event) => {
      const { target, key } = event;
      const held = event.ctrlKey || event.metaKey;
      const typed = target instanceof HTMLInputElement || target instanceof HTMLSelectElement;
      if (held ? typed && key.toLowerCase() !== "s" : typed || key.length === 1) event.stopPropagation();
    });
    this.sizes = new ResizeObserver(() => this.changed());
    this.sizes.observe(this.charts.stage);
    // The theme: JupyterLab sets attributes of the body, others its classes.
    this.themes = new MutationObserver(() => this.changed());
    for (const place of [document.body, document.documentElement]) {
      this.themes.observe(place, { attributes: true, attributeFilter: ["class", "data-jp-theme-name", "data-theme"] });
    }
    this.scheme = matchMedia("(prefers-color-scheme: dark)");
    this.listeners.on(this.scheme, "change", () => this.changed());
  }

  /**
   * Tell the kernel that somebody looks, and at what.
   * @param {"hello" | "alive" | "want"} kind
   */
  say(kind) {
    this.presence.say(kind);
  }

  /** What of the job is drawn here; unknown until there is a job. */
  #looks() {
    const keeps = this.page.saved.possible;
    if (!this.page.store.job) return { keeps };
    return { keeps, want: this.charts.wants(), details: this.selection.opened, numbers: this.selection.numbers.slice(0, DRAWN) };
  }

  /** @param {() => void} change */
  #select(change) {
    change();
    if (this.message.ofTrial) this.#say("");
    this.changed();
  }

  /**
   * @param {string} name
   * @param {number | null} number the trial, for what is asked of one
   * @param {object} [given] what else was entered
   */
  #act(name, number, given) {
    const id = this.asked.press(this.presence.id, name, number);
    if (id === undefined) return;
    this.#say("");
    const n = number === null ? {} : { n: number };
    const more = given === undefined ? {} : { given };
    this.page.send({ t: "do", do: name, id, c: this.presence.id, ...n, ...more, ...this.#looks() });
    this.changed();
  }

  /**
   * @param {"more" | "point"} form
   * @param {number} [number] the trial whose values it begins with
   */
  #open(form, number) {
    const { store } = this.page;
    (form === "more" ? this.point : this.more).close();
    if (form === "more") return this.more.open();
    const from = number ?? this.selection.last ?? store.job?.best[0];
    this.point.open(store.space, store.rows.get(from ?? -1));
  }

  /**
   * @param {string} text
   * @param {boolean} [error]
   * @param {boolean} [ofTrial] whether it is about the opened trial, and said there
   */
  #say(text, error = false, ofTrial = false) {
    clearTimeout(this.newsTimer);
    this.message = { text, error, ofTrial };
    if (text && !error) this.newsTimer = setTimeout(() => this.#say(""), NEWS);
    this.changed();
  }

  /**
   * The kernel has heard of a button.
   * @param {string} id
   */
  taken(id) {
    this.asked.taken(id);
  }

  /**
   * The kernel has acted on a button.
   * @param {import("./page.js").Answer} answer
   */
  answered({ id, error, said, cell, file, text, path, home }) {
    const press = this.asked.answered(id, error !== "");
    if (!press) return;
    if (path) void this.#openOrStore(path, home, file, text);
    else if (file) download(file, text);
    if (cell) this.cell.offer(this.around.insert(cell) ? "" : cell);
    const form = { extend: this.more, enqueue: this.point }[press.name];
    form?.answered(error);
    if (form && error) return this.#say(""); // the form says it
    if (error || said) this.#say(error || said, error !== "", press.n !== null); // the press has cleared what was said before
  }

  /**
   * @param {string} path
   * @param {string} home
   * @param {string} file empty where it is too large to be sent
   * @param {string} text
   */
  async #openOrStore(path, home, file, text) {
    const opened = await this.around.open(path, home);
    if (!opened && file) download(file, text, "application/x-ipynb+json");
  }

  #tick() {
    this.header.tick(this.page.store);
    if (this.#linkNow() !== this.link || this.asked.late()) this.changed();
  }

  /** @returns {import("./banner.js").Link} */
  #linkNow() {
    if (this.page.gone) return "gone";
    if (this.page.deleted) return "deleted";
    return Date.now() - this.page.heardAt > SILENCE ? "silent" : "live";
  }

  /** Draw soon: once per frame of the browser, and not at all while nobody can see it. */
  changed() {
    if (this.frame || !this.presence.visible) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      if (this.presence.visible) this.#draw();
    });
  }

  #draw() {
    const { store } = this.page;
    this.linked.hear(store.selected);
    const look = lookOf(this.root); // before anything is written: what is asked of a changed page is laid out first
    this.charts.prepare(store);
    const wanted = JSON.stringify(this.#looks());
    if (wanted !== this.wanted && store.job) {
      this.wanted = wanted;
      this.say("want");
    }
    const news = this.linked.news();
    if (news) this.page.send(news);
    this.#expectPicture((store.job?.ended ?? false) && !this.page.kept && !this.page.saved.possible);
    if (this.page.saved.possible) this.#noticeEnd(store.job?.ended);
    this.link = this.#linkNow();
    const over = this.link === "gone" || this.link === "deleted";
    const still = over || (this.link === "silent" && !store.job?.ended);
    store.stand(still);
    this.root.classList.toggle("is-still", still);
    if (over) this.asked.clear();
    this.asked.settle(store);
    const can = still ? [] : this.page.can;
    this.table.update(store, this.selection);
    this.header.update(store, can, this.asked, still ? this.link : "live", this.selection.size);
    if (still) for (const form of [this.more, this.point]) form.close();
    const message = this.#words();
    const nothing = { text: "", error: false };
    this.header.banner.update(bannerOf(store.job, this.link, message.ofTrial ? nothing : message));
    this.detail.banner.update(message.ofTrial && !still ? bannerOf(null, "live", message) : null);
    this.detail.update(store, this.selection, can, this.asked);
    this.charts.draw(store, look, this.selection, this.page.version);
  }

  /** What the view itself has to say: an answer, a button that nobody acts on, how to get the picture. */
  #words() {
    const job = this.page.store.job;
    if (this.message.text || !job) return this.message;
    if (this.left) return { text: `The job has ended. \`${tuneLine("show", job)}\` stores its picture in the notebook.`, error: false, ofTrial: false };
    const late = this.asked.late();
    if (!late) return this.message;
    const [word, command, rest = ""] = WORDS[late.name] ?? [late.name, late.name];
    const line = tuneLine(command, job, late.n === null ? rest : String(late.n));
    const what = {
      sent: `${word} was not acted on yet: the kernel is busy. Interrupt the cell, or run \`${line}\`.`,
      asked: job.elsewhere
        ? `Kernel ${job.elsewhere} was asked and has not acted on it yet: it may be busy.`
        : `The job has not followed ${word} yet: the kernel is busy.`,
      taken: "",
    };
    return { text: what[late.step], error: true, ofTrial: late.n !== null };
  }

  /**
   * The kernel puts the final picture in this view's place; a view that outlived a reload has to say how to get it.
   * @param {boolean} due whether the job has ended, and nobody asked to look around in it
   */
  #expectPicture(due) {
    if (!due) {
      clearTimeout(this.endTimer);
      this.endTimer = undefined;
      this.left = false;
    } else if (this.endTimer === undefined) {
      this.#say(""); // it was about a job that ran
      this.endTimer = setTimeout(() => {
        this.left = true;
        this.changed();
      }, PICTURE);
    }
  }

  /** @param {boolean | undefined} ended */
  #noticeEnd(ended) {
    if (ended && this.ran) this.#say("The job has ended. This view stays; what is saved of it is its picture.");
    this.ran = ended === false;
  }

  remove() {
    this.presence.end();
    cancelAnimationFrame(this.frame);
    clearTimeout(this.newsTimer);
    clearTimeout(this.endTimer);
    this.sizes?.disconnect();
    this.themes?.disconnect();
    this.listeners.off();
    this.charts.remove();
    this.root.remove();
  }
}
