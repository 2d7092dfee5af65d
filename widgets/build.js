/** Bundles the front end into the Python package: one ES module and one style sheet. */

import { build } from "esbuild";

await build({
  entryPoints: ["src/dashboard.js", "src/dashboard.css"],
  outdir: "../astraml_lab/ui/static",
  bundle: true,
  format: "esm",
  legalComments: "eof", // plotly.js is MIT: its notice travels with it
  logLevel: "warning",
  minify: true,
  target: "es2022",
});
