/** From a base key to the key and salt of one KID (RFC 9605 §4.4.2). */

import { concat, EMPTY, u32, utf8 } from "../bytes/bytes";
import { AES_256_GCM_SHA512, type SframeSuite } from "./suites";

/** E35, RFC 9605 §5.2: base_key = exportSecret(group, BASE_KEY_LABEL, empty, BASE_KEY_LENGTH), for each epoch. */
export const BASE_KEY_LABEL = "SFrame 1.0 Base Key";
export const BASE_KEY_LENGTH = AES_256_GCM_SHA512.nk;

const KEY_LABEL = /* @__PURE__ */ utf8("SFrame 1.0 Secret key ");
const SALT_LABEL = /* @__PURE__ */ utf8("SFrame 1.0 Secret salt ");

export type KeyAndSalt = { readonly key: Uint8Array; readonly salt: Uint8Array };

/** sframe_secret. It is the same for every KID, so whoever has many of them extracts once. */
export function sframeSecret(suite: SframeSuite, baseKey: Uint8Array): Uint8Array {
  return suite.kdf.extract(EMPTY, baseKey);
}

/** The labels hold KID and suite: two KIDs never share a key, nor does one KID in two suites. */
export function keyAndSalt(
  suite: SframeSuite,
  secret: Uint8Array,
  kidHigh: number,
  kidLow: number,
): KeyAndSalt {
  const context = concat(u32(kidHigh), u32(kidLow), Uint8Array.of(suite.id >>> 8, suite.id & 0xff));
  return {
    key: suite.kdf.expand(secret, concat(KEY_LABEL, context), suite.nk),
    salt: suite.kdf.expand(secret, concat(SALT_LABEL, context), suite.nn),
  };
}

/** Writes the nonce of a counter: the salt, with the counter xored into its end (RFC 9605 §4.4.3). */
export function writeNonce(out: Uint8Array, salt: Uint8Array, ctrHigh: number, ctrLow: number): void {
  out.set(salt);
  const end = salt.length;
  for (let i = 0; i < 4; i++) {
    out[end - 1 - i]! ^= (ctrLow >>> (8 * i)) & 0xff;
    out[end - 5 - i]! ^= (ctrHigh >>> (8 * i)) & 0xff;
  }
}
