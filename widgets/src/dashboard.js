/** The live dashboard of a job: an anywidget module. */

import { listenTo } from "./kernel.js";
import { insertBelow } from "./notebook.js";
import { Page } from "./page.js";
import { openFile } from "./server.js";
import { Saved } from "./saved.js";
import { View } from "./view.js";

/** One closure per model: what `initialize` makes, `render` finds. */
export default () => {
  /** @type {Page} */
  let page;

  /** @type {import("@anywidget/types").Initialize} */
  function initialize({ model }) {
    const saved = new Saved(model.widget_manager, () => String(model.get("named") ?? ""), () => Math.max(0, ...Array.from(page.views, ({ root }) => root.clientWidth)));
    page = new Page((message) => model.send(message), saved);
    const named = () => saved.back();
    model.on("change:named", named);
    const deaf = listenTo(model, (message, buffers) => page.receive(message, buffers), () => page.lose());
    return () => {
      model.off("change:named", named);
      deaf();
    };
  }

  /** @type {import("@anywidget/types").Render} */
  function render({ model, el }) {
    const { widget_manager: manager } = model;
    const around = {
      /** @param {string} source */
      insert: (source) => insertBelow(manager, page.modelId, source, page.placeOf(view)),
      /** @param {string} path @param {string} home */
      open: (path, home) => openFile(manager, path, home),
    };
    const view = new View(page, el, around);
    page.views.add(view);
    return () => {
      page.views.delete(view);
      view.remove();
    };
  }

  return { initialize, render };
};
