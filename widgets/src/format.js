/** Numbers, durations and names for people. */

const DIGITS = 4;
const BYTE_DIGITS = 3;
/** Whole numbers below it are spelled in full. */
const WHOLE = 1e10;

/**
 * Spell a value as `astraml_lab/spec/words.py` does: a number with four significant digits, a whole one in full.
 * @param {unknown} value
 */
export function formatNumber(value) {
  if (value === null || value === undefined) return "";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value !== "number") return String(value);
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "-∞";
  const size = Math.abs(value);
  if (Number.isInteger(value) && size < WHOLE) return String(value + 0);
  if (size < 1e-3 || size >= 1e5) {
    const [mantissa = "", exponent] = value.toExponential(DIGITS - 1).split("e");
    return `${trimmed(mantissa)}e${Number(exponent)}`;
  }
  return trimmed(value.toFixed(Math.max(0, DIGITS - 1 - Math.floor(Math.log10(size)))));
}

/** @param {string} text */
const trimmed = (text) => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);

/**
 * Spell seconds in at most two units: `4 m 10 s`; a short time with one decimal.
 * @param {number} seconds
 */
export function formatDuration(seconds) {
  if (seconds > 0 && seconds < 0.1) return "< 0.1 s";
  if (seconds > 0 && seconds < 9.95 && !Number.isInteger(seconds)) return `${seconds.toFixed(1)} s`;
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  /** @type {[number, string][]} */
  const parts = [
    [Math.floor(whole / 86400), "d"],
    [Math.floor(whole / 3600) % 24, "h"],
    [Math.floor(whole / 60) % 60, "m"],
    [whole % 60, "s"],
  ];
  const first = parts.findIndex(([count]) => count > 0);
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(" ");
}

/**
 * Spell an estimate, as coarse as estimates are.
 * @param {number} seconds
 */
export function formatEstimate(seconds) {
  if (seconds < 10) return formatDuration(Math.max(1, Math.round(seconds)));
  if (seconds < 120) return formatDuration(Math.round(seconds / 5) * 5);
  return formatDuration(Math.round(seconds / 60) * 60);
}

/** @param {number} bytes */
export function formatBytes(bytes) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let size = bytes;
  let unit = 0;
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${formatNumber(Number(size.toPrecision(BYTE_DIGITS)))} ${units[unit]}`;
}

/**
 * Cut a text where it would flood its place.
 * @param {string} text
 * @param {number} limit
 */
export function shorten(text, limit = 60) {
  const letters = Array.from(text.slice(0, limit * 4));
  return letters.length <= limit ? text : `${letters.slice(0, limit - 1).join("")}…`;
}

/**
 * Make a text safe for plotly, which reads HTML-like tags, `%{…}` and `$…$` in labels.
 * @param {string} text
 * @param {number} limit
 */
export function forPlotly(text, limit = 60) {
  return shorten(text, limit)
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll("%{", "%\u200b{")
    .replaceAll("$", "&#36;");
}

/**
 * Spell a name as one argument of `%tune`, as Python's `shlex.quote` does.
 * @param {string} name
 */
export function quoted(name) {
  return /^[\w@%+=:,./-]+$/.test(name) ? name : `'${name.replaceAll("'", `'"'"'`)}'`;
}

/** @param {import("./store.js").Row} row */
export function stateWords(row) {
  if (row.kind === "infeasible") return "infeasible";
  return row.state.toLowerCase() + (row.kind ? ` (${row.kind.replace("_", " ")})` : "");
}

/**
 * How long a trial has run.
 * @param {import("./store.js").Row} row
 * @param {number} now
 */
export function runtime(row, now) {
  return row.start === null || row.start === undefined ? null : Math.max(0, (row.end ?? now) - row.start);
}
