/** Between a view's selection and the kernel's: the last choice wins, whoever made it. */

export class Linked {
  /**
   * @param {import("./selection.js").Selection} selection
   * @param {string} view its name for the kernel
   */
  constructor(selection, view) {
    this.selection = selection;
    this.view = view;
    /** The revision that the kernel knows, or has said. */
    this.told = selection.revision;
    /** How many choices the kernel was told. */
    this.count = 0;
    /** @type {import("./store.js").Selected | null} */
    this.heard = null;
  }

  /**
   * Select what Python or another page has chosen, unless this page has chosen since.
   * @param {import("./store.js").Selected | null} selected
   */
  hear(selected) {
    if (!selected || selected === this.heard) return;
    this.heard = selected;
    const newer = this.told !== this.selection.revision || (selected.seen[this.view] ?? 0) < this.count;
    if (newer || String(selected.numbers) === String(this.selection.numbers)) return;
    this.selection.replace(selected.numbers);
    this.told = this.selection.revision;
  }

  /** What the kernel has to be told, if anything. */
  news() {
    if (this.told === this.selection.revision) return null;
    this.told = this.selection.revision;
    this.count += 1;
    return { t: "select", c: this.view, numbers: this.selection.numbers, count: this.count };
  }
}
