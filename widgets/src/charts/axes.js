/**
 * The axes of parallel coordinates: where each trial crosses them. Plain data, no page.
 *
 * A place on an axis is a part of its height, 0 at the bottom. What an axis counts in, its units, are the values,
 * their logarithms, or the numbers of its words: a brush is kept in units, because the ends of an axis may move.
 *
 * @typedef {{
 *   name: string, kind: "number" | "words", log: boolean, low: number, high: number, inactive: boolean,
 *   words: string[], places: Float32Array, ticks: {at: number, text: string}[],
 * }} Axis
 */

import { formatNumber, shorten } from "../format.js";

/** The part of an axis of numbers below its scale, where trials cross in which the parameter is not active. */
export const FOOT = 0.1;
const TICKS = 5;
const WORD = 16;
export const INACTIVE = "not active";
/** Values that spread over more are shown on a log axis where nothing is known of their dimension. */
const DECADES = 2;

/**
 * @param {string} name
 * @param {(import("../store.js").Value | undefined)[]} values
 * @param {import("../store.js").Dimension} [dimension]
 * @returns {Axis}
 */
export function axisOfValues(name, values, dimension) {
  const numbers = dimension ? dimension.kind === "number" : values.every((value) => isNothing(value) || typeof value === "number");
  return numbers ? numberAxis(name, values, dimension) : wordAxis(name, values, dimension);
}

/**
 * @param {string} name
 * @param {(import("../store.js").Value | undefined)[]} values
 * @param {import("../store.js").Dimension} [dimension]
 * @returns {Axis}
 */
function numberAxis(name, values, dimension) {
  let [low, high] = [dimension?.low ?? Infinity, dimension?.high ?? -Infinity];
  let least = low;
  let inactive = false;
  for (const value of values) {
    if (isNothing(value)) inactive = true;
    if (typeof value !== "number") continue;
    if (value < low) low = value;
    if (value > high) high = value;
    if (value > 0 && value < least) least = value;
  }
  if (low > high) [low, high] = [0, 1];
  const log = low > 0 && (dimension ? Boolean(dimension.log) : Math.log10(high / least) > DECADES);
  /** @param {number} value */
  const unit = (value) => (log ? Math.log10(value) : value);
  /** @type {Axis} */
  const axis = { name, kind: "number", log, low: unit(low), high: unit(high), inactive, words: [], places: new Float32Array(values.length), ticks: [] };
  values.forEach((value, index) => {
    axis.places[index] = typeof value === "number" ? placeOf(axis, unit(value)) : isNothing(value) ? 0 : NaN;
  });
  axis.ticks = ticksOf(axis.low, axis.high, log).map((at) => ({ at: placeOf(axis, at), text: wordsOf(axis, at) }));
  if (inactive) axis.ticks.unshift({ at: 0, text: INACTIVE });
  return axis;
}

/**
 * @param {string} name
 * @param {(import("../store.js").Value | undefined)[]} values
 * @param {import("../store.js").Dimension} [dimension]
 * @returns {Axis}
 */
function wordAxis(name, values, dimension) {
  const choices = (dimension?.choices ?? []).map(wordOf);
  const nothing = choices.includes(wordOf(null)) ? wordOf(null) : INACTIVE;
  const found = values.map((value) => (isNothing(value) ? nothing : wordOf(value)));
  const words = [...new Set([...choices, ...found.filter((word) => word !== INACTIVE)])];
  if (found.includes(INACTIVE)) words.unshift(INACTIVE);
  const index = new Map(words.map((word, at) => [word, at]));
  /** @type {Axis} */
  const axis = { name, kind: "words", log: false, low: -0.5, high: words.length - 0.5, inactive: false, words, places: new Float32Array(0), ticks: [] };
  axis.places = Float32Array.from(found, (word) => placeOf(axis, index.get(word) ?? 0));
  axis.ticks = words.map((word, at) => ({ at: placeOf(axis, at), text: shorten(word, WORD) }));
  return axis;
}

/** @param {import("../store.js").Value | undefined} value */
const isNothing = (value) => value === null || value === undefined;
/** @param {import("../store.js").Value} value */
const wordOf = (value) => (value === null ? "None" : formatNumber(value));

/**
 * @param {Axis} axis
 * @param {number} unit
 */
export function placeOf(axis, unit) {
  if (unit === -Infinity) return 0;
  const foot = axis.inactive ? FOOT : 0;
  const part = axis.high > axis.low ? (unit - axis.low) / (axis.high - axis.low) : 0.5;
  return foot + part * (1 - foot);
}

/**
 * @param {Axis} axis
 * @param {number} place
 */
export function unitOf(axis, place) {
  const foot = axis.inactive ? FOOT : 0;
  if (axis.inactive && place < foot / 2) return -Infinity;
  const part = Math.max(0, (place - foot) / (1 - foot));
  return axis.low + part * (axis.high - axis.low);
}

/**
 * What stands at a place of an axis, in words.
 * @param {Axis} axis
 * @param {number} place
 */
export function wordsAt(axis, place) {
  const unit = unitOf(axis, place);
  if (unit === -Infinity) return INACTIVE;
  if (axis.kind === "words") return axis.words[Math.min(axis.words.length - 1, Math.max(0, Math.round(unit)))] ?? "";
  return wordsOf(axis, unit);
}

/**
 * A unit of an axis of numbers, as the number that it stands for.
 * @param {Axis} axis
 * @param {number} unit
 */
export const wordsOf = (axis, unit) => formatNumber(Number((axis.log ? 10 ** unit : unit).toPrecision(3)));

/**
 * Round places for the ticks, in units.
 * @param {number} low
 * @param {number} high
 * @param {boolean} log
 */
export function ticksOf(low, high, log) {
  if (!(high > low)) return [low];
  if (log && high - low >= 1.5) {
    const stride = Math.ceil((high - low) / TICKS);
    return range(Math.ceil(low - 1e-9), high, stride);
  }
  if (log) {
    const ticks = range(Math.floor(low), high, 1).flatMap((decade) => [1, 2, 5].map((digit) => decade + Math.log10(digit)));
    return ticks.filter((tick) => tick >= low - 1e-9 && tick <= high + 1e-9);
  }
  const raw = (high - low) / TICKS;
  const decade = 10 ** Math.floor(Math.log10(raw));
  const step = decade * ([1, 2, 5, 10].find((digit) => digit * decade >= raw) ?? 10);
  return range(Math.ceil(low / step - 1e-9) * step, high, step);
}

/**
 * @param {number} from
 * @param {number} to
 * @param {number} step
 */
function range(from, to, step) {
  return Array.from({ length: Math.max(0, Math.floor((to - from) / step + 1e-9) + 1) }, (_, index) => from + index * step);
}
