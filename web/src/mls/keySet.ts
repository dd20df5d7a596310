/** A set of public keys, compared byte for byte. */

import { equal, toHex } from "../bytes/bytes";

/** Enough that keys of honest members differ in it; others only share a bucket. */
const PREFIX_LENGTH = 16;

/** Prefixes by key: trees share their keys' bytes, and each epoch asks again. */
const prefixes = new WeakMap<Uint8Array, string>();

function prefixOf(key: Uint8Array): string {
  const found = prefixes.get(key) ?? toHex(key.subarray(0, PREFIX_LENGTH));
  prefixes.set(key, found);
  return found;
}

export class KeySet {
  readonly #buckets = new Map<string, Uint8Array[]>();

  /** Whether the key was not in the set before. */
  add(key: Uint8Array): boolean {
    const prefix = prefixOf(key);
    const bucket = this.#buckets.get(prefix);
    if (bucket === undefined) {
      this.#buckets.set(prefix, [key]);
      return true;
    }
    if (bucket.some((other) => equal(other, key))) return false;
    bucket.push(key);
    return true;
  }
}
