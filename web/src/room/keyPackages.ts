/**
 * KeyPackages that a device leaves with the server for others to add it with (RFC 9420 §10), and what is judged of one
 * that the server hands out (E1, E9, E10; THREATS 2, 3).
 *
 * A server could hand out anybody's, an old one, or the same one twice. So whoever claims one asks for a device of a
 * person whose keys it knows already, and takes nothing that is not certified by these.
 */

import { equal, type Rng, toHex } from "../bytes/bytes";
import type { LeafIdentity } from "../identity/credential";
import { isPrefix } from "../identity/statement";
import { DecodeError, InvalidError } from "../mls/errors";
import { type Extension, findExtension } from "../mls/extension";
import {
  createKeyPackage,
  decodeKeyPackage,
  type KeyPackage,
  type KeyPackageInput,
  keyPackageRef,
  verifyKeyPackage,
} from "../mls/keyPackage";
import { decodeMlsMessage } from "../mls/mlsMessage";
import { roomSuite } from "../mls/suite";
import { leafIndex } from "../mls/treeMath";
import { RoomRuleError } from "./errors";
import { checkAddedLeaf } from "./leafRules";

export const MAX_KEY_PACKAGE = 8 * 1024;
/**
 * draft-ietf-mls-extensions, "Last Resort KeyPackages". RFC 9420 §10: whoever sends it lists it in the leaf's
 * capabilities. Every KeyPackage that is left here does, so that no tree shows who was added by that one.
 */
export const LAST_RESORT: Extension = { type: 0x000a, data: new Uint8Array() };

/** Whose KeyPackage is asked for, by the keys that this device has pinned the person to (E7). */
export type WantedDevice = {
  readonly deviceId: Uint8Array;
  readonly accountId: Uint8Array;
  readonly identityKey: Uint8Array;
  readonly identitySerial: number;
  readonly roots: readonly Uint8Array[];
};

/** What a claimed KeyPackage is judged by. */
export type Claiming = {
  readonly deploymentId: Uint8Array;
  /** Milliseconds, by the own clock (E10). */
  readonly now: number;
  readonly revocations: readonly Uint8Array[];
  /** The refs of those that were claimed before, in hex. */
  readonly seen: ReadonlySet<string>;
};

/** Verified: the device that was asked for can be added with it. */
export type ClaimedKeyPackage = {
  readonly keyPackage: KeyPackage;
  readonly data: Uint8Array;
  readonly ref: Uint8Array;
  readonly identity: LeafIdentity;
  readonly lastResort: boolean;
  /** Milliseconds. */
  readonly notAfter: number;
};

/** One to leave with the server: `leaf` is fresh for it, its lifetime thirty days at most (E10). */
export function makeKeyPackage(
  leaf: KeyPackageInput,
  lastResort: boolean,
  rng: Rng,
): ReturnType<typeof createKeyPackage> {
  const extensions = lastResort ? [LAST_RESORT] : [];
  return createKeyPackage(roomSuite, { ...leaf, listed: [LAST_RESORT.type], extensions }, rng);
}

/** What the server handed out for this device. @throws MlsError | RoomError of the peer's fault */
export function judgeClaimed(data: Uint8Array, wanted: WantedDevice, at: Claiming): ClaimedKeyPackage {
  if (data.length > MAX_KEY_PACKAGE) throw new DecodeError("a KeyPackage of more than 8 KiB");
  const keyPackage = decodeKeyPackage(data);
  // E1: of the rooms' suite and no other, signed by its leaf.
  verifyKeyPackage(roomSuite, keyPackage);
  // E9, E10: the AS check, capabilities and both lifetimes, as the room will judge the Add at its stamp.
  const identity = checkAddedLeaf(leafIndex(0), keyPackage, {
    deploymentId: at.deploymentId,
    stamp: at.now,
    revocations: at.revocations,
  });
  checkWanted(identity, wanted);
  const marked = findExtension(keyPackage.extensions, LAST_RESORT.type);
  if (marked && !equal(marked.data, LAST_RESORT.data)) {
    throw new InvalidError("last_resort", "a mark of last resort that says more than it can");
  }
  const ref = keyPackageRef(roomSuite, data);
  // THREATS 3: only the one of last resort comes twice, by its owner's own word and not by the server's.
  if (!marked && at.seen.has(toHex(ref))) {
    throw new RoomRuleError("E10", "key_package_seen", "a KeyPackage that was handed out before");
  }
  const { source } = keyPackage.leafNode;
  const until = source.kind === "key_package" ? Number(source.notAfter) * 1000 : 0;
  const notAfter = Math.min(until, identity.notAfter);
  return { keyPackage, data, ref, identity, lastResort: marked !== undefined, notAfter };
}

/** THREATS 2: the very device, under the very identity key. @throws RoomRuleError */
function checkWanted(identity: LeafIdentity, wanted: WantedDevice): void {
  if (!equal(identity.accountId, wanted.accountId)) {
    throw new RoomRuleError("E9", "key_package_account", "a KeyPackage of another account");
  }
  if (!equal(identity.deviceId, wanted.deviceId)) {
    throw new RoomRuleError("E9", "key_package_device", "a KeyPackage of another device");
  }
  if (!equal(identity.identityKey, wanted.identityKey)) {
    throw new RoomRuleError("E9", "key_package_identity", "a KeyPackage under another identity key");
  }
  if (identity.identitySerial < wanted.identitySerial || !isPrefix(wanted.roots, identity.roots)) {
    throw new RoomRuleError("E7", "identity_older", "an older identity statement than is known");
  }
}

/** The KeyPackages that a Welcome (an MLSMessage) is for. @throws DecodeError | InvalidError */
export function welcomedRefs(welcome: Uint8Array): readonly Uint8Array[] {
  const message = decodeMlsMessage(welcome);
  if (message.type !== "welcome") {
    throw new InvalidError("v700_not_a_welcome", `a ${message.type} where a Welcome belongs`);
  }
  return message.welcome.secrets.map(({ newMember }) => newMember);
}
