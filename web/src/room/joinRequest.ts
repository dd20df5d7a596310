/**
 * The request of whoever holds an invite link (E28).
 *
 * What is signed, and later stands in the `grounds` of the Commit, holds no KeyPackage but its reference: the Add beside
 * it has the KeyPackage whole. On its way to the members both travel together, sealed under the invite's seal key.
 */

import { equal, type Rng } from "../bytes/bytes";
import { AES_256_GCM } from "../mls/aead";
import { AeadError } from "../mls/errors";
import { draw } from "../mls/kem";
import { decodeKeyPackage, type KeyPackage, keyPackageRef, verifyKeyPackage } from "../mls/keyPackage";
import { roomSuite } from "../mls/suite";
import { decodeCanonical, encodeCanonical, FieldReader } from "./canonical";
import { RoomDataError, RoomRuleError } from "./errors";
import type { InviteKeys } from "./invites";
import { paddedLength, padTo, unpad } from "./padding";
import { HASH_LENGTH, ID_LENGTH, MAX_GROUND, type OpenInvite } from "./roomContext";
import { requestHash, requestIsSigned, signRequest, splitRequest } from "./signedRequest";
import { isName } from "./text";

/** The server's bound on sealed requests. */
export const MAX_SEALED = 64 * 1024;
export const MAX_KEY_PACKAGE = 16 * 1024;
const MAX_TIME = 2 ** 53 - 1;

/** What the holder of the link signs with the join key. */
export type JoinClaim = {
  readonly room: Uint8Array;
  readonly inviteId: Uint8Array;
  /** Both identities: who invited, as the link says, and who asks. */
  readonly inviter: Uint8Array;
  readonly account: Uint8Array;
  /** What colleagues are to call them until they say otherwise. */
  readonly name: string;
  readonly keyPackageRef: Uint8Array;
  /** Milliseconds; judged at the stamp. */
  readonly notAfter: number;
};

export type JoinRequest = JoinClaim & {
  readonly keyPackage: KeyPackage;
  readonly keyPackageBytes: Uint8Array;
  /** As signed: what goes into `grounds`. */
  readonly bytes: Uint8Array;
  readonly hash: Uint8Array;
};

function encodeClaim(claim: JoinClaim): Uint8Array {
  return encodeCanonical({
    room: claim.room,
    invite: claim.inviteId,
    inviter: claim.inviter,
    account: claim.account,
    name: claim.name,
    key_package_ref: claim.keyPackageRef,
    not_after: claim.notAfter,
  });
}

/** The claim in signed bytes, its signature checked against the join key. @throws RoomDataError | RoomRuleError */
export function readJoinClaim(
  bytes: Uint8Array,
  joinKeyOf: (inviteId: Uint8Array) => Uint8Array | null,
): JoinClaim {
  if (bytes.length > MAX_GROUND) throw new RoomDataError("a join request is too long");
  const signed = splitRequest(bytes);
  const reader = new FieldReader(decodeCanonical(signed.content, MAX_GROUND), "join request");
  const claim: JoinClaim = {
    room: reader.bytes("room", ID_LENGTH),
    inviteId: reader.bytes("invite", ID_LENGTH),
    inviter: reader.bytes("inviter", ID_LENGTH),
    account: reader.bytes("account", ID_LENGTH),
    name: reader.text("name", isName),
    keyPackageRef: reader.bytes("key_package_ref", HASH_LENGTH),
    notAfter: reader.integer("not_after", 0, MAX_TIME),
  };
  reader.finish();
  const joinKey = joinKeyOf(claim.inviteId);
  // E30: an Add needs an open invite.
  if (joinKey === null) throw new RoomRuleError("E30", "invite_unknown", "there is no such open invite");
  if (!requestIsSigned(joinKey, "join", signed)) {
    throw new RoomRuleError("E28", "join_signature", "not signed by the invite's join key");
  }
  return claim;
}

