/**
 * The parts of an AES-GCM call that are written over at each frame instead of being allocated.
 *
 * WebCrypto copies parameters and data before `encrypt` or `decrypt` returns its promise (Web Cryptography API
 * §18.4.4), so one scratch serves calls that overlap.
 */

import { MAX_CLEAR } from "./clearBytes";
import { MAX_HEADER_LENGTH } from "./header";
import { writeNonce } from "./keyDerivation";
import { AES_256_GCM_SHA512 as SUITE } from "./suites";

type Bytes = Uint8Array<ArrayBuffer>;

export class Scratch {
  /** The associated data: the header, then the clear bytes as metadata (RFC 9605 §4.4.3). */
  readonly aad: Bytes = new Uint8Array(MAX_HEADER_LENGTH + MAX_CLEAR);
  /** Of each length that came up, a view of the beginning of `aad`. */
  readonly #views: Bytes[] = [];
  readonly #params = {
    name: "AES-GCM",
    iv: new Uint8Array(SUITE.nn) as Bytes,
    additionalData: this.aad,
    tagLength: 8 * SUITE.nt,
  };

  /** For the next call alone; `aadLength` bytes of `aad` have been written. */
  params(salt: Uint8Array, ctr: number, aadLength: number): AesGcmParams {
    writeNonce(this.#params.iv, salt, 0, ctr);
    this.#params.additionalData = this.start(aadLength);
    return this.#params;
  }

  /** The first bytes of `aad`. */
  start(length: number): Bytes {
    this.#views[length] ??= this.aad.subarray(0, length);
    return this.#views[length];
  }
}

/** WebCrypto's own copy of a key, which can't be read out again. Ours is wiped. */
export function importKey(key: Uint8Array, use: "encrypt" | "decrypt"): Promise<CryptoKey> {
  const imported = crypto.subtle.importKey("raw", key as Bytes, "AES-GCM", false, [use]);
  key.fill(0);
  return imported;
}
