/**
 * CBOR inside rooms: one value has one spelling (RFC 8949 §4.2.3, length-first map keys). What is signed, hashed or
 * compared must not depend on who wrote it, and a spelling that another language reads differently (a float for an
 * integer, broken UTF-8) is refused by the same comparison.
 */

import { compare, equal } from "../bytes/bytes";
import { CborError, decodeOne, encode } from "../wire/cbor";
import { RoomDataError } from "./errors";

export type Fields = Readonly<Record<string, unknown>>;

/** Fields that are undefined are left out. */
export function encodeCanonical(value: Fields): Uint8Array {
  const present = Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined));
  // A copy of our own: in Node the library returns its own kind of array, whose slices share memory.
  return new Uint8Array(encode(present));
}

/** The one map in `bytes`, in its one spelling. @throws RoomDataError */
export function decodeCanonical(bytes: Uint8Array, maxBytes: number): Fields {
  let value: unknown;
  try {
    value = decodeOne(bytes, maxBytes);
  } catch (cause) {
    if (cause instanceof CborError) throw new RoomDataError("not CBOR within bounds", { cause });
    throw cause;
  }
  if (!isMap(value)) throw new RoomDataError("not a map");
  if (!equal(encode(value), bytes)) throw new RoomDataError("not in the one spelling");
  return value;
}

function isMap(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

/**
 * Takes the fields of one map, each once and checked; `finish` refuses what is left over.
 * Every method throws `RoomDataError` and nothing else.
 */
export class FieldReader {
  readonly #fields: Map<string, unknown>;
  readonly #what: string;

  constructor(value: unknown, what: string) {
    if (!isMap(value)) throw new RoomDataError(`${what}: not a map`);
    this.#fields = new Map(Object.entries(value));
    this.#what = what;
  }

  /** The names of the fields that were not taken yet. */
  has(name: string): boolean {
    return this.#fields.has(name);
  }

  bytes(name: string, min: number, max: number = min): Uint8Array {
    const value = this.#take(name);
    if (!(value instanceof Uint8Array) || value.length < min || value.length > max) this.#refuse(name);
    return value;
  }

  optionalBytes(name: string, min: number, max: number = min): Uint8Array | null {
    return this.has(name) ? this.bytes(name, min, max) : null;
  }

  integer(name: string, min: number, max: number): number {
    const value = this.#take(name);
    if (typeof value !== "number" || !Number.isInteger(value) || value < min || value > max)
      this.#refuse(name);
    return value;
  }

  boolean(name: string): boolean {
    const value = this.#take(name);
    if (typeof value !== "boolean") this.#refuse(name);
    return value;
  }

  /** Text that `accepts` accepts. */
  text(name: string, accepts: (text: string) => boolean): string {
    const value = this.#take(name);
    if (typeof value !== "string" || !accepts(value)) this.#refuse(name);
    return value;
  }

  oneOf<T extends string>(name: string, values: readonly T[]): T {
    const value = this.#take(name);
    const found = values.find((one) => one === value);
    if (found === undefined) this.#refuse(name);
    return found;
  }

  list<T>(name: string, min: number, max: number, read: (item: unknown) => T): readonly T[] {
    const value = this.#take(name);
    if (!Array.isArray(value) || value.length < min || value.length > max) this.#refuse(name);
    return value.map(read);
  }

  /** Whatever stands there, for a reader of its own. */
  value(name: string): unknown {
    return this.#take(name);
  }

  finish(): void {
    for (const name of this.#fields.keys()) throw new RoomDataError(`${this.#what}: unknown field ${name}`);
  }

  #take(name: string): unknown {
    if (!this.#fields.has(name)) throw new RoomDataError(`${this.#what}: no ${name}`);
    const value = this.#fields.get(name);
    this.#fields.delete(name);
    return value;
  }

  #refuse(name: string): never {
    throw new RoomDataError(`${this.#what}: ${name} is out of bounds`);
  }
}

/** One item of a list of byte strings. @throws RoomDataError */
export function readBytes(value: unknown, min: number, max: number = min): Uint8Array {
  if (!(value instanceof Uint8Array) || value.length < min || value.length > max) {
    throw new RoomDataError("an item is out of bounds");
  }
  return value;
}

/** Whether byte strings stand in ascending order, none twice: a set in its one spelling. */
export function isAscending(items: readonly Uint8Array[]): boolean {
  return items.every((item, i) => i === 0 || compare(items[i - 1]!, item) < 0);
}

export function ascending(items: readonly Uint8Array[]): readonly Uint8Array[] {
  return [...items].sort(compare);
}
