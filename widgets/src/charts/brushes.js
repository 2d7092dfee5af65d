/** Ranges that are marked on axes, and which trials lie within all of them. Plain data, no page. */

import { placeOf, unitOf } from "./axes.js";

/** How far one press of an arrow moves the end of a brush on an axis of numbers. */
const STEP = 0.02;
/** Slack for numbers that were rounded on their way. */
const SLACK = 1e-4;

/**
 * @typedef {import("./axes.js").Axis} Axis
 * @typedef {{low: number, high: number}} Range a range of places
 */

export class Brushes {
  constructor() {
    /** In units of their axes, by name. @type {Map<string, Range>} */
    this.ranges = new Map();
  }

  get size() {
    return this.ranges.size;
  }

  /**
   * Mark a range; one that holds the whole axis marks nothing.
   * @param {Axis} axis
   * @param {number} one a place
   * @param {number} other
   */
  set(axis, one, other) {
    const [low, high] = [Math.max(0, Math.min(one, other)), Math.min(1, Math.max(one, other))];
    if (low <= 0 && high >= 1) this.ranges.delete(axis.name);
    else this.ranges.set(axis.name, { low: unitOf(axis, low), high: unitOf(axis, high) });
  }

  /** @param {string} [name] all of them where none is named */
  clear(name) {
    if (name === undefined) this.ranges.clear();
    else this.ranges.delete(name);
  }

  /**
   * The range on an axis, as places.
   * @param {Axis} axis
   * @returns {Range | null}
   */
  on(axis) {
    const range = this.ranges.get(axis.name);
    if (!range) return null;
    const cut = (/** @type {number} */ place) => Math.min(1, Math.max(0, place));
    return { low: cut(placeOf(axis, range.low)), high: cut(placeOf(axis, range.high)) };
  }

  /**
   * Move an end of the range by the keyboard: by a word, or a little.
   * @param {Axis} axis
   * @param {"low" | "high"} end
   * @param {number} steps
   */
  nudge(axis, end, steps) {
    const range = this.on(axis) ?? { low: 0, high: 1 };
    const step = axis.kind === "words" ? 1 / Math.max(1, axis.words.length) : STEP;
    const least = axis.kind === "words" ? step : 0;
    const to = Math.min(1, Math.max(0, range[end] + steps * step));
    if (end === "low") this.set(axis, Math.min(to, range.high - least), range.high);
    else this.set(axis, range.low, Math.max(to, range.low + least));
  }

  /**
   * Which trials lie within all ranges: 1 for each that does.
   * @param {Axis[]} axes
   * @param {number} count
   */
  mask(axes, count) {
    const mask = new Uint8Array(count).fill(1);
    for (const axis of axes) {
      const range = this.on(axis);
      if (!range) continue;
      const [low, high] = [range.low - SLACK, range.high + SLACK];
      for (let index = 0; index < count; index += 1) {
        const place = axis.places[index] ?? NaN;
        if (!(place >= low && place <= high)) mask[index] = 0;
      }
    }
    return mask;
  }
}

/**
 * Move a name to another place among the names.
 * @param {string[]} names
 * @param {string} name
 * @param {number} to
 */
export function reordered(names, name, to) {
  const rest = names.filter((each) => each !== name);
  const at = Math.min(rest.length, Math.max(0, to));
  return [...rest.slice(0, at), name, ...rest.slice(at)];
}
