/**
 * One SFrame ciphertext, whole (RFC 9605 §4.4.3, §4.4.4), in any suite and at once.
 *
 * It is what the vectors check. A call's frames go through `FrameEncryptor` and `FrameDecryptor`, which count,
 * remember and forget for themselves.
 */

import { concat } from "../bytes/bytes";
import { decodeHeader, encodeHeader, highHalf, lowHalfOf } from "./header";
import { keyAndSalt, sframeSecret, writeNonce } from "./keyDerivation";
import type { SframeSuite } from "./suites";

/** The caller answers for it that no KID and counter come twice under one base key: nonce and key follow from them. */
export function protect(
  suite: SframeSuite,
  baseKey: Uint8Array,
  kid: bigint,
  ctr: bigint,
  metadata: Uint8Array,
  plaintext: Uint8Array,
): Uint8Array {
  const header = encodeHeader(kid, ctr);
  const { key, nonce } = keyAndNonce(suite, baseKey, kid, ctr);
  return concat(header, suite.seal(key, nonce, concat(header, metadata), plaintext));
}

/** @throws DecodeError | AeadError */
export function unprotect(
  suite: SframeSuite,
  baseKeyOf: (kid: bigint) => Uint8Array,
  metadata: Uint8Array,
  ciphertext: Uint8Array,
): { readonly kid: bigint; readonly ctr: bigint; readonly plaintext: Uint8Array } {
  const { kid, ctr, length } = decodeHeader(ciphertext);
  const { key, nonce } = keyAndNonce(suite, baseKeyOf(kid), kid, ctr);
  const aad = concat(ciphertext.subarray(0, length), metadata);
  return { kid, ctr, plaintext: suite.open(key, nonce, aad, ciphertext.subarray(length)) };
}

export function keyAndNonce(
  suite: SframeSuite,
  baseKey: Uint8Array,
  kid: bigint,
  ctr: bigint,
): { readonly key: Uint8Array; readonly salt: Uint8Array; readonly nonce: Uint8Array } {
  const secret = sframeSecret(suite, baseKey);
  const { key, salt } = keyAndSalt(suite, secret, highHalf(kid), lowHalfOf(kid));
  const nonce = new Uint8Array(suite.nn);
  writeNonce(nonce, salt, highHalf(ctr), lowHalfOf(ctr));
  return { key, salt, nonce };
}
