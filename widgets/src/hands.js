/** What a form does on its page: an anywidget module that shows nothing but a cell that could not be inserted. */

import { Listeners, make } from "./dom.js";
import { download, insertBelow } from "./notebook.js";
import { OfferedCell } from "./offered_cell.js";
import { Saved } from "./saved.js";

/** One closure per model: what `initialize` makes, `render` finds. */
export default () => {
  /** @type {Set<OfferedCell>} */
  const places = new Set();
  let offered = "";
  /** @type {any} Jupyter's widget manager: only views are told of it */
  let manager;

  /** @param {string} source */
  function offer(source) {
    offered = source;
    for (const place of places) place.offer(source);
  }

  function reveal() {
    for (const { root } of places) {
      const said = root.closest(".astraml-form")?.querySelectorAll(".astraml-said.is-mistake") ?? [];
      const first = Array.from(said).find((each) => !each.closest(".astraml-message") && each.getClientRects().length);
      if (!first) continue;
      first.scrollIntoView({ block: "center" });
      /** @type {Element | null} */
      let around = first;
      while (around && !around.querySelector("input, select, textarea")) around = around.parentElement;
      /** @type {HTMLElement | null | undefined} */ (around?.querySelector("input, select, textarea"))?.focus({ preventScroll: true });
      return;
    }
  }

  /** @type {import("@anywidget/types").Initialize} */
  function initialize({ model }) {
    /** @param {any} message */
    const receive = (message) => {
      if (message?.t === "insert") {
        const source = String(message.source);
        const done = insertBelow(manager, String(message.model), source);
        offer(done ? "" : source);
        model.send({ t: "inserted", done });
      } else if (message?.t === "reveal") {
        requestAnimationFrame(reveal);
      } else if (message?.t === "download") {
        download(String(message.name), String(message.text), String(message.kind));
      }
    };
    const saved = new Saved(model.widget_manager, () => String(model.get("named") ?? ""));
    const keep = () => saved.keep({ "text/plain": String(model.get("words") ?? "") }, false);
    keep();
    model.on("msg:custom", receive);
    model.on("change:named change:words", keep);
    return () => {
      model.off("msg:custom", receive);
      model.off("change:named change:words", keep);
    };
  }

  /** @type {import("@anywidget/types").Render} */
  function render({ model, el }) {
    manager = model.widget_manager;
    const listeners = new Listeners();
    const place = new OfferedCell(listeners);
    const root = make("div", "astraml is-bare");
    root.append(place.root);
    el.append(root);
    places.add(place);
    place.offer(offered);
    return () => {
      places.delete(place);
      listeners.off();
    };
  }

  return { initialize, render };
};
