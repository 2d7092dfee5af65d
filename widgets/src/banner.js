/** What a person has to know before anything else: the kernel is gone, the job is held, a button was refused. */

import { fill, icon, make } from "./dom.js";
import { sentence, tuneLine } from "./format.js";

/**
 * How this page is connected: `live`, `silent` (no word for a while), `gone` (the kernel was restarted), or
 * `deleted` (the kernel has no such job any more).
 * @typedef {"live" | "silent" | "gone" | "deleted"} Link
 * @typedef {{kind: "gone" | "stale" | "held" | "error" | "told", lines: string[]}} Words
 */

/**
 * What the banner says, or nothing.
 * @param {import("./store.js").Job | null} job
 * @param {Link} link
 * @param {{text: string, error: boolean}} message what the view itself has to say
 * @returns {Words | null}
 */
export function bannerOf(job, link, message) {
  if (link === "gone") return { kind: "gone", lines: goneWords(job) };
  if (link === "deleted") return { kind: "gone", lines: deletedWords(job) };
  if (link === "silent" && !job?.ended) return { kind: "gone", lines: silentWords(job) };
  const said = message.text ? [sentence(message.text, job?.name)] : [];
  const error = said.length > 0 && message.error;
  if (job?.state === "STALE") return { kind: error ? "error" : "stale", lines: [staleWords(job), ...said] };
  if (job?.state === "PAUSED") return { kind: error ? "error" : "held", lines: [heldWords(job), ...said] };
  return said.length ? { kind: error ? "error" : "told", lines: said } : null;
}

/** @param {import("./store.js").Job | null} job */
function goneWords(job) {
  if (!job) return ["The kernel was restarted: this view shows nothing any more."];
  if (job.ended) return [`The kernel was restarted. \`${tuneLine("show", job)}\` shows the job again.`];
  if (job.elsewhere) {
    return [
      `This notebook's kernel was restarted, and this view stands still; the job goes on in kernel ${job.elsewhere}. ` +
        `\`${tuneLine("show", job)}\` shows it again.`,
    ];
  }
  return [
    "The kernel was restarted, and the job stopped with it: this view shows how it stood. What had finished is kept.",
    `To go on, run the cells that it needs, then \`${tuneLine("resume", job)}\`; \`${tuneLine("show", job)}\` only looks.`,
  ];
}

/** @param {import("./store.js").Job | null} job */
function deletedWords(job) {
  return [job ? "The job was deleted: this view shows how it stood." : "The job was deleted."];
}

/** @param {import("./store.js").Job | null} job */
function silentWords(job) {
  const how = job ? ` If this stays, run \`${tuneLine("show", job)}\`.` : " If this stays, load the page again.";
  return [`No word from the kernel for a while: it is busy, restarted or out of reach. This view stands still.${how}`];
}

/** @param {import("./store.js").Job} job */
function staleWords(job) {
  const why = /its kernel is gone/.test(job.reason) || !job.reason ? "its kernel is gone; what had finished is kept" : job.reason;
  return `${sentence(why, job.name)} Resume takes the job over, in this notebook's kernel.`;
}

/** @param {import("./store.js").Job} job */
function heldWords(job) {
  if (job.hand || !job.reason) {
    return `Paused by hand: ${job.running.length ? "running trials go on to their end, no new one starts" : "no trial starts"}.`;
  }
  return sentence(`Paused: ${job.reason}`);
}

export class Banner {
  constructor() {
    this.root = make("div", "astraml-banner", "", { role: "status", "aria-live": "polite" });
    this.root.hidden = true;
    this.stamp = "";
  }

  /** @param {Words | null} words */
  update(words) {
    const stamp = JSON.stringify(words);
    if (stamp === this.stamp) return;
    this.stamp = stamp;
    this.root.hidden = !words;
    if (!words) return this.root.replaceChildren();
    this.root.dataset.kind = words.kind;
    const text = make("div", "astraml-banner-text");
    text.append(...words.lines.map((line) => fill(make("p"), line)));
    this.root.replaceChildren(icon(words.kind === "held" ? "PAUSED" : words.kind === "told" ? "QUEUED" : "STALE"), text);
  }
}
