/**
 * What a leaf's basic credential holds (E8):
 *
 *   struct {
 *     uint8 version = 1;
 *     opaque chain<V>;          // see statement.ts
 *     opaque certificate<V>;    // see certificate.ts
 *   } CollegiumCredential;
 */

import { encode } from "../mls/codec";
import { MAX_CERTIFICATE_BYTES } from "./certificate";
import { decodeAs, MAX_CHAIN_BYTES, readVersion } from "./statement";

const VERSION = 1;
export const MAX_CREDENTIAL_BYTES = 2048;

/** A leaf as its verified credential tells it: whose device this is. */
export type LeafIdentity = {
  readonly accountId: Uint8Array;
  /** The root in force: the last of `roots`. */
  readonly rootKey: Uint8Array;
  readonly identityKey: Uint8Array;
  readonly identitySerial: number;
  readonly deploymentId: Uint8Array;
  readonly deviceId: Uint8Array;
  /** The leaf's signature key. */
  readonly leafKey: Uint8Array;
  readonly certificateSerial: number;
  /** Milliseconds since 1970; both ends belong to it. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** Every root the account has had, the first one first. */
  readonly roots: readonly Uint8Array[];
};

/** The `identity` of the leaf's basic credential. */
export function encodeCredential(chain: Uint8Array, certificate: Uint8Array): Uint8Array {
  return encode((writer) => writer.uint8(VERSION).opaque(chain).opaque(certificate));
}

/** Its two parts, neither of them verified: that is `identifyLeaf`. @throws AsError "malformed" */
export function splitCredential(bytes: Uint8Array): {
  readonly chain: Uint8Array;
  readonly certificate: Uint8Array;
} {
  return decodeAs("a credential", bytes, MAX_CREDENTIAL_BYTES, (reader) => {
    readVersion(reader, VERSION);
    return { chain: reader.opaque(MAX_CHAIN_BYTES), certificate: reader.opaque(MAX_CERTIFICATE_BYTES) };
  });
}
