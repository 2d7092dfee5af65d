/**
 * What a page knows of one job: filled by the kernel's frames (`astraml_lab/ui/frames.py`), read by its views.
 *
 * @typedef {{metric: string, maximize: boolean}} Objective
 * @typedef {{
 *   id: string, name: string, project: string, state: string, ended: boolean,
 *   objectives: Objective[], trials: number, counts: Record<string, number>, finished: number,
 *   failed: number, infeasible: number,
 *   params: string[], metrics: string[], reason: string, hand: boolean, note: string, service?: string, elsewhere: string, disk: number,
 *   best: number[], mean?: number | null, runs?: string, violating: number[], none_keeps?: string, running: number[], started: number | null, stopped: number | null, stands: number | null, held: number,
 * }} Job
 * @typedef {{label: string, used: number, total: number, load: number | null}} Device
 * @typedef {{eta: number | null, devices: Device[]}} Vital
 * @typedef {string | number | boolean | null} Value
 * @typedef {{
 *   n: number, state: string, params: Record<string, Value>, metrics: Record<string, Value>,
 *   start: number | null, end: number | null, values?: Value[], kind?: string, reason?: string,
 *   device?: string, step?: number, notes?: string[], attempt?: number, disk?: number,
 * }} Row
 * @typedef {{
 *   kind: "number" | "words", log?: boolean, whole?: boolean, low?: number, high?: number, choices?: Value[],
 *   values?: number[], of?: number, when?: Record<string, Value[]>,
 * }} Dimension
 * @typedef {{numbers: number[], seen: Record<string, number>}} Selected What is selected, and up to which choice of each view.
 * @typedef {{m: string, shares: [string, number][], reason: string, trials: number, of: number}} Importance
 * @typedef {{n: number, log: string[], traceback: string, why?: string}} Detail
 * @typedef {{x0: number, columns: Float32Array[]}} Line
 * @typedef {{columns: Float32Array[], trials: number, of: number}} Band
 * @typedef {{show: number[], lines: Map<number, Line>, band: Band | null}} Chart
 * @typedef {{n: number, k: number, p: number, c: number, x0?: number}} LinePatch
 * @typedef {{m: string, a: string, show?: number[], lines?: LinePatch[], band?: {p: number, trials: number, of: number}}} ChartPatch
 * @typedef {{
 *   now: number, fresh?: boolean, job?: Job, vital?: Vital, rows?: Row[], charts?: ChartPatch[], details?: Detail[],
 *   space?: Record<string, Dimension>, importance?: Importance[], selected?: Selected,
 * }} Head
 */

/**
 * @param {string} metric
 * @param {string} axis
 */
export const chartKey = (metric, axis) => `${axis}|${metric}`;

export class Store {
  constructor() {
    /** @type {Job | null} */
    this.job = null;
    /** @type {Vital} */
    this.vital = { eta: null, devices: [] };
    /** Kernel time at which the vital values were true. */
    this.vitalAt = 0;
    /** @type {Map<number, Row>} */
    this.rows = new Map();
    /** Grows with every change of a row. */
    this.revision = 0;
    /** Grows with every change of what has ended, and of what was made of it. */
    this.settled = 0;
    /** @type {Map<string, Chart>} */
    this.charts = new Map();
    /** What is known of the parameters' ranges. @type {Record<string, Dimension>} */
    this.space = {};
    /** What is selected, as the kernel knows it. @type {Selected | null} */
    this.selected = null;
    /** How much the parameters matter, by objective. @type {Map<string, Importance>} */
    this.importance = new Map();
    /** Grows with every change of it. */
    this.weighed = 0;
    /** @type {Map<number, Detail>} */
    this.details = new Map();
    /** Seconds to add to this page's clock to get the kernel's. */
    this.skew = 0;
    /** Whether some trial's state takes many words: a further attempt, a failure with a long name. */
    this.wordy = false;
    /** When the last thing happened of which this page knows. */
    this.lastSign = 0;
    /** The moment at which this page lost touch: its clocks stand still. @type {number | null} */
    this.stoodAt = null;
    /** Whether this page's kernel is gone for good. */
    this.lost = false;
  }

  /** The kernel's time; of a job that nobody runs, the moment when something was last heard of it. */
  now() {
    if (this.stale) return this.lastSign;
    return this.stoodAt ?? Date.now() / 1000 + this.skew;
  }

  /** Whether nobody runs the job although it has not ended: what ran has been cut off. */
  get stale() {
    const { job } = this;
    return job !== null && (job.state === "STALE" || (this.lost && !job.ended && !job.elsewhere));
  }

