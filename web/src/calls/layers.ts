/** How much of a picture is asked for, by how large it is shown: nobody's connection carries what nobody sees. */

export type Layer = "none" | "l" | "m" | "h";

/** Heights in device pixels up to which a layer is enough: a camera of 720 lines gives 180, 360 and 720. */
const ENOUGH: readonly (readonly [Layer, number])[] = [
  ["l", 200],
  ["m", 420],
];
/** A tile must be so much smaller before less is asked for, so that a window that is dragged does not flicker. */
const SMALLER = 0.85;
const ORDER: readonly Layer[] = ["none", "l", "m", "h"];

function enough(height: number): Layer {
  if (height <= 0) return "none";
  return ENOUGH.find(([, most]) => height <= most)?.[0] ?? "h";
}

/** The layer for a tile of this height in device pixels (0: not to be seen); `before` is what was asked for last. */
export function layerFor(height: number, before: Layer): Layer {
  const next = enough(height);
  if (next === "none" || ORDER.indexOf(next) >= ORDER.indexOf(before)) return next;
  return enough(height / SMALLER);
}
