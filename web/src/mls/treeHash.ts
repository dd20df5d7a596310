/** Tree hashes (RFC 9420 §7.8): computed when asked for, and kept with the subtree they belong to. */

import { encode } from "./codec";
import { type LeafNode, writeLeafNode } from "./leafNode";
import type { ParentNode, RatchetTree, Slot } from "./ratchetTree";
import type { CipherSuite } from "./suite";
import { NODE_LEAF, NODE_PARENT, writeParentNode } from "./treeCodec";
import {
  isLeaf,
  isWithin,
  type LeafIndex,
  leafOfNode,
  left,
  type NodeIndex,
  nodeOfLeaf,
  right,
} from "./treeMath";

/** By suite, since a tree does not say whose hash it uses. A slot stands for its whole subtree, and is immutable. */
const known = new WeakMap<CipherSuite, WeakMap<Slot, Uint8Array>>();

function memoryOf(suite: CipherSuite): WeakMap<Slot, Uint8Array> {
  const found = known.get(suite) ?? new WeakMap<Slot, Uint8Array>();
  known.set(suite, found);
  return found;
}

function hashLeaf(suite: CipherSuite, leaf: LeafIndex, node: LeafNode | null): Uint8Array {
  return suite.hash(encode((writer) => writer.uint8(NODE_LEAF).uint32(leaf).optional(node, writeLeafNode)));
}

function hashParent(
  suite: CipherSuite,
  node: ParentNode | null,
  leftHash: Uint8Array,
  rightHash: Uint8Array,
): Uint8Array {
  return suite.hash(
    encode((writer) =>
      writer.uint8(NODE_PARENT).optional(node, writeParentNode).opaque(leftHash).opaque(rightHash),
    ),
  );
}

/** The hash of the subtree under a node; without one, of the whole tree. */
export function treeHash(suite: CipherSuite, tree: RatchetTree, at: NodeIndex = tree.root): Uint8Array {
  const memory = memoryOf(suite);
  const slot = tree.slot(at);
  const kept = memory.get(slot);
  if (kept !== undefined) return kept;
  const hash = isLeaf(at)
    ? hashLeaf(suite, leafOfNode(at), slot.node as LeafNode | null)
    : hashParent(
        suite,
        slot.node as ParentNode | null,
        treeHash(suite, tree, left(at)),
        treeHash(suite, tree, right(at)),
      );
  memory.set(slot, hash);
  return hash;
}

/** The hash that the subtree would have if these leaves were blank and unmerged nowhere (RFC 9420 §7.9). */
export function originalTreeHash(
  suite: CipherSuite,
  tree: RatchetTree,
  at: NodeIndex,
  without: readonly LeafIndex[],
): Uint8Array {
  const below = without.filter((leaf) => isWithin(nodeOfLeaf(leaf), at));
  if (below.length === 0) return treeHash(suite, tree, at);
  if (isLeaf(at)) return hashLeaf(suite, leafOfNode(at), null);
  const node = tree.parent(at);
  const gone = new Set(below);
  const original = node && { ...node, unmergedLeaves: node.unmergedLeaves.filter((leaf) => !gone.has(leaf)) };
  return hashParent(
    suite,
    original,
    originalTreeHash(suite, tree, left(at), below),
    originalTreeHash(suite, tree, right(at), below),
  );
}
