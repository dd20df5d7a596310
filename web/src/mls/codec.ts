/** The presentation language of RFC 9420 §2.1: integers, fixed bytes, variable-size vectors, optional values. */

import { concatAll } from "../bytes/bytes";
import { DecodeError, UsageError } from "./errors";

/** RFC 9420 §2.1.2: two bits of the first byte give the size, so 30 bits remain. */
export const MAX_VECTOR_LENGTH = 2 ** 30 - 1;

const U64_LIMIT = 1n << 64n;

/** The length header of a variable-size vector (RFC 9420 §2.1.2), always in its shortest form. */
export function encodeVarint(value: number): Uint8Array {
  if (!Number.isInteger(value) || value < 0 || value > MAX_VECTOR_LENGTH) {
    throw new UsageError("varint_range", `a length of ${value} cannot be encoded`);
  }
  if (value < 2 ** 6) return Uint8Array.of(value);
  if (value < 2 ** 14) return Uint8Array.of(0x40 | (value >>> 8), value & 0xff);
  return Uint8Array.of(0x80 | (value >>> 24), (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff);
}

/** Collects the parts of one structure. Values that its fields cannot hold are the caller's fault. */
export class Writer {
  readonly #parts: Uint8Array[] = [];

  uint8(value: number): this {
    return this.#integer(value, 1);
  }

  uint16(value: number): this {
    return this.#integer(value, 2);
  }

  uint32(value: number): this {
    return this.#integer(value, 4);
  }

  uint64(value: number | bigint): this {
    const wide = BigInt(value);
    if (wide < 0n || wide >= U64_LIMIT)
      throw new UsageError("integer_range", "not an unsigned 64-bit integer");
    const out = new Uint8Array(8);
    new DataView(out.buffer).setBigUint64(0, wide);
    this.#parts.push(out);
    return this;
  }

  /** Bytes without a length: fixed size, or a structure that is already encoded. */
  bytes(value: Uint8Array): this {
    this.#parts.push(value);
    return this;
  }

  /** `opaque value<V>` */
  opaque(value: Uint8Array): this {
    this.#parts.push(encodeVarint(value.length), value);
    return this;
  }

  /** `T items<V>` */
  vector<T>(items: readonly T[], write: (writer: Writer, item: T) => void): this {
    const inner = new Writer();
    for (const item of items) write(inner, item);
    return this.opaque(inner.finish());
  }

  /** `optional<T>`: an octet that says whether the value follows. Absent is null or undefined. */
  optional<T>(value: T | null | undefined, write: (writer: Writer, value: T) => void): this {
    if (value === null || value === undefined) return this.uint8(0);
    this.uint8(1);
    write(this, value);
    return this;
  }

  finish(): Uint8Array {
    return concatAll(this.#parts);
  }

  #integer(value: number, size: 1 | 2 | 4): this {
    if (!Number.isInteger(value) || value < 0 || value >= 2 ** (8 * size)) {
      throw new UsageError("integer_range", `${value} is not an unsigned ${8 * size}-bit integer`);
    }
    const out = new Uint8Array(size);
    for (let i = size - 1, rest = value; i >= 0; i--, rest = Math.floor(rest / 256)) out[i] = rest % 256;
    this.#parts.push(out);
    return this;
  }
}

/**
 * Reads one structure from bytes of a peer. Every method throws `DecodeError` and nothing else, and never reads or
 * allocates more than the bytes it was given. What it returns is a copy: wiping one does not touch the other.
 */
export class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** How many bytes were read so far. */
  get position(): number {
    return this.#at;
  }

  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  get done(): boolean {
    return this.remaining === 0;
  }

  uint8(): number {
    return this.#integer(1);
  }

  uint16(): number {
    return this.#integer(2);
  }

  uint32(): number {
    return this.#integer(4);
  }

  uint64(): bigint {
    const high = this.#integer(4);
    return (BigInt(high) << 32n) | BigInt(this.#integer(4));
  }

  bytes(length: number): Uint8Array {
    return this.#take(length).slice();
  }

  /** The length header of a variable-size vector, which must be in its shortest form (RFC 9420 §2.1.2). */
  varint(): number {
    const first = this.uint8();
    const low = first & 0x3f;
    switch (first >>> 6) {
      case 0:
        return low;
      case 1: {
        const value = low * 2 ** 8 + this.uint8();
        if (value < 2 ** 6) throw new DecodeError("a vector's length is not in its shortest form");
        return value;
      }
      case 2: {
        const value = low * 2 ** 24 + this.#integer(3);
        if (value < 2 ** 14) throw new DecodeError("a vector's length is not in its shortest form");
        return value;
      }
      default:
        throw new DecodeError("a vector's length begins with the invalid prefix 11");
    }
  }

  /** `opaque value<V>`, of at most `limit` bytes. */
  opaque(limit: number = MAX_VECTOR_LENGTH): Uint8Array {
    return this.#vectorBytes(limit).slice();
  }

  /** `T items<V>`, of at most `limit` items. */
  vector<T>(read: (reader: Reader) => T, limit: number = MAX_VECTOR_LENGTH): T[] {
    const inner = new Reader(this.#vectorBytes(MAX_VECTOR_LENGTH));
    const items: T[] = [];
    while (!inner.done) {
      if (items.length === limit) throw new DecodeError(`a vector has more than ${limit} items`);
      const before = inner.remaining;
      items.push(read(inner));
      // An item of no bytes would make this loop endless.
      if (inner.remaining === before) throw new DecodeError("a vector's item is empty");
    }
    return items;
  }

  optional<T>(read: (reader: Reader) => T): T | undefined {
    const present = this.uint8();
    if (present > 1) throw new DecodeError("the octet of an optional value is neither 0 nor 1");
    return present === 1 ? read(this) : undefined;
  }

  /** All that is left. */
  rest(): Uint8Array {
    return this.bytes(this.remaining);
  }

  /** The bytes from an earlier `position` up to here, as they came: to sign or hash what was received. */
  since(position: number): Uint8Array {
    return this.#bytes.slice(position, this.#at);
  }

  finish(): void {
    if (!this.done) throw new DecodeError(`${this.remaining} bytes follow the structure`);
  }

  #vectorBytes(limit: number): Uint8Array {
    const length = this.varint();
    if (length > limit) throw new DecodeError(`a vector of ${length} bytes is longer than ${limit}`);
    return this.#take(length);
  }

  #take(length: number): Uint8Array {
    if (length > this.remaining) throw new DecodeError(`${length} bytes expected, ${this.remaining} left`);
    const from = this.#at;
    this.#at += length;
    return this.#bytes.subarray(from, this.#at);
  }

  #integer(size: number): number {
    let value = 0;
    for (const byte of this.#take(size)) value = value * 256 + byte;
    return value;
  }
}

export function encode(write: (writer: Writer) => void): Uint8Array {
  const writer = new Writer();
  write(writer);
  return writer.finish();
}

/** Reads a structure that takes up all of `bytes`. @throws DecodeError */
export function decode<T>(bytes: Uint8Array, read: (reader: Reader) => T): T {
  const reader = new Reader(bytes);
  const value = read(reader);
  reader.finish();
  return value;
}
