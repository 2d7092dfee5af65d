/** Bundles the front end into the Python package: an ES module and a style sheet for each widget. */

import { build } from "esbuild";

await build({
  entryPoints: ["dashboard.js", "dashboard.css", "hands.js", "form.css", "jobs.js", "jobs.css"].map((name) => `src/${name}`),
  outdir: "../astraml_lab/ui/static",
  bundle: true,
  format: "esm",
  legalComments: "eof", // plotly.js is MIT: its notice travels with it
  logLevel: "warning",
  minify: true,
  target: "es2022",
});
