/**
 * What makes a whole tree valid (RFC 9420 §7.3, §12.4.3.1), but for lifetimes and the AS.
 *
 *   v201  the tree hash is the GroupContext's          v205  … and at every non-blank node between
 *   v202  the tree is no larger than it must be        v206  no encryption key twice, in leaves or parents
 *   v203  every parent is parent-hash valid            v207  no signature key twice
 *   v204  unmerged leaves are members below the node   v208  every member knows every credential type in use
 *   v209  every parent's key is a key
 *   and v101 to v108 for each leaf (`leafValidation.ts`)
 */

import { equal } from "../bytes/bytes";
import { supportsCredential } from "./capabilities";
import { InvalidError } from "./errors";
import type { Extension } from "./extension";
import { KeySet } from "./keySet";
import { checkLeafAlone, checkLeafInGroup, checkPublicKey } from "./leafValidation";
import { checkParentHashes } from "./parentHash";
import type { RatchetTree } from "./ratchetTree";
import type { CipherSuite } from "./suite";
import { treeHash } from "./treeHash";
import { directPath, isWithin, type LeafIndex, level, type NodeIndex, nodeOfLeaf } from "./treeMath";

export type TreeClaims = {
  readonly groupId: Uint8Array;
  readonly treeHash: Uint8Array;
  readonly extensions: readonly Extension[];
};

/** A tree that comes from outside: everything in it (RFC 9420 §12.4.3.1). @throws InvalidError | DecodeError */
export function checkTree(suite: CipherSuite, tree: RatchetTree, claims: TreeClaims): void {
  if (!equal(treeHash(suite, tree), claims.treeHash)) {
    throw new InvalidError("v201_tree_hash", "a tree's hash is not the one of the GroupContext");
  }
  checkShape(tree);
  checkUnmergedLeaves(tree);
  checkMembers(tree, claims.extensions);
  for (const { node } of tree.parents()) checkPublicKey(suite, node.encryptionKey, "v209_parent_key");
  checkParentHashes(suite, tree);
  for (const { leaf, node } of tree.members()) {
    checkLeafAlone(suite, node, node.source.kind, { groupId: claims.groupId, leaf });
  }
}

/**
 * How the members get on with each other and with the group: after a Commit as well, when each leaf that it brought
 * has been checked alone. @throws InvalidError | DecodeError
 */
export function checkMembers(tree: RatchetTree, extensions: readonly Extension[]): void {
  const members = tree.members();
  const signatureKeys = new KeySet();
  for (const { leaf, node } of members) {
    checkLeafInGroup(node, extensions);
    if (!signatureKeys.add(node.signatureKey)) {
      throw new InvalidError("v207_duplicate_signature_key", `leaf ${leaf} has another's signature key`);
    }
  }
  const inUse = new Set(members.map(({ node }) => node.credential.type));
  for (const { leaf, node } of members) {
    for (const type of inUse) {
      if (!supportsCredential(node.capabilities, type)) {
        throw new InvalidError(
          "v208_credential_in_use",
          `leaf ${leaf} does not know credential type ${type}`,
        );
      }
    }
  }
  // Parents as well: a newcomer refuses a tree with a key in two places, so no Commit may lead to one.
  const encryptionKeys = new KeySet();
  for (const node of tree.nodes()) {
    if (node !== null && !encryptionKeys.add(node.encryptionKey)) {
      throw new InvalidError("v206_duplicate_encryption_key", "an encryption key is in two places of a tree");
    }
  }
}

/** RFC 9420 §7.7: members have cut away a right half without leaves, so a tree that has one is not theirs. */
function checkShape(tree: RatchetTree): void {
  const last = tree.members().at(-1);
  if (last === undefined || (tree.leafCount > 1 && last.leaf < tree.leafCount / 2)) {
    throw new InvalidError("v202_not_truncated", "a tree is larger than its members need");
  }
}

function checkUnmergedLeaves(tree: RatchetTree): void {
  const unmergedAt = new Map(tree.parents().map(({ at, node }) => [at, new Set(node.unmergedLeaves)]));
  for (const [at, leaves] of unmergedAt) {
    for (const leaf of leaves) checkUnmergedLeaf(tree, unmergedAt, at, leaf);
  }
}

function checkUnmergedLeaf(
  tree: RatchetTree,
  unmergedAt: ReadonlyMap<NodeIndex, ReadonlySet<LeafIndex>>,
  at: NodeIndex,
  leaf: LeafIndex,
): void {
  if (tree.leaf(leaf) === null || !isWithin(nodeOfLeaf(leaf), at)) {
    throw new InvalidError("v204_unmerged_leaf", `leaf ${leaf} cannot be unmerged at node ${at}`);
  }
  for (const between of directPath(nodeOfLeaf(leaf), tree.leafCount)) {
    if (level(between) >= level(at)) return;
    if (unmergedAt.get(between)?.has(leaf) === false) {
      throw new InvalidError(
        "v205_unmerged_between",
        `leaf ${leaf} is unmerged at node ${at}, not ${between}`,
      );
    }
  }
}
