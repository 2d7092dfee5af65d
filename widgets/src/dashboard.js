/** The live view of a job: an anywidget module. */

import Plotly from "plotly.js-basic-dist-min";

/** @type {import("@anywidget/types").Render} */
function render({ el }) {
  el.classList.add("astraml");
  void Plotly.newPlot(el, []);
}

export default { render };
