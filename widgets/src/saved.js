/**
 * What the notebook's file holds of a live view: a picture that needs no kernel.
 *
 * A widget in a file is an error message for a reader without the kernel, and a front end shows no other part of
 * the output then. So the page keeps the widget, and what is written to the file has the picture in its place,
 * marked with the widget's name. A page that finds the mark, and the widget alive, puts the view back.
 * JupyterLab and Notebook 7 let one at their document; elsewhere the kernel replaces the view when the job ends.
 * A form and a list of jobs leave text in their place in the same way.
 */

const WIDGET = "application/vnd.jupyter.widget-view+json";
const PLOTLY = "application/vnd.plotly.v1+json";
const PNG = "image/png";
/** Under this name an output says which widget it stands for. */
const MARK = "astraml_lab";
/** Each document has one table of pictures, whatever module asks for it first. */
const PICTURES = Symbol.for("astraml_lab.pictures");
/** Milliseconds that the page has for drawing a PNG. */
const PATIENCE = 20_000;
/** Pixels: a PNG that is wider than the page would be cut off where it is opened again. */
const [WIDTH, WIDEST] = [860, 1000];

/** @typedef {Record<string, any>} Bundle */

export class Saved {
  /**
   * @param {any} manager Jupyter's widget manager, as far as the front end has one
   * @param {() => string} name of the widget: the kernel tells it
   * @param {() => number} [width] of a view in pixels, 0 where none is seen
   */
  constructor(manager, name, width = () => 0) {
    this.manager = manager;
    this.name = name;
    this.width = width;
    /** @type {Map<string, Bundle> | null} */
    this.pictures = picturesOf(manager);
    this.back();
  }

  /** Whether a saved notebook holds the picture while the page shows the view. */
  get possible() {
    return this.pictures !== null;
  }

  /**
   * From now on a saved notebook holds this picture.
   * @param {Bundle} picture
   * @param {boolean} last whether it is the final one: then the file is out of date, and a PNG is worth its time
   */
  async keep(picture, last) {
    if (!this.pictures || !this.name()) return;
    this.back();
    const before = this.pictures.get(this.name());
    if (before?.[PNG] && same(before[PLOTLY], picture[PLOTLY])) return;
    this.pictures.set(this.name(), picture);
    if (!last) return;
    const png = await drawn(this.manager, picture, Math.min(WIDEST, this.width() || WIDTH));
    if (png && this.pictures.get(this.name()) === picture) this.pictures.set(this.name(), { ...picture, [PNG]: png });
    this.manager.context.model.dirty = true;
  }

  /** Put the view where the file held its picture. */
  back() {
    const name = this.name();
    if (!this.pictures || !name) return;
    if (!this.pictures.has(name)) this.pictures.set(name, {});
    for (const { outputs, at, output } of outputsOf(this.manager)) {
      if (output.metadata?.[MARK]?.widget !== name || WIDGET in output.data) continue;
      this.pictures.set(name, output.data);
      const view = { version_major: 2, version_minor: 0, model_id: name };
      const data = { "text/plain": output.data["text/plain"] ?? "", [WIDGET]: view };
      outputs.set(at, { output_type: "display_data", data, metadata: {} });
    }
  }

  /** Put the picture where the view was: nobody answers it any more. */
  settle() {
    const picture = this.pictures?.get(this.name());
    if (!picture?.[PLOTLY]) return;
    for (const { outputs, at, output } of outputsOf(this.manager)) {
      if (output.data[WIDGET]?.model_id !== this.name()) continue;
      outputs.set(at, { output_type: "display_data", data: picture, metadata: {} });
    }
  }
}

/**
 * The pictures that a document writes in the place of widgets; `null` where one cannot get at it, or where others
 * write it (a shared document is saved by the server).
 * @param {any} manager
 * @returns {Map<string, Bundle> | null}
 */
export function picturesOf(manager) {
  const notebook = manager?.context?.model;
  if (typeof notebook?.toJSON !== "function" || !notebook.cells || notebook.collaborative) return null;
  if (notebook[PICTURES]) return notebook[PICTURES];
  /** @type {Map<string, Bundle>} */
  const pictures = new Map();
  const written = notebook.toJSON;
  notebook.toJSON = function () {
    return standIns(written.call(this), pictures);
  };
  notebook[PICTURES] = pictures;
  return pictures;
}

/**
 * A notebook's content with pictures where it has widgets of ours; the given content is left as it is.
 * @param {any} content
 * @param {Map<string, Bundle>} pictures
 */
export function standIns(content, pictures) {
  if (!Array.isArray(content?.cells)) return content;
  /** @param {any} output */
  const stored = (output) => {
    const name = output?.data?.[WIDGET]?.model_id;
    if (!pictures.has(name)) return output;
    const data = { "text/plain": output.data["text/plain"] ?? "", ...pictures.get(name) };
    return { ...output, data, metadata: { ...output.metadata, [MARK]: { widget: name } } };
  };
  const cells = content.cells.map((/** @type {any} */ cell) => (cell.outputs ? { ...cell, outputs: cell.outputs.map(stored) } : cell));
  return { ...content, cells };
}

/**
 * Whether two values say the same; a file has its keys in an order of its own.
 * @param {unknown} one
 * @param {unknown} other
 */
function same(one, other) {
  return JSON.stringify(one, sorted) === JSON.stringify(other, sorted);
}

/** @param {string} _key @param {unknown} value */
function sorted(_key, value) {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)));
}

/** @param {any} manager */
function outputsOf(manager) {
  const found = [];
  const cells = manager?.context?.model?.cells;
  for (let cell = 0; cell < (cells?.length ?? 0); cell += 1) {
    const { outputs } = cells.get(cell);
    for (let at = 0; at < (outputs?.length ?? 0); at += 1) {
      const output = outputs.get(at);
      if (output.data) found.push({ outputs, at, output });
    }
  }
  return found;
}

/**
 * The PNG that the notebook's own renderer of plotly adds to a figure, out of sight.
 * @param {any} manager
 * @param {Bundle} picture
 * @param {number} width in pixels
 * @returns {Promise<string | undefined>}
 */
async function drawn(manager, picture, width) {
  const place = document.createElement("div");
  place.style.cssText = `position:fixed;left:-5000px;top:0;width:${width}px;visibility:hidden`;
  /** @type {any} */
  let renderer;
  try {
    renderer = manager.rendermime.createRenderer(PLOTLY);
    document.body.append(place);
    place.append(renderer.node);
    return await new Promise((resolve) => {
      const setData = (/** @type {any} */ { data }) => resolve(data?.[PNG]);
      setTimeout(() => resolve(undefined), PATIENCE);
      // A copy: plotly writes into what it draws.
      renderer.renderModel({ data: structuredClone(picture), metadata: {}, trusted: true, setData });
    });
  } catch {
    return undefined; // no renderer of plotly here: the picture is what it is
  } finally {
    renderer?.dispose();
    place.remove();
  }
}
