/** Small steps on the page. Texts are always set as text: names come from users. */

const SVG = "http://www.w3.org/2000/svg";

/** The states' signs, on a square of 12: none is told by colour alone. */
const ICONS = {
  RUNNING: "M3 1.5 10.5 6 3 10.5z",
  QUEUED: "M6 1.2a4.8 4.8 0 1 0 0 9.6 4.8 4.8 0 0 0 0-9.6zm0 1.4a3.4 3.4 0 1 1 0 6.8 3.4 3.4 0 0 1 0-6.8z",
  PAUSED: "M2.5 1.5h2.6v9H2.5zM6.9 1.5h2.6v9H6.9z",
  STOPPED: "M2 2h8v8H2z",
  COMPLETE: "M4.6 10.4.9 6.7l1.4-1.4 2.3 2.3L9.8 2l1.4 1.4z",
  FAILED: "M2.6 1.2 6 4.6l3.4-3.4 1.4 1.4L7.4 6l3.4 3.4-1.4 1.4L6 7.4l-3.4 3.4-1.4-1.4L4.6 6 1.2 2.6z",
  PRUNED: "M5 1h2v5.6l2.3-2.3 1.4 1.4L6 10.4 1.3 5.7l1.4-1.4L5 6.6z",
  STALE: "M5.2 1h1.6v6.4H5.2zM5.2 9h1.6v1.8H5.2z",
};
/** @type {Record<string, keyof typeof ICONS>} */
const SAME = { WAITING: "QUEUED", INFEASIBLE: "STOPPED", SUCCEEDED: "COMPLETE", CANCELLED: "STOPPED", STOPPING: "STOPPED" };

/**
 * Make an element.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {string} [name] its class
 * @param {string} [text]
 * @param {Record<string, string>} [attributes]
 * @returns {HTMLElementTagNameMap[K]}
 */
export function make(tag, name = "", text = "", attributes = {}) {
  const element = document.createElement(tag);
  if (name) element.className = name;
  if (text) element.textContent = text;
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

/**
 * Make an element of a drawing.
 * @param {string} tag
 * @param {Record<string, string | number>} attributes
 * @param {string} [text]
 */
export function svg(tag, attributes, text = "") {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  if (text) element.textContent = text;
  return element;
}

/**
 * Make a sign that those who listen do not hear: words beside it say the same.
 * @param {number} side of its square
 * @param {string} path
 * @param {string} [name] its class
 */
export function sign(side, path, name = "") {
  const made = svg("svg", { viewBox: `0 0 ${side} ${side}`, "aria-hidden": "true", ...(name ? { class: name } : {}) });
  made.append(svg("path", { d: path }));
  return made;
}

/**
 * Make the sign of a state.
 * @param {string} state
 */
export function icon(state) {
  return sign(12, ICONS[SAME[state] ?? /** @type {keyof typeof ICONS} */ (state)] ?? ICONS.QUEUED, "astraml-icon");
}

/**
 * Set a text only where it changed: nothing is laid out anew for the same words.
 * @param {Element} element
 * @param {string} text
 */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Fill an element with a sentence: what stands between backticks is code, an option is not broken at its dashes.
 * @template {Element} E
 * @param {E} element
 * @param {string} text
 * @returns {E}
 */
export function fill(element, text) {
  text.split("`").forEach((part, index, parts) => {
    if (index % 2 && index < parts.length - 1) return element.append(make("code", "", part));
    const plain = index % 2 ? `\`${part}` : part; // the last of an odd number quotes nothing
    for (const piece of plain.split(/(--[\w-]+)/)) {
      if (piece) element.append(piece.startsWith("--") ? make("span", "astraml-option", piece) : piece);
    }
  });
  return element;
}

/**
 * Make a `<select>` with these options, keeping what is chosen.
 * @param {HTMLSelectElement} select
 * @param {string[]} values
 * @param {(value: string) => string} label
 */
export function setOptions(select, values, label = (value) => value) {
  const known = Array.from(select.options, (option) => option.value);
  if (known.length === values.length && known.every((value, index) => value === values[index])) return;
  const chosen = select.value;
  select.replaceChildren(...values.map((value) => make("option", "", label(value), { value })));
  if (values.includes(chosen)) select.value = chosen;
}

/** Listeners of one view, taken off together. */
export class Listeners {
  constructor() {
    /** @type {(() => void)[]} */
    this.offs = [];
  }

  /**
   * @param {EventTarget} target
   * @param {string} type
   * @param {(event: any) => void} handler
   */
  on(target, type, handler) {
    target.addEventListener(type, handler);
    this.offs.push(() => target.removeEventListener(type, handler));
  }

  off() {
    for (const off of this.offs.splice(0)) off();
  }
}
