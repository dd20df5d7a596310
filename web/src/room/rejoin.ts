/**
 * Rejoin requests (E22): a device that lost its state, or is new in the hands of somebody who was recovered by code.
 *
 * They are signed, not sealed: such a device has no key of the room any more, so what it posts as `sealed` can be read by
 * the server. It tells what a KeyPackage tells: account, public keys, device (PROTOCOL.md §5). Nobody but the holder of
 * the identity key can make one, and only a member can answer it.
 */

import { equal, type Rng } from "../bytes/bytes";
import { identifyLeaf } from "../identity/authService";
import type { LeafIdentity } from "../identity/credential";
import { isBasic } from "../mls/credential";
import { draw } from "../mls/kem";
import { type KeyPackage, keyPackageRef } from "../mls/keyPackage";
import { roomSuite } from "../mls/suite";
import { decodeCanonical, encodeCanonical, FieldReader } from "./canonical";
import { RoomDataError, RoomRuleError } from "./errors";
import { checkedKeyPackage, MAX_KEY_PACKAGE, MAX_SEALED } from "./joinRequest";
import { HASH_LENGTH, ID_LENGTH, MAX_GROUND, MAX_LEAVES } from "./roomContext";
import { requestHash, requestIsSigned, type SignedRequest, signRequest, splitRequest } from "./signedRequest";

const NONCE_LENGTH = 16;
const MAX_EPOCH = 2 ** 53 - 1;

/** What the identity key signs. */
export type RejoinClaim = {
  readonly room: Uint8Array;
  readonly device: Uint8Array;
  /** The leaf that the device had, where it knows. */
  readonly oldLeaf: number | null;
  readonly keyPackageRef: Uint8Array;
  /** The last epoch that it was in; 0 when it knows none. */
  readonly epoch: number;
  readonly nonce: Uint8Array;
};

export type RejoinRequest = RejoinClaim & {
  /** Of the KeyPackage; its identity key signed the request. */
  readonly identity: LeafIdentity;
  readonly keyPackage: KeyPackage;
  readonly keyPackageBytes: Uint8Array;
  /** As signed: what goes into `grounds`. */
  readonly bytes: Uint8Array;
  readonly hash: Uint8Array;
};

/**
 * What to post. The KeyPackage's certificate must have a higher serial than the leaf that it replaces, so that no request
 * can be used a second time.
 */
export function signRejoinRequest(
  identityPrivateKey: Uint8Array,
  request: Pick<RejoinClaim, "room" | "device" | "oldLeaf" | "epoch"> & { readonly keyPackage: Uint8Array },
  rng: Rng,
): { readonly sealed: Uint8Array; readonly bytes: Uint8Array; readonly hash: Uint8Array } {
  const content = encodeCanonical({
    room: request.room,
    device: request.device,
    old_leaf: request.oldLeaf ?? undefined,
    key_package_ref: keyPackageRef(roomSuite, request.keyPackage),
    epoch: request.epoch,
    nonce: draw(rng, NONCE_LENGTH),
  });
  const bytes = signRequest(identityPrivateKey, "rejoin", content);
  const sealed = encodeCanonical({ request: bytes, key_package: request.keyPackage });
  return { sealed, bytes, hash: requestHash(bytes) };
}

/** The claim in signed bytes; its signature is checked by `checkRejoin`. @throws RoomDataError */
export function readRejoinClaim(bytes: Uint8Array): {
  readonly claim: RejoinClaim;
  readonly signed: SignedRequest;
} {
  if (bytes.length > MAX_GROUND) throw new RoomDataError("a rejoin request is too long");
  const signed = splitRequest(bytes);
  const reader = new FieldReader(decodeCanonical(signed.content, MAX_GROUND), "rejoin request");
  const claim = {
    room: reader.bytes("room", ID_LENGTH),
    device: reader.bytes("device", ID_LENGTH),
    oldLeaf: reader.has("old_leaf") ? reader.integer("old_leaf", 0, MAX_LEAVES - 1) : null,
    keyPackageRef: reader.bytes("key_package_ref", HASH_LENGTH),
    epoch: reader.integer("epoch", 0, MAX_EPOCH),
    nonce: reader.bytes("nonce", NONCE_LENGTH),
  };
  reader.finish();
  return { claim, signed };
}

/** E22: by the identity key of the leaf that it asks for, and for that device in this room. @throws RoomRuleError */
export function checkRejoin(
  { claim, signed }: { readonly claim: RejoinClaim; readonly signed: SignedRequest },
  room: Uint8Array,
  identity: LeafIdentity,
): void {
  if (!requestIsSigned(identity.identityKey, "rejoin", signed)) {
    throw new RoomRuleError("E22", "rejoin_signature", "not signed by the identity key of its KeyPackage");
  }
  if (!equal(claim.room, room))
    throw new RoomRuleError("E22", "rejoin_room", "the request is for another room");
  if (!equal(claim.device, identity.deviceId)) {
    throw new RoomRuleError("E22", "rejoin_device", "the request is for another device than its KeyPackage");
  }
}

/**
 * A request that came for a room, checked as far as one member can before a Commit.
 * @throws RoomDataError | RoomRuleError | MlsError
 */
export function openRejoinRequest(room: Uint8Array, sealed: Uint8Array): RejoinRequest {
  const reader = new FieldReader(decodeCanonical(sealed, MAX_SEALED), "rejoin");
  const bytes = reader.bytes("request", 1, MAX_GROUND);
  const keyPackageBytes = reader.bytes("key_package", 1, MAX_KEY_PACKAGE);
  reader.finish();
  const signed = readRejoinClaim(bytes);
  const keyPackage = checkedKeyPackage(keyPackageBytes, signed.claim.keyPackageRef);
  const { credential, signatureKey } = keyPackage.leafNode;
  if (!isBasic(credential)) throw new RoomRuleError("E13", "credential_type", "not a basic credential");
  const identity = identifyLeaf(credential.identity, signatureKey);
  checkRejoin(signed, room, identity);
  return { ...signed.claim, identity, keyPackage, keyPackageBytes, bytes, hash: requestHash(bytes) };
}
