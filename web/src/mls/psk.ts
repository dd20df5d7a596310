/** How the pre-shared keys of one commit become one secret (RFC 9420 §8.4). */

import { wipe } from "../bytes/bytes";
import { encode } from "./codec";
import { InvalidError } from "./errors";
import { zeroSecret } from "./keySchedule";
import { type PreSharedKeyId, writePreSharedKeyId } from "./pskId";
import type { CipherSuite } from "./suite";

/** Finds the secret that an id names, or answers undefined. The nonce is no part of the name. */
export type PskLookup = (id: PreSharedKeyId) => Uint8Array | undefined;

export type NamedPsk = Readonly<{ id: PreSharedKeyId; secret: Uint8Array }>;

/** Looks every id up. @throws InvalidError psk_missing */
export function findPsks(ids: readonly PreSharedKeyId[], lookup: PskLookup): readonly NamedPsk[] {
  return ids.map((id) => {
    const secret = lookup(id);
    if (secret === undefined) throw new InvalidError("psk_missing", "a PSK is named that is not here");
    return { id, secret };
  });
}

/** `psk_secret` over the PSKs in their order; without any, the all-zero vector. The caller wipes it. */
export function pskSecret(suite: CipherSuite, psks: readonly NamedPsk[]): Uint8Array {
  let secret = zeroSecret(suite);
  psks.forEach((psk, index) => {
    const extracted = suite.extract(zeroSecret(suite), psk.secret);
    const label = encode((writer) => {
      writePreSharedKeyId(writer, psk.id);
      writer.uint16(index).uint16(psks.length);
    });
    const input = suite.expandWithLabel(extracted, "derived psk", label, suite.nh);
    const next = suite.extract(input, secret);
    wipe(extracted, input, secret);
    secret = next;
  });
  return secret;
}
