/** The legend of a chart, in words; a key that stands for one trial selects it. */

import { make } from "../dom.js";

const KEYS = 9;

export class Keys {
  constructor() {
    this.root = make("div", "astraml-keys");
    this.stamp = "";
  }

  /** @param {import("./tab.js").Key[]} keys */
  update(keys) {
    const stamp = JSON.stringify(keys);
    if (stamp === this.stamp) return;
    this.stamp = stamp;
    const shown = keys.slice(0, KEYS).map(element);
    if (keys.length > KEYS) shown.push(make("span", "astraml-key", `and ${keys.length - KEYS} more`));
    this.root.replaceChildren(...shown);
  }
}

/** @param {import("./tab.js").Key} key */
function element({ label, colour, dash, numbers }) {
  const number = numbers.length === 1 ? numbers[0] : undefined;
  const made = number === undefined ? make("span", "astraml-key") : make("button", "astraml-key", "", { type: "button" });
  if (number !== undefined) made.dataset.n = String(number);
  const sign = make("i", `is-${dash}`);
  sign.style.setProperty("--key", colour);
  const many = numbers.length > 1 ? ` (${numbers.length})` : "";
  made.append(sign, make("span", "", label + many));
  return made;
}
