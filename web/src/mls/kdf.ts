/** HKDF (RFC 5869) with the hash it is built on: the KDF, hash and MAC of a cipher suite. */

import { expand, extract } from "@noble/hashes/hkdf.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256, sha384, sha512 } from "@noble/hashes/sha2.js";
import { UsageError } from "./errors";

export interface Kdf {
  /** Its number in HPKE (RFC 9180 §7.2). */
  readonly id: number;
  /** Bytes in an extracted key, and in a hash. */
  readonly nh: number;
  hash(data: Uint8Array): Uint8Array;
  mac(key: Uint8Array, data: Uint8Array): Uint8Array;
  extract(salt: Uint8Array, ikm: Uint8Array): Uint8Array;
  /** @throws UsageError when the key is shorter than a hash or the output longer than HKDF can make. */
  expand(prk: Uint8Array, info: Uint8Array, length: number): Uint8Array;
}

function hkdf(id: number, hash: typeof sha256 | typeof sha384 | typeof sha512): Kdf {
  const nh = hash.outputLen;
  return {
    id,
    nh,
    hash: (data) => hash(data),
    mac: (key, data) => hmac(hash, key, data),
    extract: (salt, ikm) => extract(hash, ikm, salt),
    expand: (prk, info, length) => {
      // RFC 5869 §2.3
      if (prk.length < nh)
        throw new UsageError("secret_length", `a secret of ${prk.length} bytes is too short`);
      if (!Number.isInteger(length) || length < 0 || length > 255 * nh) {
        throw new UsageError("output_length", `HKDF does not make ${length} bytes`);
      }
      return expand(hash, prk, info, length);
    },
  };
}

export const HKDF_SHA256: Kdf = hkdf(0x0001, sha256);
export const HKDF_SHA384: Kdf = hkdf(0x0002, sha384);
/** SFrame's alone. */
export const HKDF_SHA512: Kdf = /* @__PURE__ */ hkdf(0x0003, sha512);
