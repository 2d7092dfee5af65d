/** The filter of the table: words that have to be somewhere in a row, and comparisons such as `lr<0.01`. */

import { formatNumber, shorten } from "./format.js";

/** Other names of columns, by their keys. @type {Record<string, string>} */
const ALIASES = { trial: "n", number: "n", what: "reason", reason: "reason", runtime: "time" };
/** @type {Record<string, number>} */
const SECONDS = { s: 1, m: 60, h: 3600, d: 86400 };
/** @type {Record<string, (one: number, other: number) => boolean>} */
const SIGNS = {
  "<": (one, other) => one < other,
  "<=": (one, other) => one <= other,
  ">": (one, other) => one > other,
  ">=": (one, other) => one >= other,
};
const TERM = /(?:"([^"]+)"|([^\s"<>=!]+))\s*(<=|>=|!=|==|=|<|>)\s*(?:"([^"]*)"|([^\s"]*))|"([^"]*)"?|(\S+)/g;

/**
 * @typedef {import("./columns.js").Column} Column
 * @typedef {import("./store.js").Row} Row
 * @typedef {(row: Row) => boolean} Test
 */

/** @type {WeakMap<Row, {columns: Column[], text: string}>} What words are looked for in, made once per row. */
const texts = new WeakMap();

/**
 * Read a filter; returns its test, or one short sentence about what is wrong with it.
 * @param {string} filter
 * @param {Column[]} columns
 * @returns {{test: Test | null, error: string}}
 */
export function parsed(filter, columns) {
  /** @type {Test[]} */
  const tests = [];
  for (const [, quoted, plain, sign = "", quotedValue, plainValue, phrase, word] of filter.matchAll(TERM)) {
    const name = quoted ?? plain;
    if (name === undefined) {
      const wanted = (phrase ?? word ?? "").toLowerCase();
      if (wanted) tests.push((row) => textOf(row, columns).includes(wanted));
      continue;
    }
    const column = columnOf(name, columns);
    if (!column) return { test: null, error: `no column “${shorten(name, 30)}”` };
    const value = quotedValue ?? plainValue ?? "";
    if (!value && quotedValue === undefined) return { test: null, error: `“${shorten(name, 30)} ${sign}” needs a value` };
    const test = comparison(column, sign, value);
    if (typeof test === "string") return { test: null, error: test };
    tests.push(test);
  }
  return { test: tests.length ? (row) => tests.every((each) => each(row)) : null, error: "" };
}

/**
 * @param {string} name
 * @param {Column[]} columns
 */
function columnOf(name, columns) {
  const wanted = name.toLowerCase();
  const key = ALIASES[wanted];
  return columns.find((each) => each.title.toLowerCase() === wanted) ?? columns.find((each) => each.key === key);
}

/**
 * @param {Column} column
 * @param {string} sign
 * @param {string} value
 * @returns {Test | string}
 */
function comparison(column, sign, value) {
  const number = numberOf(value);
  if (sign === "=" || sign === "==") return (row) => isLike(column, row, value, number);
  if (sign === "!=") return (row) => !isLike(column, row, value, number);
  if (Number.isNaN(number)) return `“${shorten(value, 30)}” is no number`;
  const fits = SIGNS[sign];
  return (row) => {
    const mine = column.value(row);
    return typeof mine === "number" && Boolean(fits?.(mine, number));
  };
}

/**
 * A number, or a time such as `2m`, in seconds.
 * @param {string} text
 */
function numberOf(text) {
  const [, count, unit] = /^([\d.]+)\s*([smhd])$/.exec(text) ?? [];
  return count && unit ? Number(count) * (SECONDS[unit] ?? 1) : Number(text);
}

/**
 * Whether a row has a value, as it is or as it is shown; of a state its first word is enough.
 * @param {Column} column
 * @param {Row} row
 * @param {string} value
 * @param {number} number
 */
function isLike(column, row, value, number) {
  const mine = column.value(row);
  if (typeof mine === "number") return mine === number || formatNumber(mine) === formatNumber(number);
  const text = String(mine ?? "").toLowerCase();
  const wanted = value.toLowerCase();
  return text === wanted || (column.key === "state" && wanted !== "" && text.startsWith(wanted));
}

/**
 * @param {Row} row
 * @param {Column[]} columns
 */
function textOf(row, columns) {
  const known = texts.get(row);
  if (known?.columns === columns) return known.text;
  const text = columns
    .filter((each) => each.key !== "time") // moves by itself
    .map((each) => each.text(row))
    .join("\n")
    .toLowerCase();
  texts.set(row, { columns, text });
  return text;
}
