/** The live dashboard of a job: an anywidget module. */

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
    return () => model.off("msg:custom", receive);
  }

  /** @type {import("@anywidget/types").Render} */
  function render({ el }) {
    const view = new View(page, el);
    page.views.add(view);
    return () => {
      page.views.delete(view);
      view.remove();
    };
  }

  return { initialize, render };
};
