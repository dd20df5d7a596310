/** What travels with a Welcome, and how a newcomer knows that a member made it (E25, E29). */

import { equal, utf8 } from "../bytes/bytes";
import { encode } from "../mls/codec";
import { HKDF_SHA384 } from "../mls/kdf";
import { decodeCanonical, encodeCanonical, FieldReader } from "./canonical";
import { RoomDataError } from "./errors";
import { HASH_LENGTH, ID_LENGTH } from "./roomContext";

export const MAX_WELCOME = 2 * 1024 * 1024; // E26
const LABEL = "Collegium 1.0 welcome";

export type WelcomeClaim = {
  readonly requestHash: Uint8Array;
  readonly groupId: Uint8Array;
  /** Of the epoch that the Welcome opens, like all that follows. */
  readonly epoch: bigint;
  /** SHA-384 of the encoded GroupContext. */
  readonly groupContextHash: Uint8Array;
  readonly confirmationTag: Uint8Array;
  readonly adderLeaf: number;
};

/** HMAC-SHA-384 under the invite's welcome key, which the server does not have (E29). */
export function welcomeReply(welcomeKey: Uint8Array, claim: WelcomeClaim): Uint8Array {
  const content = encode((writer) =>
    writer
      .opaque(utf8(LABEL))
      .opaque(claim.requestHash)
      .opaque(claim.groupId)
      .uint64(claim.epoch)
      .opaque(claim.groupContextHash)
      .opaque(claim.confirmationTag)
      .uint32(claim.adderLeaf),
  );
  return HKDF_SHA384.mac(welcomeKey, content);
}

export function welcomeReplyIsValid(welcomeKey: Uint8Array, claim: WelcomeClaim, mac: Uint8Array): boolean {
  return equal(welcomeReply(welcomeKey, claim), mac);
}

export type WelcomePayload = {
  /** An MLSMessage. */
  readonly welcome: Uint8Array;
  /** For a newcomer by invite; a device that rejoins has its pins instead, and both are null. */
  readonly inviteId: Uint8Array | null;
  readonly mac: Uint8Array | null;
};

export function encodeWelcomePayload({ welcome, inviteId, mac }: WelcomePayload): Uint8Array {
  return encodeCanonical({ welcome, invite: inviteId ?? undefined, mac: mac ?? undefined });
}

/** @throws RoomDataError */
export function decodeWelcomePayload(bytes: Uint8Array): WelcomePayload {
  const reader = new FieldReader(decodeCanonical(bytes, MAX_WELCOME), "welcome");
  const payload = {
    welcome: reader.bytes("welcome", 1, MAX_WELCOME),
    inviteId: reader.optionalBytes("invite", ID_LENGTH),
    mac: reader.optionalBytes("mac", HASH_LENGTH),
  };
  reader.finish();
  if ((payload.inviteId === null) !== (payload.mac === null)) {
    throw new RoomDataError("a reply without its invite, or an invite without its reply");
  }
  return payload;
}
