/** The columns of the table of trials, and its rows in order. */

import { formatDuration, formatNumber, ordinal, runtime, shorten, stateWords, storyOf } from "./format.js";
import { objectiveOf } from "./store.js";

const PARAMS = 30;
const METRICS = 60;
const collator = new Intl.Collator("en", { numeric: true });

/**
 * @typedef {{
 *   key: string, title: string, width: number, number: boolean, off?: boolean,
 *   value: (row: import("./store.js").Row) => import("./store.js").Value,
 *   text: (row: import("./store.js").Row) => string,
 * }} Column A column that is `off` is shown only to who asks for it.
 */

/**
 * Wide enough for the title, within reason.
 * @param {string} title
 * @param {number} least
 */
const widthFor = (title, least) => Math.min(150, Math.max(least, Math.ceil(title.length * 7.2) + 34));

/**
 * Room for the largest number of a trial.
 * @param {import("./store.js").Job} job
 */
export const widthOfNumbers = ({ trials, finished }) => 26 + 8 * Math.max(2, String(Math.max(trials || 0, finished || 0)).length);

/**
 * The columns of a job.
 * @param {import("./store.js").Job} job
 * @param {() => number} now
 * @param {{stale: boolean, wordy: boolean}} [how] whether nobody runs it and what ran was cut off; whether states are long
 * @returns {Column[]}
 */
export function columnsOf(job, now, { stale, wordy } = { stale: false, wordy: false }) {
  /** @type {Column[]} */
  const results = job.objectives.map((objective, index) => ({
    key: `objective ${index}`,
    title: objective.metric,
    width: widthFor(objective.metric, 72),
    number: true,
    value: (row) => objectiveOf(row, job, index),
    text: (row) => formatNumber(objectiveOf(row, job, index)),
  }));
  /** @type {Column[]} */
  const params = job.params.map((name, index) => ({
    key: `param ${name}`,
    title: name,
    width: widthFor(name, 72),
    number: true,
    off: index >= PARAMS,
    value: (row) => row.params[name] ?? null,
    text: (row) => shorten(formatNumber(row.params[name] ?? null), 40),
  }));
  const goals = new Set(job.objectives.map((objective) => objective.metric));
  /** @type {Column[]} */
  const others = job.metrics
    .filter((name) => !goals.has(name))
    .slice(0, METRICS)
    .map((name) => ({
      key: `metric ${name}`,
      title: name,
      width: widthFor(name, 72),
      number: true,
      off: true,
      value: (row) => row.metrics[name] ?? null,
      text: (row) => formatNumber(row.metrics[name] ?? null),
    }));
  /** @param {import("./store.js").Row} row */
  const state = (row) => [stateWords(row, stale), attemptWords(row)].filter(Boolean).join(", ");
  return [
    { key: "n", title: "#", width: widthOfNumbers(job), number: true, value: (row) => row.n, text: (row) => String(row.n) },
    { key: "state", title: "state", width: wordy ? 148 : 98, number: false, value: state, text: state },
    ...results,
    ...params,
    ...others,
    {
      key: "reason",
      title: "what happened",
      width: 240,
      number: false,
      value: (row) => storyOf(row, stale),
      text: (row) => storyOf(row, stale),
    },
    {
      key: "time",
      title: "time",
      width: 72,
      number: true,
      value: (row) => runtime(row, now()),
      text: (row) => {
        const seconds = runtime(row, now());
        return seconds === null ? "" : formatDuration(seconds);
      },
    },
    {
      key: "device",
      title: "device",
      width: 72,
      number: false,
      off: true,
      value: (row) => row.device ?? null,
      text: (row) => row.device ?? "",
    },
    {
      key: "attempt",
      title: "attempt",
      width: 72,
      number: true,
      off: true,
      value: (row) => row.attempt ?? 1,
      text: (row) => String(row.attempt ?? 1),
    },
  ];
}

/** @param {import("./store.js").Row} row */
export const attemptWords = (row) => ((row.attempt ?? 1) > 1 ? `${ordinal(row.attempt ?? 1)} attempt` : "");

/**
 * The rows that pass a test, in order.
 * @param {Iterable<import("./store.js").Row>} rows
 * @param {Column[]} columns
 * @param {((row: import("./store.js").Row) => boolean) | null} test
 * @param {{key: string, down: boolean}} sort
 */
export function arranged(rows, columns, test, sort) {
  const column = columns.find((each) => each.key === sort.key) ?? columns[0];
  const kept = test ? Array.from(rows).filter(test) : Array.from(rows);
  if (!column) return kept;
  const sign = sort.down ? -1 : 1;
  const keyed = kept.map((row) => ({ row, value: column.value(row) }));
  keyed.sort((one, other) => {
    const nothing = Number(isNothing(one.value)) - Number(isNothing(other.value)); // at the end, both ways
    return nothing || sign * compared(one.value, other.value) || other.row.n - one.row.n;
  });
  return keyed.map(({ row }) => row);
}

/** @param {unknown} value */
const isNothing = (value) => value === null || value === "" || value === "NaN";

/**
 * @param {unknown} one
 * @param {unknown} other
 */
function compared(one, other) {
  if (typeof one === "number" && typeof other === "number") return one - other;
  return collator.compare(String(one), String(other));
}
