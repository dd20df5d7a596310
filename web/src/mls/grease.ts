/** GREASE (RFC 9420 §13.5): values that mean nothing, sent so that nobody comes to depend on unknown ones being absent. */

import type { Rng } from "../bytes/bytes";
import { draw } from "./kem";

/** The same in every registry: 0x0A0A, 0x1A1A, … 0xEAEA. They are sent, and never looked for when receiving. */
export const GREASE_VALUES: readonly number[] = Array.from({ length: 15 }, (_, i) => i * 0x1010 + 0x0a0a);

/** One of the values. Some come a little more often than others: nothing depends on which. */
export function drawGrease(rng: Rng): number {
  return GREASE_VALUES[draw(rng, 1)[0]! % GREASE_VALUES.length]!;
}
