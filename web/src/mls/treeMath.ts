/**
 * Indices of the array that holds a ratchet tree (RFC 9420 §4.1, Appendix C): the leaf with index n is node 2n, and
 * parents are the odd nodes between. Every tree is perfect: a power of two of leaves.
 */

import { DecodeError, UsageError } from "./errors";

/** A leaf's place among all leaves, from 0 on the left. */
export type LeafIndex = number & { readonly __leaf: unique symbol };
/** A node's place in the array. */
export type NodeIndex = number & { readonly __node: unique symbol };

/** No tree is larger: bit operations on node indices stay far below 2^31, and a tree of a peer stays bounded. */
export const MAX_LEAVES = 2 ** 16;

const UINT32_LIMIT = 2 ** 32;

/** @throws UsageError when it is not an unsigned 32-bit integer, as a leaf index on the wire is. */
export function leafIndex(value: number): LeafIndex {
  if (!Number.isInteger(value) || value < 0 || value >= UINT32_LIMIT) {
    throw new UsageError("leaf_index", `${value} is not a leaf index`);
  }
  return value as LeafIndex;
}

/** @throws UsageError when no tree has such a node. */
export function nodeIndex(value: number): NodeIndex {
  if (!Number.isInteger(value) || value < 0 || value >= 2 * MAX_LEAVES - 1) {
    throw new UsageError("node_index", `${value} is not a node index`);
  }
  return value as NodeIndex;
}

/** @throws UsageError when the leaf is beyond the largest tree. */
export function nodeOfLeaf(leaf: LeafIndex): NodeIndex {
  return nodeIndex(2 * leaf);
}

/** @throws UsageError when the node is a parent. */
export function leafOfNode(node: NodeIndex): LeafIndex {
  if (!isLeaf(node)) throw new UsageError("leaf_index", `node ${node} is a parent`);
  return (node / 2) as LeafIndex;
}

export function isLeaf(node: NodeIndex): boolean {
  return (node & 1) === 0;
}

/** 0 for a leaf, and one more for each step up. */
export function level(node: NodeIndex): number {
  let k = 0;
  while (((node >>> k) & 1) === 1) k++;
  return k;
}

/** How many nodes a tree of so many leaves has. */
export function nodeWidth(leafCount: number): number {
  return leafCount === 0 ? 0 : 2 * leafCount - 1;
}

/** The smallest perfect tree that has room for so many leaves. @throws DecodeError beyond the largest. */
export function leafCountFor(leaves: number): number {
  if (leaves > MAX_LEAVES) throw new DecodeError(`a tree of more than ${MAX_LEAVES} leaves`);
  let count = 1;
  while (count < leaves) count *= 2;
  return count;
}

/** The root of a tree of `leafCount` leaves, a power of two. */
export function root(leafCount: number): NodeIndex {
  return (leafCount - 1) as NodeIndex;
}

export function left(node: NodeIndex): NodeIndex {
  const k = level(node);
  if (k === 0) throw new UsageError("node_index", `leaf node ${node} has no children`);
  return (node ^ (1 << (k - 1))) as NodeIndex;
}

export function right(node: NodeIndex): NodeIndex {
  const k = level(node);
  if (k === 0) throw new UsageError("node_index", `leaf node ${node} has no children`);
  return (node ^ (3 << (k - 1))) as NodeIndex;
}

export function parent(node: NodeIndex, leafCount: number): NodeIndex {
  if (node === root(leafCount)) throw new UsageError("node_index", "the root has no parent");
  const k = level(node);
  const bit = (node >>> (k + 1)) & 1;
  return ((node | (1 << k)) ^ (bit << (k + 1))) as NodeIndex;
}

export function sibling(node: NodeIndex, leafCount: number): NodeIndex {
  const above = parent(node, leafCount);
  return node < above ? right(above) : left(above);
}

/** The node's ancestors, from its parent up to the root (RFC 9420 §4.1.2). */
export function directPath(node: NodeIndex, leafCount: number): NodeIndex[] {
  const top = root(leafCount);
  const path: NodeIndex[] = [];
  for (let at = node; at !== top; ) {
    at = parent(at, leafCount);
    path.push(at);
  }
  return path;
}

/** The siblings of the node and of its ancestors: entry i is the child of direct path entry i that is off the path. */
export function copath(node: NodeIndex, leafCount: number): NodeIndex[] {
  const top = root(leafCount);
  const path: NodeIndex[] = [];
  for (let at = node; at !== top; at = parent(at, leafCount)) path.push(sibling(at, leafCount));
  return path;
}

/** Whether the node is the head of a subtree or below it. */
export function isWithin(node: NodeIndex, head: NodeIndex): boolean {
  const reach = (1 << level(head)) - 1;
  return node >= head - reach && node <= head + reach;
}

/** The leaves below a node, as a range of leaf indices: first, and one past the last. */
export function leavesBelow(head: NodeIndex): { readonly from: number; readonly to: number } {
  const reach = (1 << level(head)) - 1;
  return { from: (head - reach) / 2, to: (head + reach) / 2 + 1 };
}

/** The lowest node that has both nodes in its subtree; one of them, when it is above the other. */
export function commonAncestor(a: NodeIndex, b: NodeIndex): NodeIndex {
  if (isWithin(a, b)) return b;
  if (isWithin(b, a)) return a;
  let k = 0;
  for (let x: number = a, y: number = b; x !== y; x >>>= 1, y >>>= 1) k++;
  return (((a >>> k) << k) + (1 << (k - 1)) - 1) as NodeIndex;
}
