/** Random bytes that a seed decides: SHAKE256 of the seed, read on and on. */

import { shake256 } from "@noble/hashes/sha3.js";
import { type Rng, utf8 } from "../../src/bytes/bytes";

export function seededRng(seed: string): Rng {
  const stream = shake256.create({}).update(utf8(seed));
  return (length) => (length === 0 ? new Uint8Array(0) : stream.xof(length));
}

/** A whole number from 0 up to, but without, `limit`. */
export function drawBelow(rng: Rng, limit: number): number {
  const bytes = rng(4);
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0) % limit;
}