/** What to post, and the hash that the reply must name (E29). */
export function sealJoinRequest(
  keys: InviteKeys,
  request: Pick<JoinClaim, "room" | "inviter" | "account" | "name" | "notAfter"> & {
    readonly keyPackage: Uint8Array;
  },
  rng: Rng,
): { readonly sealed: Uint8Array; readonly bytes: Uint8Array; readonly hash: Uint8Array } {
  const { keyPackage, ...said } = request;
  const claim = {
    ...said,
    inviteId: keys.inviteId,
    keyPackageRef: keyPackageRef(roomSuite, keyPackage),
  };
  const bytes = signRequest(keys.joinKey.privateKey, "join", encodeClaim(claim));
  const plaintext = encodeCanonical({ request: bytes, key_package: keyPackage });
  const nonce = draw(rng, AES_256_GCM.nn);
  // The nonce is 96 random bits, and few requests are ever sealed under one invite's key: a link is for one person.
  const ciphertext = AES_256_GCM.seal(
    keys.sealKey,
    nonce,
    request.room,
    padTo(plaintext, paddedLength(plaintext.length + 1)),
  );
  // The invite's id stands in front: members must find its key, and the server knows it by the token anyway.
  const sealed = encodeCanonical({ invite: keys.inviteId, nonce, ciphertext });
  return { sealed, bytes, hash: requestHash(bytes) };
}

/**
 * A request that came for a room, opened with the open invite that it names and checked as far as one member can before
 * a Commit: signature, names, KeyPackage. Null when no open invite fits: it was withdrawn, used, or is void.
 * @throws RoomDataError | RoomRuleError | MlsError
 */
export function openJoinRequest(
  open: readonly OpenInvite[],
  room: Uint8Array,
  sealed: Uint8Array,
): JoinRequest | null {
  const outer = new FieldReader(decodeCanonical(sealed, MAX_SEALED), "sealed join request");
  const inviteId = outer.bytes("invite", ID_LENGTH);
  const nonce = outer.bytes("nonce", AES_256_GCM.nn);
  const ciphertext = outer.bytes("ciphertext", AES_256_GCM.nt, MAX_SEALED);
  outer.finish();
  const invite = open.find(({ id }) => equal(id, inviteId));
  if (invite === undefined) return null;
  const plaintext = unpad(openSealed(invite.sealKey, nonce, room, ciphertext));
  const inner = new FieldReader(decodeCanonical(plaintext, MAX_SEALED), "join request");
  const bytes = inner.bytes("request", 1, MAX_GROUND);
  const keyPackageBytes = inner.bytes("key_package", 1, MAX_KEY_PACKAGE);
  inner.finish();
  const claim = readJoinClaim(bytes, () => invite.joinKey);
  if (!equal(claim.inviteId, invite.id) || !equal(claim.inviter, invite.inviter)) {
    throw new RoomRuleError("E28", "join_invite", "the request names another invite or inviter");
  }
  if (!equal(claim.room, room))
    throw new RoomRuleError("E28", "join_room", "the request is for another room");
  const keyPackage = checkedKeyPackage(keyPackageBytes, claim.keyPackageRef);
  return { ...claim, keyPackage, keyPackageBytes, bytes, hash: requestHash(bytes) };
}

/** The KeyPackage that a signed reference names, verified (RFC 9420 §10.1). @throws MlsError | RoomRuleError */
export function checkedKeyPackage(bytes: Uint8Array, reference: Uint8Array): KeyPackage {
  // THREATS 2: a server that swaps the KeyPackage cannot swap what was signed.
  if (!equal(keyPackageRef(roomSuite, bytes), reference)) {
    throw new RoomRuleError("E28", "key_package_ref", "another KeyPackage than the one that was signed");
  }
  const keyPackage = decodeKeyPackage(bytes);
  verifyKeyPackage(roomSuite, keyPackage);
  return keyPackage;
}

function openSealed(
  key: Uint8Array,
  nonce: Uint8Array,
  room: Uint8Array,
  ciphertext: Uint8Array,
): Uint8Array {
  try {
    return AES_256_GCM.open(key, nonce, room, ciphertext);
  } catch (cause) {
    if (!(cause instanceof AeadError)) throw cause;
    throw new RoomRuleError("E28", "join_seal", "not sealed with the invite's key for this room", { cause });
  }
}
