/** A button that opens a menu: of things to do, or of things to switch on and off. Reached by the keyboard. */

import { make, setText } from "./dom.js";

/**
 * An entry: with `checked` it is a switch, and the menu stays open.
 * @typedef {{key: string, text: string, title?: string, disabled?: boolean, checked?: boolean}} Entry
 */

export class Menu {
  /**
   * @param {import("./dom.js").Listeners} listeners
   * @param {string} text what the button shows
   * @param {string} label what it is called
   * @param {(key: string) => void} choose
   */
  constructor(listeners, text, label, choose) {
    this.choose = choose;
    this.root = make("span", "astraml-menu");
    this.button = make("button", "astraml-button", text, {
      type: "button",
      "aria-haspopup": "menu",
      "aria-expanded": "false",
      "aria-label": label,
      title: label,
    });
    this.list = make("div", "astraml-menu-list", "", { role: "menu", "aria-label": label });
    this.list.hidden = true;
    this.root.append(this.button, this.list);
    /** @type {HTMLButtonElement[]} */
    this.entries = [];
    this.shape = "";
    listeners.on(this.button, "click", () => this.#open(Boolean(this.list.hidden)));
    listeners.on(this.root, "keydown", (event) => this.#key(event));
    listeners.on(this.list, "click", (event) => this.#pick(event.target));
    listeners.on(document, "pointerdown", (event) => {
      if (!this.list.hidden && !this.root.contains(event.target)) this.#open(false, false);
    });
    listeners.on(this.root, "focusout", (event) => {
      if (event.relatedTarget instanceof Node && !this.root.contains(event.relatedTarget)) this.#open(false, false);
    });
  }

  /** @param {Entry[]} entries */
  update(entries) {
    const shape = JSON.stringify(entries.map(({ key, checked }) => [key, checked === undefined]));
    if (shape !== this.shape) {
      this.shape = shape;
      this.entries = entries.map(({ key, checked }) => {
        const role = checked === undefined ? "menuitem" : "menuitemcheckbox";
        const entry = make("button", "astraml-menu-entry", "", { type: "button", role, tabindex: "-1" });
        entry.dataset.key = key;
        return entry;
      });
      this.list.replaceChildren(...this.entries);
    }
    entries.forEach(({ text, title, disabled, checked }, index) => {
      const entry = this.entries[index];
      if (!entry) return;
      setText(entry, text);
      entry.title = title ?? "";
      // Not `disabled`: the keyboard reaches it, and its title says why.
      entry.setAttribute("aria-disabled", String(disabled ?? false));
      if (checked !== undefined) entry.setAttribute("aria-checked", String(checked));
    });
  }

  /**
   * @param {boolean} open
   * @param {boolean} [back] whether the keyboard goes back to the button
   */
  #open(open, back = true) {
    this.list.hidden = !open;
    this.button.setAttribute("aria-expanded", String(open));
    if (open) {
      // It opens to the left; to the right where there is no room.
      const { left } = this.root.closest(".astraml")?.getBoundingClientRect() ?? { left: 0 };
      this.list.classList.toggle("is-right", this.button.getBoundingClientRect().right - this.list.offsetWidth < left);
      this.entries[0]?.focus();
    } else if (back) this.button.focus();
  }

  /** @param {unknown} target */
  #pick(target) {
    const entry = target instanceof HTMLElement ? target.closest("button") : null;
    const key = entry?.dataset.key;
    if (!entry || key === undefined || entry.getAttribute("aria-disabled") === "true") return;
    if (entry.getAttribute("role") === "menuitem") this.#open(false);
    this.choose(key);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (this.list.hidden) {
      if (event.key !== "ArrowDown") return;
      this.#open(true);
    } else {
      const last = this.entries.length - 1;
      const at = this.entries.findIndex((entry) => entry === document.activeElement);
      const next = { ArrowDown: at < last ? at + 1 : 0, ArrowUp: at > 0 ? at - 1 : last, Home: 0, End: last }[event.key];
      if (event.key === "Escape") this.#open(false);
      else if (next !== undefined) this.entries[next]?.focus();
      else return;
    }
    event.preventDefault();
    event.stopPropagation();
  }
}
