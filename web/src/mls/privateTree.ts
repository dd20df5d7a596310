/** The private half of a ratchet tree: the keys that one member knows, by node (RFC 9420 §4.2). Immutable. */

import { equal } from "../bytes/bytes";
import type { RatchetTree } from "./ratchetTree";
import { type LeafIndex, type NodeIndex, nodeOfLeaf } from "./treeMath";

export type PrivateTree = ReadonlyMap<NodeIndex, Uint8Array>;

/** What a member knows who only has a leaf. */
export function privateTreeOf(leaf: LeafIndex, encryptionPrivateKey: Uint8Array): PrivateTree {
  return new Map([[nodeOfLeaf(leaf), encryptionPrivateKey]]);
}

/** The keys of nodes that stand in both trees with the same public key: the others open nothing any more. */
export function retained(keys: PrivateTree, before: RatchetTree, after: RatchetTree): PrivateTree {
  return new Map(
    [...keys].filter(([at]) => {
      if (at >= after.nodeCount) return false;
      const [old, now] = [before.node(at), after.node(at)];
      return old !== null && now !== null && equal(old.encryptionKey, now.encryptionKey);
    }),
  );
}

/** RFC 9420 §7.5: keys of `before` that `after` no longer holds, to be wiped once `after` is stored. */
export function outdated(before: PrivateTree, after: PrivateTree): Uint8Array[] {
  const kept = new Set(after.values());
  return [...before.values()].filter((key) => !kept.has(key));
}
