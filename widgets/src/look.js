/** Colours and lines; `astraml_lab/ui/look.py` holds the same for the figures that Python makes. */

// Okabe and Ito's palette, which colour-blind people can tell apart. State is never told by colour alone.
export const RUNNING_LIGHT = ["#0072b2", "#009e73", "#b0568a", "#b87a00", "#2b8cc4"];
export const RUNNING_DARK = ["#56b4e9", "#2fc79a", "#e39bc3", "#f0b429", "#8fd0f5"];

/** The signs of the states in charts. @type {Record<string, string>} */
export const SYMBOLS = {
  WAITING: "circle-open", RUNNING: "triangle-right", COMPLETE: "circle", PRUNED: "diamond-open", STOPPED: "square", FAILED: "x",
};

/**
 * @typedef {{
 *   dark: boolean, ink: string, quiet: string, grid: string, paper: string, font: string, best: string,
 *   finished: string, band: string, selected: string, running: string[], states: Record<string, string>,
 * }} Look
 */

/**
 * Read the colours that the page gives to this element.
 * @param {Element} element
 * @returns {Look}
 */
export function lookOf(element) {
  const style = getComputedStyle(element);
  /** @param {string} name @param {string} fallback */
  const read = (name, fallback) => style.getPropertyValue(`--astraml-${name}`).trim() || fallback;
  const paper = read("paper", "#ffffff");
  const dark = luminance(paper) < 0.4;
  return {
    dark,
    paper,
    ink: read("ink", "#1f2933"),
    quiet: read("quiet", "#52606d"),
    grid: dark ? "rgba(255,255,255,0.11)" : "rgba(15,30,50,0.09)",
    font: style.fontFamily || "system-ui, sans-serif",
    best: read("best", "#d55e00"),
    selected: dark ? "#ffffff" : "#111827",
    finished: dark ? "#9aa9b8" : "#7d8fa1",
    band: dark ? "rgba(154,169,184,0.18)" : "rgba(125,143,161,0.16)",
    running: dark ? RUNNING_DARK : RUNNING_LIGHT,
    states: Object.fromEntries(
      ["waiting", "running", "complete", "pruned", "stopped", "failed"].map((state) => [
        state.toUpperCase(),
        read(`state-${state}`, "#7d8fa1"),
      ]),
    ),
  };
}

/**
 * How light a colour is, 0 to 1; text that is no plain colour counts as light.
 * @param {string} colour
 */
export function luminance(colour) {
  const short = /^#([0-9a-f])([0-9a-f])([0-9a-f])$/i.exec(colour);
  const long = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})/i.exec(colour);
  const rgb = /^rgba?\(\s*([\d.]+)[\s,]+([\d.]+)[\s,]+([\d.]+)/i.exec(colour);
  const parts = short
    ? short.slice(1).map((digit) => parseInt(digit + digit, 16))
    : long
      ? long.slice(1).map((digits) => parseInt(digits, 16))
      : rgb
        ? rgb.slice(1).map(Number)
        : [255, 255, 255];
  const [red = 255, green = 255, blue = 255] = parts;
  return (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255;
}