  /**
   * Let the clocks stand still, or go on.
   * @param {boolean} still
   */
  stand(still) {
    if (!still) this.stoodAt = null;
    else this.stoodAt ??= this.now();
  }

  /**
   * Take in a frame.
   * @param {Head} head
   * @param {Float32Array} values
   */
  apply(head, values) {
    if (head.fresh) {
      // Everything follows again. The rows stay until their successors come: the table does not flicker.
      this.charts.clear();
      this.details.clear();
    }
    this.skew = head.now - Date.now() / 1000;
    if (head.job) {
      if (this.job && this.job.id !== head.job.id) {
        this.rows.clear();
        this.importance.clear();
      }
      this.job = head.job;
      this.lastSign = Math.max(this.lastSign, head.job.started ?? 0);
    }
    if (head.vital) {
      this.vital = head.vital;
      this.vitalAt = head.now;
    }
    let settled = Boolean(head.fresh || head.space || head.importance);
    for (const row of head.rows ?? []) {
      settled ||= typeof row.end === "number" || typeof this.rows.get(row.n)?.end === "number";
      this.rows.set(row.n, row);
      this.lastSign = Math.max(this.lastSign, row.start ?? 0, row.end ?? 0);
      this.wordy ||= (row.attempt ?? 1) > 1 || row.kind === "oom" || row.kind === "stale";
    }
    if (head.rows) this.revision += 1;
    if (head.space) this.space = head.space;
    if (head.selected) this.selected = head.selected;
    for (const found of head.importance ?? []) this.importance.set(found.m, found);
    if (head.fresh || head.importance) this.weighed += 1;
    if (settled) this.settled += 1;
    for (const detail of head.details ?? []) this.details.set(detail.n, detail);
    this.#applyCharts(head.charts ?? [], values);
  }

  /**
   * @param {ChartPatch[]} patches
   * @param {Float32Array} values
   */
  #applyCharts(patches, values) {
    let offset = 0;
    /** @param {number} size */
    const take = (size) => values.subarray(offset, (offset += size));
    for (const patch of patches) {
      const key = chartKey(patch.m, patch.a);
      const chart = this.charts.get(key) ?? { show: [], lines: new Map(), band: null };
      this.charts.set(key, chart);
      if (patch.show) chart.show = patch.show;
      for (const line of patch.lines ?? []) {
        const fresh = columnsOf(take(line.p * line.c), line.c);
        const before = chart.lines.get(line.n);
        const columns = before ? fresh.map((column, index) => joined(before.columns[index], line.k, column)) : fresh;
        chart.lines.set(line.n, { x0: line.x0 ?? 0, columns });
      }
      if (patch.show) {
        const shown = new Set(patch.show);
        for (const number of chart.lines.keys()) if (!shown.has(number)) chart.lines.delete(number);
      }
      if (patch.band) {
        chart.band = { trials: patch.band.trials, of: patch.band.of, columns: columnsOf(take(patch.band.p * 3), 3) };
      }
    }
  }
}

/**
 * @param {Float32Array} block
 * @param {number} count
 */
function columnsOf(block, count) {
  const size = block.length / count;
  return Array.from({ length: count }, (_, index) => block.slice(index * size, (index + 1) * size));
}

/**
 * @param {Float32Array | undefined} before
 * @param {number} kept
 * @param {Float32Array} fresh
 */
function joined(before, kept, fresh) {
  if (!before || !kept) return fresh;
  const whole = new Float32Array(kept + fresh.length);
  whole.set(before.subarray(0, kept));
  whole.set(fresh, kept);
  return whole;
}

/**
 * Read the two buffers of a frame. They arrive as views into a larger message, maybe unaligned.
 * @param {DataView[]} buffers
 * @returns {{head: Head, values: Float32Array}}
 */
export function decode(buffers) {
  const [text, block] = buffers;
  if (!text) throw new Error("a frame without its head");
  const head = JSON.parse(new TextDecoder().decode(text));
  if (!block?.byteLength) return { head, values: new Float32Array(0) };
  const bytes = block.buffer.slice(block.byteOffset, block.byteOffset + block.byteLength);
  return { head, values: new Float32Array(bytes) };
}

/**
 * The value that a row shows for an objective: the final one, or the last report while it runs.
 * @param {Row} row
 * @param {Job} job
 * @param {number} index
 * @returns {Value}
 */
export function objectiveOf(row, job, index) {
  const final = row.values?.[index];
  if (final !== undefined) return final;
  const objective = job.objectives[index];
  return objective ? (row.metrics[objective.metric] ?? null) : null;
}
