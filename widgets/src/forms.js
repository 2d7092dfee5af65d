/** What is asked for with a few words more than a press: how many more trials, which values next. */

import { make, setText } from "./dom.js";
import { formatNumber, shorten } from "./format.js";

/**
 * @typedef {import("./store.js").Dimension} Dimension
 * @typedef {import("./store.js").Value} Value
 * @typedef {{numbers: Record<string, number>, places: Record<string, number>}} Point
 */

/** A small form below the header: its heading, its fields, what is wrong with it. */
class Small {
  /**
   * @param {import("./dom.js").Listeners} listeners
   * @param {string} label
   * @param {string} submit
   */
  constructor(listeners, label, submit) {
    this.root = make("form", "astraml-ask", "", { "aria-label": label, novalidate: "" });
    this.root.hidden = true;
    this.heading = make("span", "astraml-heading", label);
    this.fields = make("div", "astraml-ask-fields");
    this.yes = make("button", "astraml-button is-main", submit, { type: "submit" });
    this.no = make("button", "astraml-button", "Cancel", { type: "button" });
    this.said = make("div", "astraml-wrong", "", { role: "alert" });
    const buttons = make("span", "astraml-actions");
    buttons.append(this.yes, this.no);
    this.root.append(this.heading, this.fields, buttons, this.said);
    /** What had the keyboard before. @type {HTMLElement | null} */
    this.before = null;
    listeners.on(this.no, "click", () => this.close());
    listeners.on(this.root, "keydown", (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      this.close();
    });
  }

  /** @param {HTMLElement | null} first what gets the keyboard */
  show(first) {
    if (this.root.hidden) this.before = document.activeElement instanceof HTMLElement ? document.activeElement : null;
    this.root.hidden = false;
    setText(this.said, "");
    first?.focus();
    this.root.scrollIntoView({ block: "nearest" });
  }

  close() {
    const inside = this.root.contains(document.activeElement);
    this.root.hidden = true;
    if (inside) this.before?.focus({ preventScroll: true });
  }

  /**
   * The kernel has answered.
   * @param {string} error
   */
  answered(error) {
    this.yes.disabled = false;
    if (error) setText(this.said, error);
    else this.close();
  }
}

/** How many more trials. */
export class MoreForm extends Small {
  /**
   * @param {import("./dom.js").Listeners} listeners
   * @param {import("./view.js").Does} does
   */
  constructor(listeners, does) {
    super(listeners, "More trials", "Add");
    this.count = make("input", "astraml-input", "", { type: "number", min: "1", step: "1", "aria-label": "How many more trials" });
    this.count.value = "10";
    this.fields.append(this.count);
    listeners.on(this.root, "submit", (event) => {
      event.preventDefault();
      const more = Number(this.count.value);
      if (!Number.isInteger(more) || more < 1) return setText(this.said, "A whole number from 1 on.");
      this.yes.disabled = true;
      does.act("extend", null, { more });
    });
  }

  open() {
    this.show(this.count);
    this.count.select();
  }
}

/** One parameter of a point: a number to type, or a choice. */
class Field {
  /**
   * @param {string} name
   * @param {Dimension} dimension
   */
  constructor(name, dimension) {
    this.name = name;
    this.dimension = dimension;
    /** What can be chosen; nothing where a number is typed. */
    this.choices = dimension.choices ?? dimension.values;
    this.root = make("label", "astraml-ask-field");
    const title = make("span", "astraml-ask-field-name", shorten(name, 40), { title: name });
    this.hint = make("span", "astraml-quiet");
    this.wrong = make("span", "astraml-wrong", "", { role: "alert" });
    if (this.choices) {
      this.input = make("select", "astraml-input");
      const options = this.choices.map((choice, at) => make("option", "", wordsOf(choice), { value: String(at) }));
      this.input.append(make("option", "", "as the search chooses", { value: "" }), ...options);
    } else {
      this.input = make("input", "astraml-input", "", { type: "text", inputmode: "decimal", placeholder: "as the search chooses" });
    }
    this.root.append(title, this.input, this.hint, this.wrong);
  }

  /** @param {Value | undefined} value */
  fill(value) {
    if (value === undefined || value === null) this.input.value = "";
    if (this.choices) {
      const at = this.choices.findIndex((choice) => choice === value);
      this.input.value = at < 0 ? "" : String(at);
    } else if (typeof value === "number") this.input.value = String(value);
  }

