/** Sizes say less when there are few of them (E16). */

import { UsageError } from "../mls/errors";
import { RoomDataError } from "./errors";

const SMALLEST = 256;
/** Up to here a bucket is twice the one before; beyond, steps of this size: a snapshot page is not worth doubling. */
const LARGEST_DOUBLING = 32 * 1024;

/** The bucket that this many bytes go into. */
export function paddedLength(length: number): number {
  if (length > LARGEST_DOUBLING) return Math.ceil(length / LARGEST_DOUBLING) * LARGEST_DOUBLING;
  let bucket = SMALLEST;
  while (bucket < length) bucket *= 2;
  return bucket;
}

const END = 0x80;

/** The bytes, an end mark and zeros, in all `length` bytes (ISO/IEC 7816-4). @throws UsageError when they do not fit */
export function padTo(bytes: Uint8Array, length: number): Uint8Array {
  if (bytes.length >= length) throw new UsageError("padding", "no room for the end mark");
  const out = new Uint8Array(length);
  out.set(bytes);
  out[bytes.length] = END;
  return out;
}

/** What `padTo` was given. @throws RoomDataError */
export function unpad(padded: Uint8Array): Uint8Array {
  let end = padded.length - 1;
  while (end >= 0 && padded[end] === 0) end--;
  if (end < 0 || padded[end] !== END) throw new RoomDataError("no end mark");
  return padded.slice(0, end);
}
