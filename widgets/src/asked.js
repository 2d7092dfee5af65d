/** The buttons that were pressed: each waits for the kernel's word, then for the job to follow. */

/** Milliseconds after which a press that nobody has heard is explained. */
export const UNHEARD = 2500;
/** Milliseconds after which a kernel that was asked and has not followed is named. */
export const UNFOLLOWED = 12000;
/** What the job has to follow; all else is done with the kernel's answer. */
const FOLLOWED = new Set(["pause", "resume", "stop", "stop_trial"]);

/**
 * @typedef {import("./store.js").Store} Store
 * @typedef {{name: string, n: number | null, step: "sent" | "taken" | "asked", at: number}} Press
 */

/** @param {string} name @param {number | null} n */
const keyOf = (name, n) => (n === null ? name : `${name} ${n}`);

export class Asked {
  /** @param {() => number} clock milliseconds, of any beginning */
  constructor(clock = () => performance.now()) {
    this.clock = clock;
    /** @type {Map<string, Press>} by the name under which the kernel answers */
    this.presses = new Map();
    this.count = 0;
  }

  /**
   * Note a press; returns the name for the kernel's answer, or nothing where the same is under way.
   * @param {string} view
   * @param {string} name
   * @param {number | null} n
   */
  press(view, name, n) {
    if (this.waits(name, n)) return undefined;
    this.count += 1;
    const id = `${view} ${this.count}`;
    this.presses.set(id, { name, n, step: "sent", at: this.clock() });
    return id;
  }

  /**
   * The kernel has heard of it and is at it.
   * @param {string} id
   */
  taken(id) {
    const press = this.presses.get(id);
    if (press) press.step = "taken";
  }

  /**
   * The kernel has answered; returns the press, where it was one of this view.
   * @param {string} id
   * @param {boolean} failed
   */
  answered(id, failed) {
    const press = this.presses.get(id);
    if (!press) return undefined;
    if (failed || !FOLLOWED.has(press.name)) this.presses.delete(id);
    else this.presses.set(id, { ...press, step: "asked", at: this.clock() });
    return press;
  }

  /**
   * @param {string} name
   * @param {number | null} [n]
   */
  waits(name, n = null) {
    const key = keyOf(name, n);
    return [...this.presses.values()].some((press) => keyOf(press.name, press.n) === key);
  }

  /**
   * Let go of what the job has followed.
   * @param {Store} store
   */
  settle(store) {
    for (const [id, press] of this.presses) {
      if (press.step === "asked" && followed(press, store)) this.presses.delete(id);
    }
  }

  /** Forget everything: nobody will answer. */
  clear() {
    this.presses.clear();
  }

  /**
   * The first press that waits for longer than anybody would; of a trial only its hearing is awaited, as it may
   * report rarely.
   * @returns {Press | undefined}
   */
  late() {
    const now = this.clock();
    return [...this.presses.values()].find(({ step, at, n }) => {
      if (step === "sent") return now - at > UNHEARD;
      return step === "asked" && n === null && now - at > UNFOLLOWED;
    });
  }
}

/**
 * Whether the job is where a button wanted it, or beyond.
 * @param {Press} press
 * @param {Store} store
 */
function followed({ name, n }, store) {
  const state = store.job?.state ?? "";
  if (name === "pause") return !["RUNNING", "QUEUED"].includes(state);
  if (name === "resume") return !["PAUSED", "STALE"].includes(state);
  if (name === "stop") return state === "STOPPING" || (store.job?.ended ?? false);
  const row = store.rows.get(n ?? -1);
  return !row || !["RUNNING", "WAITING"].includes(row.state);
}
