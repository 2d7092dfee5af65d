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

/** So much of a name or value tells one from another; the kernel sends no more of it. */
const DISTINCT = 200;

/**
 * What an axis of words needs: places that are told apart by their whole text, and short labels.
 * @param {string[]} texts
 * @param {number} limit
 */
export function wordsForPlotly(texts, limit) {
  const places = texts.map((text) => forPlotly(text, DISTINCT));
  const labels = Object.fromEntries(texts.map((text, index) => [places[index], forPlotly(text, limit)]));
  return { places, axis: { type: "category", labelalias: labels } };
}

/**
 * Spell a name as one argument of `%tune`, as Python's `shlex.quote` does.
 * @param {string} name
 */
export function quoted(name) {
  return /^[\w@%+=:,./-]+$/.test(name) ? name : `'${name.replaceAll("'", `'"'"'`)}'`;
}

/**
 * What a person types for a job.
 * @param {string} command
 * @param {{name: string, project: string}} job
 * @param {string} [rest]
 */
export function tuneLine(command, job, rest = "") {
  const project = job.project === "default" ? "" : ` --project ${quoted(job.project)}`;
  return `%tune ${command} ${quoted(job.name)}${rest && ` ${rest}`}${project}`;
}

/**
 * A sentence as people write it: a capital at its beginning, unless that is a name, and a full stop.
 * @param {string} text
 * @param {string} [name]
 */
export function sentence(text, name = "") {
  const trimmedText = text.trim();
  const keeps = (name && trimmedText.startsWith(name)) || trimmedText.startsWith("`") || trimmedText.startsWith("%");
  const begun = keeps ? trimmedText : trimmedText.charAt(0).toUpperCase() + trimmedText.slice(1);
  return /[.!?…:]$/.test(begun) ? begun : `${begun}.`;
}

/** @param {number} count */
export function ordinal(count) {
  const tens = Math.floor(count / 10) % 10;
  const ending = tens === 1 ? "th" : (["th", "st", "nd", "rd"][count % 10] ?? "th");
  return `${count}${ending}`;
}

/** The kinds of failures, as people say them. @type {Record<string, string>} */
const KINDS = { nan: "NaN", no_metric: "no metric", oom: "out of memory", stale: "kernel died" };

/** @param {string} kind */
const kindWords = (kind) => KINDS[kind] ?? kind.replaceAll("_", " ");

/**
 * @param {import("./store.js").Row} row
 * @param {boolean} [stale] whether nobody runs the job: what ran has been cut off
 */
export function stateWords(row, stale = false) {
  if (row.kind === "infeasible") return "infeasible";
  if (stale && row.state === "RUNNING") return "cut off";
  return row.state.toLowerCase() + (row.kind ? ` (${kindWords(row.kind)})` : "");
}

/**
 * The same where there is little room: a failure by its kind, which its sign says to be one.
 * @param {import("./store.js").Row} row
 * @param {boolean} [stale]
 */
export function shortState(row, stale = false) {
  if (row.state === "FAILED" && row.kind) return kindWords(row.kind);
  return stateWords(row, stale);
}

/**
 * What happened to a trial: why it ended, or why it is not where one would expect it.
 * @param {import("./store.js").Row} row
 * @param {boolean} [stale]
 */
export function storyOf(row, stale = false) {
  if (row.reason) return row.reason;
  if (stale && row.state === "RUNNING") return "its kernel is gone: runs again after Resume";
  if ((row.attempt ?? 1) < 2) return "";
  const last = row.notes?.at(-1);
  const which = `${ordinal(row.attempt ?? 1)} attempt`;
  return (row.state === "WAITING" ? `waits for its ${which}` : which) + (last ? `: ${last}` : "");
}

/**
 * How long a trial has run.
 * @param {import("./store.js").Row} row
 * @param {number} now
 */
export function runtime(row, now) {
  return row.start === null || row.start === undefined ? null : Math.max(0, (row.end ?? now) - row.start);
}