  /** The value that is entered; nothing where the search is to choose it. @returns {Value | undefined} */
  get value() {
    const text = this.input.value.trim();
    if (!text) return undefined;
    return this.choices ? this.choices[Number(text)] : Number(text);
  }

  /** What is wrong with what is entered, in a few words. */
  problem() {
    const { value } = this;
    if (value === undefined || this.choices) return "";
    if (typeof value !== "number" || Number.isNaN(value)) return "must be a number";
    const { low = -Infinity, high = Infinity, whole } = this.dimension;
    if (whole && !Number.isInteger(value)) return "must be a whole number";
    return value < low || value > high ? `must be ${rangeWords(this.dimension)}` : "";
  }

  /** @param {boolean} active */
  enable(active) {
    this.input.disabled = !active;
    this.root.classList.toggle("is-off", !active);
    setText(this.hint, !active ? "plays no part" : this.choices ? someWords(this.choices, this.dimension) : rangeWords(this.dimension));
    const problem = active ? this.problem() : "";
    setText(this.wrong, problem);
    this.input.setAttribute("aria-invalid", String(problem !== ""));
    return problem;
  }
}

/** Exact values to try next. */
export class PointForm extends Small {
  /**
   * @param {import("./dom.js").Listeners} listeners
   * @param {import("./view.js").Does} does
   */
  constructor(listeners, does) {
    super(listeners, "Try these values next", "Try next");
    this.from = make("span", "astraml-quiet");
    this.heading.after(this.from);
    this.root.classList.add("is-wide");
    /** @type {Field[]} */
    this.parts = [];
    listeners.on(this.root, "input", () => this.#check());
    listeners.on(this.root, "submit", (event) => {
      event.preventDefault();
      if (!this.#check()) return;
      this.yes.disabled = true;
      does.act("enqueue", null, this.point());
    });
  }

  /**
   * @param {Record<string, Dimension>} space
   * @param {import("./store.js").Row | undefined} row what it starts from
   */
  open(space, row) {
    this.parts = Object.entries(space).map(([name, dimension]) => new Field(name, dimension));
    this.fields.replaceChildren(...this.parts.map((part) => part.root));
    for (const part of this.parts) part.fill(row?.params[part.name]);
    setText(this.from, row ? `beginning with those of trial ${row.n}` : "");
    this.#check();
    this.show(this.parts.find((part) => !part.input.disabled)?.input ?? this.yes);
  }

  /** Say what is wrong beside each field; whether nothing is. */
  #check() {
    const values = new Map(this.parts.map((part) => [part.name, part.value]));
    const problems = this.parts.filter((part) => part.enable(isActive(part.dimension, values, this.parts)));
    setText(this.said, "");
    return problems.length === 0;
  }

  /** @returns {Point} */
  point() {
    /** @type {Point} */
    const point = { numbers: {}, places: {} };
    for (const part of this.parts) {
      if (part.input.disabled || part.value === undefined) continue;
      if (part.choices) point.places[part.name] = Number(part.input.value);
      else point.numbers[part.name] = Number(part.value);
    }
    return point;
  }
}

/**
 * Whether a parameter plays a part; where a parent is left to the search, it may.
 * @param {Dimension} dimension
 * @param {Map<string, Value | undefined>} values
 * @param {Field[]} fields
 * @returns {boolean}
 */
function isActive(dimension, values, fields) {
  return Object.entries(dimension.when ?? {}).every(([parent, wanted]) => {
    const field = fields.find((each) => each.name === parent);
    const value = values.get(parent);
    if (field && !isActive(field.dimension, values, fields)) return false;
    return value === undefined || wanted.includes(value);
  });
}

/** @param {Dimension} dimension */
function rangeWords({ low, high }) {
  return low === undefined ? "" : `${formatNumber(low)} to ${formatNumber(high)}`;
}

/**
 * Of thousands of choices the first are here.
 * @param {Value[]} choices
 * @param {Dimension} dimension
 */
function someWords(choices, { of }) {
  return of === undefined ? "" : `the first ${choices.length} of ${of}`;
}

/** @param {Value} choice */
const wordsOf = (choice) => (choice === null ? "None" : choice === "" ? "“”" : shorten(formatNumber(choice), 60));
