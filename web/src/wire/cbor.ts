import { type DecodeOptions, decodeFirst, encode } from "cborg";
import { concat } from "../bytes/bytes";

/** CBOR (RFC 8949) as Collegium uses it: definite lengths, no tags, text keys, bounded before it is parsed. */

export const MAX_DEPTH = 32;
/** More items than any frame or event of ours holds. */
const MAX_ITEMS = 100_000;

/** What arrived is not CBOR within our bounds. */
export class CborError extends Error {
  readonly code = "cbor";
}

const STRICT: DecodeOptions = {
  allowIndefinite: false,
  allowUndefined: false,
  allowInfinity: false,
  allowNaN: false,
  rejectDuplicateMapKeys: true,
  useMaps: false,
};

/** Walk the heads of the items without building anything, so that depth and counts are known before parsing. */
function bound(bytes: Uint8Array): void {
  const open: number[] = []; // items still missing in each container around the next head
  let at = 0;
  let items = 0;
  while (at < bytes.length) {
    if (++items > MAX_ITEMS) throw new CborError("too many items");
    const head = bytes[at++]!;
    const major = head >> 5;
    const info = head & 0x1f;
    if (info > 27) throw new CborError("indefinite or reserved length");
    let value = info;
    if (info >= 24) {
      const width = 1 << (info - 24);
      if (at + width > bytes.length) throw new CborError("cut short");
      value = 0;
      for (let i = 0; i < width; i++) value = value * 256 + bytes[at + i]!;
      at += width;
    }
    let children = 0;
    if (major === 2 || major === 3) {
      at += value;
      if (at > bytes.length) throw new CborError("cut short");
    } else if (major === 4 || major === 5) {
      children = major === 4 ? value : value * 2;
      if (children > bytes.length - at) throw new CborError("cut short");
    } else if (major === 6) throw new CborError("tags are not used");
    if (open.length > 0) open[open.length - 1]! -= 1;
    if (children > 0) {
      open.push(children);
      if (open.length > MAX_DEPTH) throw new CborError("nested too deep");
    }
    while (open.length > 0 && open[open.length - 1] === 0) open.pop();
  }
  if (open.length > 0) throw new CborError("cut short");
}

/** The items of a CBOR sequence (RFC 8742). @throws CborError */
export function decodeSequence(bytes: Uint8Array, maxBytes: number): unknown[] {
  if (bytes.length > maxBytes) throw new CborError("too long");
  bound(bytes);
  const out: unknown[] = [];
  let rest = bytes;
  try {
    while (rest.length > 0) {
      const [value, after] = decodeFirst(rest, STRICT);
      out.push(value);
      rest = after;
    }
  } catch (cause) {
    throw new CborError("not CBOR", { cause });
  }
  return out;
}

/** Exactly one item. @throws CborError */
export function decodeOne(bytes: Uint8Array, maxBytes: number): unknown {
  const items = decodeSequence(bytes, maxBytes);
  if (items.length !== 1) throw new CborError("not one item");
  return items[0];
}

export function encodeSequence(items: readonly unknown[]): Uint8Array {
  return concat(...items.map((item) => encode(item)));
}

export { encode };
