/** That somebody looks at a view: the kernel works for those that say so every few seconds. */

/** Milliseconds between two words; the kernel's patience is a little over three times as long. */
const ALIVE = 3000;
const SECOND = 1000;

export class Presence {
  /**
   * @param {HTMLElement} root the view
   * @param {import("./dom.js").Listeners} listeners
   * @param {{
   *   send(message: object): void, lacks(): boolean, looks?(): object, seen?(): void, tick(): void,
   * }} does sends to the kernel; tells whether everything has to be sent, and what is looked at; hears that the view
   *   came into sight, and of each second in it
   */
  constructor(root, listeners, does) {
    this.root = root;
    this.does = does;
    /** The name of this view for the kernel. */
    this.id = crypto.randomUUID?.() ?? String(Math.random());
    this.inSight = true;
    const tick = () => {
      if (this.visible) does.tick();
    };
    // The first word, or its answer, can be lost on the way to a kernel that is only being connected.
    const word = () => this.say(does.lacks() && this.visible ? "hello" : "alive");
    this.timers = [setInterval(word, ALIVE), setInterval(tick, SECOND)];
    listeners.on(document, "visibilitychange", () => this.#changed());
    this.sight = new IntersectionObserver((entries) => {
      this.inSight = entries.at(-1)?.isIntersecting ?? true;
      this.#changed();
    });
    this.sight.observe(root);
  }

  get visible() {
    return !document.hidden && this.inSight && this.root.isConnected;
  }

  #changed() {
    if (!this.visible) return;
    this.say("alive");
    this.does.seen?.();
  }

  /**
   * Tell the kernel that somebody looks, and at what.
   * @param {"hello" | "alive" | "want"} kind
   */
  say(kind) {
    if (kind === "hello" || this.visible) this.does.send({ t: kind, c: this.id, ...this.does.looks?.() });
  }

  /** Nobody looks here any more. */
  end() {
    this.does.send({ t: "bye", c: this.id });
    for (const timer of this.timers) clearInterval(timer);
    this.sight.disconnect();
  }
}
