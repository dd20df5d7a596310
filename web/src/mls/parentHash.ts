/** Parent hashes (RFC 9420 §7.9): proof that each parent's key was chosen by a member below it. */

import { EMPTY, equal } from "../bytes/bytes";
import { encode } from "./codec";
import { InvalidError } from "./errors";
import type { ParentNode, PathStep, RatchetTree, TreeNode } from "./ratchetTree";
import type { CipherSuite } from "./suite";
import { originalTreeHash, treeHash } from "./treeHash";
import { isWithin, type LeafIndex, left, type NodeIndex, nodeOfLeaf, right } from "./treeMath";

function parentHash(suite: CipherSuite, node: ParentNode, originalSiblingTreeHash: Uint8Array): Uint8Array {
  return suite.hash(
    encode((writer) =>
      writer.opaque(node.encryptionKey).opaque(node.parentHash).opaque(originalSiblingTreeHash),
    ),
  );
}

/**
 * The tree with a blank direct path above the leaf but for new keys at its filtered direct path, each with its parent
 * hash, and the parent hash for the leaf itself, which still is what it was (RFC 9420 §7.5).
 */
export function withPathKeys(
  suite: CipherSuite,
  tree: RatchetTree,
  leaf: LeafIndex,
  steps: readonly PathStep[],
  keys: readonly Uint8Array[],
): { readonly tree: RatchetTree; readonly leafParentHash: Uint8Array } {
  const changes = new Map<NodeIndex, TreeNode | null>(tree.directPath(leaf).map((at) => [at, null]));
  // From the top down: each hash covers the one above. The topmost is no child of a node with a key, root or not.
  let above: Uint8Array = EMPTY;
  for (let i = steps.length - 1; i >= 0; i--) {
    const { node, copathChild } = steps[i]!;
    const parent: ParentNode = { encryptionKey: keys[i]!, parentHash: above, unmergedLeaves: [] };
    changes.set(node, parent);
    // No leaf is unmerged at a new node, so the sibling's original hash is its hash.
    above = parentHash(suite, parent, treeHash(suite, tree, copathChild));
  }
  return { tree: tree.with(changes), leafParentHash: above };
}

/** The parent hash that a node carries; a leaf that no Commit brought has none. */
function carriedHash(node: TreeNode | null): Uint8Array | null {
  if (node === null) return null;
  if (!("signatureKey" in node)) return node.parentHash;
  return node.source.kind === "commit" ? node.source.parentHash : null;
}

/**
 * Whether the parent hash of some node under `child` is valid with respect to `parent` above it (RFC 9420 §7.9.2).
 * That node is in the resolution of the child, and everything else there is unmerged at the parent: so it is the one
 * that is not.
 */
function linksBelow(
  suite: CipherSuite,
  tree: RatchetTree,
  node: ParentNode,
  child: NodeIndex,
  sibling: NodeIndex,
): boolean {
  const unmerged = new Set(node.unmergedLeaves.map(nodeOfLeaf).filter((at) => isWithin(at, child)));
  const resolution = tree.resolution(child);
  const rest = resolution.filter((at) => !unmerged.has(at));
  const [at] = rest;
  if (at === undefined || rest.length !== 1 || unmerged.size !== resolution.length - 1) return false;
  const carried = carriedHash(tree.node(at));
  if (carried === null) return false;
  const original = originalTreeHash(suite, tree, sibling, node.unmergedLeaves);
  return equal(carried, parentHash(suite, node, original));
}

/**
 * Every non-blank parent has exactly one node below it whose parent hash is valid with respect to it. Since that is so
 * for a parent below as well, chains lead down to leaves, and their signatures. @throws InvalidError v203
 */
export function checkParentHashes(suite: CipherSuite, tree: RatchetTree): void {
  for (const { at, node } of tree.parents()) {
    const [a, b] = [left(at), right(at)];
    if (linksBelow(suite, tree, node, a, b) === linksBelow(suite, tree, node, b, a)) {
      throw new InvalidError("v203_parent_hash", `node ${at} is not parent-hash valid`);
    }
  }
}
