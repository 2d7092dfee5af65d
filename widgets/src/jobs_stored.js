/** The list of jobs as a notebook's file holds it: a table and text that need neither a kernel nor a script. */

import { formatDuration, formatNumber, shorten } from "./format.js";

const COLUMNS = ["Job", "State", "Trials", "Best", "Elapsed", "Created"];
const ROWS = 30;

/**
 * @param {{rows: import("./jobs.js").Job[], more: number, now: number}} message
 * @returns {Record<string, any>} what is stored: it is written out only when the notebook is saved
 */
export function storedList({ rows, more, now }) {
  const lines = () => rows.slice(0, ROWS).map((job) => cellsOf(job, now));
  const left = more + Math.max(0, rows.length - ROWS);
  const below = () => `${left ? `and ${left} older jobs; ` : ""}as of ${dateOf(now)}: %tune shows the list of now`;
  return {
    get "text/plain"() {
      return [COLUMNS, ...lines(), [below()]].map((line) => line.join("  ")).join("\n");
    },
    get "text/html"() {
      const row = (/** @type {string[]} */ cells, /** @type {string} */ kind) => `<tr>${cells.map((text) => `<${kind} style="text-align:left">${escaped(text)}</${kind}>`).join("")}</tr>`;
      const body = lines().map((cells) => row(cells, "td")).join("");
      return `<table><thead>${row(COLUMNS, "th")}</thead><tbody>${body}</tbody></table><p>${escaped(below())}</p>`;
    },
  };
}

/**
 * @param {import("./jobs.js").Job} job
 * @param {number} now
 */
function cellsOf(job, now) {
  const project = job.project === "default" ? "" : ` (${shorten(job.project, 24)})`;
  const trial = job.number === null ? "" : ` (trial ${job.number})`;
  const best = job.best === null ? "" : `${shorten(job.metric, 24)} ${formatNumber(job.best)}${trial}`;
  const until = job.ended ?? job.stands ?? now;
  const elapsed = job.started === null || job.state === "STALE" ? "" : formatDuration(until - job.started - job.held);
  const trials = `${job.finished}/${job.trials}`;
  return [shorten(job.name, 40) + project, job.state.toLowerCase(), trials, job.front ? `${job.front} on the front` : best, elapsed, dateOf(job.created)];
}

/** @param {number} seconds */
function dateOf(seconds) {
  const date = new Date(seconds * 1000);
  const two = (/** @type {number} */ part) => String(part).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** A dollar sign by itself begins no formula. @param {string} text */
const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;").replaceAll("$", "<span>$</span>");
