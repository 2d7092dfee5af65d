/** A scale of colours that colour-blind people can read, and that is seen on any paper: Viridis without its faint end. */

const STOPS = [
  [68, 1, 84], [72, 36, 117], [65, 68, 135], [53, 95, 141], [42, 120, 142], [33, 145, 140],
  [34, 168, 132], [68, 191, 112], [122, 209, 81], [189, 223, 38], [253, 231, 37],
];
export const SHADES = 32;

/**
 * @param {number} part 0 to 1
 * @param {boolean} dark whether it is drawn on dark paper
 */
export function shade(part, dark) {
  const [from, to] = dark ? [0.28, 1] : [0, 0.86];
  const place = (from + Math.min(1, Math.max(0, part)) * (to - from)) * (STOPS.length - 1);
  const left = Math.min(STOPS.length - 2, Math.floor(place));
  const rest = place - left;
  const mixed = [0, 1, 2].map((index) => {
    const [low = 0, high = 0] = [STOPS[left]?.[index], STOPS[left + 1]?.[index]];
    return Math.round(low + (high - low) * rest);
  });
  return `rgb(${mixed.join(",")})`;
}

/** @param {boolean} dark @returns {[number, string][]} as plotly takes it */
export const colorscale = (dark) => STOPS.map((_, index) => [index / (STOPS.length - 1), shade(index / (STOPS.length - 1), dark)]);

/** @param {boolean} dark @returns {string[]} */
export const shades = (dark) => Array.from({ length: SHADES }, (_, index) => shade(index / (SHADES - 1), dark));

/** @param {boolean} dark as CSS has it, for a key */
export const gradient = (dark) => `linear-gradient(90deg, ${[0, 0.25, 0.5, 0.75, 1].map((part) => shade(part, dark)).join(", ")})`;
