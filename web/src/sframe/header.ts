/**
 * The SFrame header (RFC 9605 §4.3): a config byte, then a key id (KID) and a counter (CTR) of up to 64 bits each.
 *
 * Both are held as two halves of 32 bits: a bigint for each frame would be garbage for each frame.
 */

import { DecodeError, UsageError } from "../mls/errors";

/** One that a decoder fills again and again. All four are unsigned and 32 bits wide. */
export type Header = { kidHigh: number; kidLow: number; ctrHigh: number; ctrLow: number };

export const MAX_HEADER_LENGTH = 17;

const EXTENDED_KID = 0x80;
const EXTENDED_CTR = 0x08;
/** Up to here a value stands in the config byte itself. */
const MAX_INLINE = 7;

export const emptyHeader = (): Header => ({ kidHigh: 0, kidLow: 0, ctrHigh: 0, ctrLow: 0 });

/** The fewest bytes that hold a number of two halves; at least one. */
function width(high: number, low: number): number {
  return high === 0 ? halfWidth(low) : 4 + halfWidth(high);
}

function halfWidth(value: number): number {
  if (value < 0x100) return 1;
  if (value < 0x10000) return 2;
  return value < 0x1000000 ? 3 : 4;
}

const isInline = (high: number, low: number): boolean => high === 0 && low <= MAX_INLINE;

/** Byte `fromEnd` of a number of two halves, the last byte being 0. */
function byteOf(high: number, low: number, fromEnd: number): number {
  return fromEnd < 4 ? (low >>> (8 * fromEnd)) & 0xff : (high >>> (8 * (fromEnd - 4))) & 0xff;
}

/** Writes a header into `out`, which has room for MAX_HEADER_LENGTH bytes from `at` on. The header's length. */
export function writeHeader(
  out: Uint8Array,
  at: number,
  kidHigh: number,
  kidLow: number,
  ctrHigh: number,
  ctrLow: number,
): number {
  let config = 0;
  let end = at + 1;
  if (isInline(kidHigh, kidLow)) config |= kidLow << 4;
  else {
    const length = width(kidHigh, kidLow);
    config |= EXTENDED_KID | ((length - 1) << 4);
    for (let left = length - 1; left >= 0; left--) out[end++] = byteOf(kidHigh, kidLow, left);
  }
  if (isInline(ctrHigh, ctrLow)) config |= ctrLow;
  else {
    const length = width(ctrHigh, ctrLow);
    config |= EXTENDED_CTR | (length - 1);
    for (let left = length - 1; left >= 0; left--) out[end++] = byteOf(ctrHigh, ctrLow, left);
  }
  out[at] = config;
  return end - at;
}

/** Reads the header that stands at `at` into `into`. Its length, or 0 when none stands there. */
export function readHeader(data: Uint8Array, at: number, into: Header): number {
  const config = data[at];
  if (config === undefined) return 0;
  const kidBits = (config >>> 4) & MAX_INLINE;
  const ctrBits = config & MAX_INLINE;
  const kidLength = (config & EXTENDED_KID) === 0 ? 0 : kidBits + 1;
  const ctrLength = (config & EXTENDED_CTR) === 0 ? 0 : ctrBits + 1;
  const kidAt = at + 1;
  const ctrAt = kidAt + kidLength;
  const end = ctrAt + ctrLength;
  if (end > data.length) return 0;

  into.kidHigh = 0;
  into.kidLow = kidLength === 0 ? kidBits : lowHalf(data, kidAt, kidLength);
  into.ctrHigh = 0;
  into.ctrLow = ctrLength === 0 ? ctrBits : lowHalf(data, ctrAt, ctrLength);
  if (kidLength > 4) into.kidHigh = lowHalf(data, kidAt, kidLength - 4);
  if (ctrLength > 4) into.ctrHigh = lowHalf(data, ctrAt, ctrLength - 4);

  // RFC 9605 §4.3: each number has one spelling, the shortest.
  if (kidLength > 0 && !isShortest(into.kidHigh, into.kidLow, kidLength)) return 0;
  if (ctrLength > 0 && !isShortest(into.ctrHigh, into.ctrLow, ctrLength)) return 0;
  return end - at;
}

/** The last four (or fewer) of `length` bytes, as a number. */
function lowHalf(data: Uint8Array, at: number, length: number): number {
  let value = 0;
  for (let i = Math.max(0, length - 4); i < length; i++) value = (value << 8) | data[at + i]!;
  return value >>> 0;
}

function isShortest(high: number, low: number, length: number): boolean {
  return !isInline(high, low) && width(high, low) === length;
}

const MAX_U64 = 0xffff_ffff_ffff_ffffn;

export const highHalf = (value: bigint): number => Number((value >> 32n) & 0xffff_ffffn);
export const lowHalfOf = (value: bigint): number => Number(value & 0xffff_ffffn);

/** @throws UsageError for what is no number of 64 bits */
export function encodeHeader(kid: bigint, ctr: bigint): Uint8Array {
  if (kid < 0n || kid > MAX_U64 || ctr < 0n || ctr > MAX_U64) {
    throw new UsageError("header_range", "a KID or counter beyond 64 bits");
  }
  const out = new Uint8Array(MAX_HEADER_LENGTH);
  return out.slice(0, writeHeader(out, 0, highHalf(kid), lowHalfOf(kid), highHalf(ctr), lowHalfOf(ctr)));
}

/** The header that `data` begins with. @throws DecodeError */
export function decodeHeader(data: Uint8Array): {
  readonly kid: bigint;
  readonly ctr: bigint;
  readonly length: number;
} {
  const header = emptyHeader();
  const length = readHeader(data, 0, header);
  if (length === 0) throw new DecodeError("not an SFrame header");
  return {
    kid: (BigInt(header.kidHigh) << 32n) | BigInt(header.kidLow),
    ctr: (BigInt(header.ctrHigh) << 32n) | BigInt(header.ctrLow),
    length,
  };
}
