/** What every leaf must be that a Commit brings into a room (E9, E10, E13). */

import { equal } from "../bytes/bytes";
import { checkLifetime, checkSuccessor } from "../identity/authService";
import { readRevocation, revokes } from "../identity/certificate";
import type { LeafIdentity } from "../identity/credential";
import { isPrefix } from "../identity/statement";
import { MLS_10, supportsCredential, supportsExtension } from "../mls/capabilities";
import { CredentialType } from "../mls/credential";
import type { KeyPackage } from "../mls/keyPackage";
import type { LeafNode } from "../mls/leafNode";
import { ROOM_SUITE } from "../mls/suite";
import type { LeafIndex } from "../mls/treeMath";
import { RoomRuleError } from "./errors";
import { MAX_LEAVES, ROOM_EXTENSION } from "./roomContext";
import { identityOf } from "./roster";

/** Seconds: thirty days, and one that a KeyPackage may be dated back by whose clock runs ahead. */
export const MAX_KEY_PACKAGE_LIFETIME = 31 * 24 * 3600;

export type LeafContext = {
  readonly deploymentId: Uint8Array;
  readonly stamp: number;
  readonly revocations: readonly Uint8Array[];
};

/** The AS check and lifetimes at the stamp, of a leaf from a KeyPackage or a path. */
function checkLeaf(node: LeafNode, at: LeafContext): LeafIdentity {
  const { capabilities } = node;
  // E1: rooms have one suite, and no list that leaves another way open is needed.
  const able =
    capabilities.versions.includes(MLS_10) &&
    capabilities.suites.includes(ROOM_SUITE) &&
    supportsExtension(capabilities, ROOM_EXTENSION) &&
    supportsCredential(capabilities, CredentialType.basic);
  if (!able) throw new RoomRuleError("E13", "capabilities", "a leaf does not list what rooms need");
  const identity = identityOf(node, at.deploymentId);
  checkLifetime(identity, at.stamp);
  return identity;
}

/** E9, E10: a leaf that an Add brings. @throws RoomRuleError | AsError */
export function checkAddedLeaf(leaf: LeafIndex, keyPackage: KeyPackage, at: LeafContext): LeafIdentity {
  // E13, E35: a call's key id has eight bits for the leaf.
  if (leaf >= MAX_LEAVES) throw new RoomRuleError("E13", "leaves", "more than 256 leaves");
  if (keyPackage.suite !== ROOM_SUITE)
    throw new RoomRuleError("E1", "suite", "a KeyPackage of another suite");
  const node = keyPackage.leafNode;
  const identity = checkLeaf(node, at);
  const { source } = node;
  if (source.kind !== "key_package") throw new RoomRuleError("E13", "leaf_source", "not a KeyPackage's leaf");
  const seconds = BigInt(Math.floor(at.stamp / 1000));
  // THREATS 3: a stale or hoarded KeyPackage is no use.
  if (source.notAfter - source.notBefore > BigInt(MAX_KEY_PACKAGE_LIFETIME)) {
    throw new RoomRuleError("E10", "key_package_lifetime", "a KeyPackage that is valid for too long");
  }
  if (seconds < source.notBefore || seconds > source.notAfter) {
    throw new RoomRuleError("E10", "key_package_expired", "the KeyPackage is not valid at the entry's stamp");
  }
  // E9: the device is lost; whoever holds it now does not come back.
  if (at.revocations.some((statement) => revokes(readRevocation(statement), identity))) {
    throw new RoomRuleError("E9", "revoked", "the device's certificate was revoked");
  }
  return identity;
}

/** E9: what a committer's path puts in the place of its leaf. @throws RoomRuleError | AsError */
export function checkPathLeaf(before: LeafIdentity, node: LeafNode, at: LeafContext): LeafIdentity {
  const identity = checkLeaf(node, at);
  checkSuccessor(before, identity);
  checkNotOlder(before, identity);
  return identity;
}

/** E7: the same identity key, and no statement older than the one that the room has seen. @throws RoomRuleError */
export function checkNotOlder(before: LeafIdentity, after: LeafIdentity): void {
  if (!equal(before.identityKey, after.identityKey)) {
    throw new RoomRuleError(
      "E9",
      "account_identity",
      "another identity key without its statement in grounds",
    );
  }
  if (after.identitySerial < before.identitySerial || !isPrefix(before.roots, after.roots)) {
    throw new RoomRuleError("E7", "identity_older", "an older identity statement than the room has seen");
  }
}
