/** The live dashboard of a job: an anywidget module. */

import { listenTo } from "./kernel.js";
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
    return listenTo(model, (message, buffers) => page.receive(message, buffers), () => page.lose());
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
