/** The live dashboard of a job: an anywidget module. */

import { insertBelow } from "./notebook.js";
import { Page } from "./page.js";
import { View } from "./view.js";

/** One closure per model: what `initialize` makes, `render` finds. */
export default () => {
  /** @type {Page} */
  let page;

  /** @type {import("@anywidget/types").Initialize} */
  function initialize({ model }) {
    page = new Page((message) => model.send(message));
    /** @type {(message: any, buffers: DataView[]) => void} */
    const receive = (message, buffers) => page.receive(message, buffers);
    model.on("msg:custom", receive);
    // Not of anywidget's own protocol: Jupyter's widgets say so once, when their kernel is restarted or dies.
    const jupyter = /** @type {{on(event: string, heard: () => void): void, off(event: string, heard: () => void): void}} */ (
      /** @type {unknown} */ (model)
    );
    const lose = () => page.lose();
    jupyter.on("comm_live_update", lose);
    return () => {
      model.off("msg:custom", receive);
      jupyter.off("comm_live_update", lose);
    };
  }

  /** @type {import("@anywidget/types").Render} */
  function render({ model, el }) {
    const { widget_manager: manager } = model;
    const view = new View(page, el, (source) => insertBelow(manager, page.modelId, source, page.placeOf(view)));
    page.views.add(view);
    return () => {
      page.views.delete(view);
      view.remove();
    };
  }

  return { initialize, render };
};
