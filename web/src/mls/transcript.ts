/** The running hashes over all commits of a group (RFC 9420 §8.2). */

import { concat } from "../bytes/bytes";
import { encode } from "./codec";
import { type FramedContent, type WireFormat, writeFramedContent } from "./framing";
import type { CipherSuite } from "./suite";

/** What the confirmed hash takes in of a commit: everything but its confirmation tag. */
export type SignedCommit = Readonly<{
  wireFormat: WireFormat;
  framed: FramedContent;
  signature: Uint8Array;
}>;

/** `confirmed_transcript_hash` of the epoch that the commit begins. */
export function confirmedTranscriptHash(
  suite: CipherSuite,
  interimBefore: Uint8Array,
  { wireFormat, framed, signature }: SignedCommit,
): Uint8Array {
  const input = encode((writer) => {
    writer.uint16(wireFormat);
    writeFramedContent(writer, framed);
    writer.opaque(signature);
  });
  return suite.hash(concat(interimBefore, input));
}

/** `interim_transcript_hash` of an epoch, from its confirmed hash and its confirmation tag. */
export function interimTranscriptHash(
  suite: CipherSuite,
  confirmed: Uint8Array,
  confirmationTag: Uint8Array,
): Uint8Array {
  return suite.hash(
    concat(
      confirmed,
      encode((writer) => writer.opaque(confirmationTag)),
    ),
  );
}

/** MAC(confirmation_key, confirmed_transcript_hash) of RFC 9420 §6.1. */
export function computeConfirmationTag(
  suite: CipherSuite,
  confirmationKey: Uint8Array,
  confirmed: Uint8Array,
): Uint8Array {
  return suite.mac(confirmationKey, confirmed);
}
