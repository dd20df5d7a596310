/**
 * What a KID of a call says (E35), 64 bits from the top:
 *
 *   kind (2) ‖ random (46) ‖ leaf (8) ‖ epoch mod 256 (8)
 *
 * Its upper half is kind ‖ 30 random bits, its lower half 16 random bits ‖ leaf ‖ epoch.
 */

import type { Rng } from "../bytes/bytes";
import { UsageError } from "../mls/errors";
import { draw } from "../mls/kem";

export const KINDS = ["audio", "camera", "screen", "screen_audio"] as const;
export type Kind = (typeof KINDS)[number];

const KIND_SHIFT = 30;
const RANDOM_HIGH_MASK = (1 << KIND_SHIFT) - 1;
const MAX_LEAF = 255;

export type Kid = { readonly high: number; readonly low: number };

/**
 * A KID that nobody has used: two draws of one leaf, kind and epoch meet with a chance of 1 in 2^46.
 * @throws UsageError for a leaf beyond 8 bits
 */
export function drawKid(kind: Kind, leaf: number, epoch: bigint, rng: Rng): Kid {
  if (!Number.isInteger(leaf) || leaf < 0 || leaf > MAX_LEAF) {
    throw new UsageError("kid_leaf", `leaf ${leaf} does not fit into a KID`);
  }
  const random = draw(rng, 6);
  const view = new DataView(random.buffer, random.byteOffset);
  const high = ((KINDS.indexOf(kind) << KIND_SHIFT) | (view.getUint32(0) & RANDOM_HIGH_MASK)) >>> 0;
  const low = ((view.getUint16(4) << 16) | (leaf << 8) | lowByte(epoch)) >>> 0;
  return { high, low };
}

/** By which an epoch is found. */
export const lowByte = (epoch: bigint): number => Number(epoch & 0xffn);

export const kindOf = (kidHigh: number): Kind => KINDS[kidHigh >>> KIND_SHIFT]!;
export const leafOf = (kidLow: number): number => (kidLow >>> 8) & 0xff;
export const epochByteOf = (kidLow: number): number => kidLow & 0xff;
/** Kind and random part, 48 bits: what tells the encryptors of one leaf and epoch apart. */
export const encryptorOf = (kidHigh: number, kidLow: number): number => kidHigh * 0x10000 + (kidLow >>> 16);
