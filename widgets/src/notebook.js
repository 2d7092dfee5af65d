/**
 * The notebook around a view, where the page lets one reach it.
 *
 * Jupyter's widget manager of JupyterLab and Notebook 7 knows its document; other front ends do not, and their
 * users copy the cell.
 */

const WIDGET = "application/vnd.jupyter.widget-view+json";

/**
 * Put a code cell below a cell that shows a widget.
 * @param {any} manager Jupyter's widget manager, as far as the front end has one
 * @param {string} modelId
 * @param {string} source
 * @param {number} [which] of the cells that show it, from the first on; else the last
 * @returns {boolean} whether that was possible
 */
export function insertBelow(manager, modelId, source, which = -1) {
  try {
    const { model } = manager.context;
    const { cells, sharedModel } = model;
    const places = [];
    for (let at = 0; at < cells.length; at += 1) {
      const { outputs } = cells.get(at);
      for (let each = 0; each < (outputs?.length ?? 0); each += 1) {
        if (outputs.get(each).data?.[WIDGET]?.model_id === modelId) places.push(at);
      }
    }
    const index = places.at(which) ?? places.at(-1) ?? cells.length - 1;
    if (model.readOnly || sharedModel.isDisposed) return false;
    sharedModel.insertCell(index + 1, { cell_type: "code", source, metadata: { trusted: true } });
    return true;
  } catch {
    return false;
  }
}

/**
 * Let the browser store a text as a file.
 * @param {string} name
 * @param {string} text
 * @param {string} [kind] its media type
 */
export function download(name, text, kind = "text/csv") {
  const address = URL.createObjectURL(new Blob([text], { type: `${kind};charset=utf-8` }));
  save(name, address);
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

/**
 * Let the browser store what is at an address as a file.
 * @param {string} name
 * @param {string} address
 */
export function save(name, address) {
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
}

/**
 * Put a text into the clipboard; whether that was possible.
 * @param {string} text
 */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyOldWay(text); // a page without https has no such clipboard
  }
}

/** @param {string} text */
function copyOldWay(text) {
  const before = document.activeElement;
  const place = document.createElement("textarea");
  place.value = text;
  place.style.cssText = "position:fixed;left:-5000px;top:0";
  document.body.append(place);
  place.select();
  try {
    return document.execCommand("copy");
  } catch {
    return false;
  } finally {
    place.remove();
    if (before instanceof HTMLElement) before.focus({ preventScroll: true });
  }
}
