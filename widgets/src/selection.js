/** Which trials are selected, in the order in which they were chosen. The table, the charts and Python share it. */

/** Trials that are opened side by side. */
export const OPEN = 5;

export class Selection {
  /** @param {Iterable<number>} [numbers] */
  constructor(numbers = []) {
    /** @type {Set<number>} */
    this.set = new Set(numbers);
    /** Grows with every change. */
    this.revision = 0;
  }

  get size() {
    return this.set.size;
  }

  /** All of them, in order. */
  get numbers() {
    return [...this.set];
  }

  /** Those that are opened. */
  get opened() {
    return this.numbers.slice(0, OPEN);
  }

  /** The one that was chosen last, from which the keyboard goes on. @type {number | null} */
  get last() {
    return this.numbers.at(-1) ?? null;
  }

  /** @param {number} number */
  has(number) {
    return this.set.has(number);
  }

  /**
   * A trial was clicked: alone, once more to let go of it, or with Ctrl beside the others.
   * @param {number} number
   * @param {boolean} [beside]
   */
  pick(number, beside = false) {
    const had = this.set.has(number);
    if (!beside) this.replace(had && this.size === 1 ? [] : [number]);
    else if (had) this.replace(this.numbers.filter((each) => each !== number));
    else this.replace([...this.set, number]);
  }

  /** @param {Iterable<number>} numbers */
  replace(numbers) {
    this.set = new Set(numbers);
    this.revision += 1;
  }

  clear() {
    if (this.size) this.replace([]);
  }
}

/**
 * The trials from one to another as they stand in a list, the other at the end: from it the keyboard goes on.
 * @param {number[]} order
 * @param {number | null} from
 * @param {number} to
 */
export function between(order, from, to) {
  const start = from === null ? -1 : order.indexOf(from);
  const end = order.indexOf(to);
  if (start < 0 || end < 0) return [to];
  return start <= end ? order.slice(start, end + 1) : order.slice(end, start + 1).reverse();
}
