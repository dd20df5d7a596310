/**
 * The public half of a ratchet tree (RFC 9420 §4, §7). Immutable: every change is a new tree, which shares with the
 * old one whatever did not change, and with it the hashes that were computed for it (`treeHash.ts`).
 */

import { UsageError } from "./errors";
import type { LeafNode } from "./leafNode";
import * as math from "./treeMath";
import { type LeafIndex, MAX_LEAVES, type NodeIndex } from "./treeMath";

/** RFC 9420 §7.1. The unmerged leaves are in increasing order. */
export type ParentNode = {
  readonly encryptionKey: Uint8Array;
  readonly parentHash: Uint8Array;
  readonly unmergedLeaves: readonly LeafIndex[];
};

export type TreeNode = LeafNode | ParentNode;

/**
 * A node's place with what stands there, blank or not. A slot is replaced whenever anything in its subtree changes:
 * the same slot means the same subtree, and what was computed for one may be kept with it.
 */
export type Slot = { readonly node: TreeNode | null };

export type Member = { readonly leaf: LeafIndex; readonly node: LeafNode };

/** A node on the filtered direct path of a leaf, and its child that is not on the way to that leaf. */
export type PathStep = { readonly node: NodeIndex; readonly copathChild: NodeIndex };

/** At even places leaf nodes, at odd ones parents, null for a blank; as many as a perfect tree has. */
export type TreeNodes = readonly (TreeNode | null)[];

export class RatchetTree {
  readonly leafCount: number;
  readonly #slots: readonly Slot[];

  private constructor(slots: readonly Slot[]) {
    this.#slots = slots;
    this.leafCount = (slots.length + 1) / 2;
  }

  /** A group's first tree: one leaf (RFC 9420 §11). */
  static ofOne(leaf: LeafNode): RatchetTree {
    return new RatchetTree([{ node: leaf }]);
  }

  /** @throws UsageError when the nodes are not those of a perfect tree. */
  static of(nodes: TreeNodes): RatchetTree {
    if (nodes.length !== math.nodeWidth(math.leafCountFor((nodes.length + 1) / 2))) {
      throw new UsageError("tree_size", `${nodes.length} nodes are no perfect tree`);
    }
    return new RatchetTree(
      nodes.map((node, at) => {
        if (node !== null && "signatureKey" in node !== math.isLeaf(at as NodeIndex)) {
          throw new UsageError("tree_shape", `node ${at} is of the wrong kind`);
        }
        return { node };
      }),
    );
  }

  get nodeCount(): number {
    return this.#slots.length;
  }

  get root(): NodeIndex {
    return math.root(this.leafCount);
  }

  /** What a memory of this subtree may be tied to. @throws UsageError */
  slot(node: NodeIndex): Slot {
    const slot = this.#slots[node];
    if (slot === undefined) throw new UsageError("node_index", `there is no node ${node} in this tree`);
    return slot;
  }

  node(node: NodeIndex): TreeNode | null {
    return this.slot(node).node;
  }

  isBlank(node: NodeIndex): boolean {
    return this.node(node) === null;
  }

  /** Null for a blank leaf, and for one that the tree does not have: the index may be a peer's. */
  leaf(leaf: LeafIndex): LeafNode | null {
    return leaf < this.leafCount ? (this.node(math.nodeOfLeaf(leaf)) as LeafNode | null) : null;
  }

  /** @throws UsageError when the node is a leaf, or not there. */
  parent(node: NodeIndex): ParentNode | null {
    if (math.isLeaf(node)) throw new UsageError("node_index", `node ${node} is a leaf`);
    return this.node(node) as ParentNode | null;
  }

  /** Every non-blank leaf, from the left. */
  members(): Member[] {
    const found: Member[] = [];
    for (let i = 0; i < this.leafCount; i++) {
      const leaf = math.leafIndex(i);
      const node = this.leaf(leaf);
      if (node !== null) found.push({ leaf, node });
    }
    return found;
  }

  /** Every non-blank parent. */
  parents(): { readonly at: NodeIndex; readonly node: ParentNode }[] {
    const found: { at: NodeIndex; node: ParentNode }[] = [];
    for (let i = 1; i < this.nodeCount; i += 2) {
      const at = math.nodeIndex(i);
      const node = this.parent(at);
      if (node !== null) found.push({ at, node });
    }
    return found;
  }

  nodes(): TreeNodes {
    return this.#slots.map(({ node }) => node);
  }

  /** The non-blank nodes that together cover a subtree, in order (RFC 9420 §4.1.1). */
  resolution(at: NodeIndex): NodeIndex[] {
    const node = this.node(at);
    if (math.isLeaf(at)) return node === null ? [] : [at];
    if (node === null) return [...this.resolution(math.left(at)), ...this.resolution(math.right(at))];
    return [at, ...(node as ParentNode).unmergedLeaves.map(math.nodeOfLeaf)];
  }

  /** Whether the resolution of a node is empty, without making it. */
  isEmpty(at: NodeIndex): boolean {
    if (!this.isBlank(at)) return false;
    return math.isLeaf(at) || (this.isEmpty(math.left(at)) && this.isEmpty(math.right(at)));
  }

  directPath(leaf: LeafIndex): NodeIndex[] {
    return math.directPath(this.#nodeOf(leaf), this.leafCount);
  }

  /** The direct path without the nodes whose copath child has an empty resolution (RFC 9420 §4.1.2). */
  filteredDirectPath(leaf: LeafIndex): PathStep[] {
    const copath = math.copath(this.#nodeOf(leaf), this.leafCount);
    return this.directPath(leaf)
      .map((node, i) => ({ node, copathChild: copath[i]! }))
      .filter(({ copathChild }) => !this.isEmpty(copathChild));
  }

  /** The leftmost blank leaf, in this tree or in one twice as large when there is none (RFC 9420 §12.1.1). */
  withRoom(): { readonly tree: RatchetTree; readonly leaf: LeafIndex } {
    for (let i = 0; i < this.leafCount; i++) {
      const leaf = math.leafIndex(i);
      if (this.leaf(leaf) === null) return { tree: this, leaf };
    }
    return { tree: this.#extended(), leaf: math.leafIndex(this.leafCount) };
  }

  /** RFC 9420 §12.1.1: the new leaf, unmerged at every non-blank node above it. */
  add(node: LeafNode): { readonly tree: RatchetTree; readonly leaf: LeafIndex } {
    const { tree, leaf } = this.withRoom();
    const changes = new Map<NodeIndex, TreeNode | null>([[math.nodeOfLeaf(leaf), node]]);
    for (const above of tree.directPath(leaf)) {
      const parent = tree.parent(above);
      if (parent === null) continue;
      const unmergedLeaves = [...parent.unmergedLeaves, leaf].sort((a, b) => a - b);
      changes.set(above, { ...parent, unmergedLeaves });
    }
    return { tree: tree.with(changes), leaf };
  }

  /** RFC 9420 §12.1.2: the leaf anew, and a blank path above it. @throws UsageError when nobody is there. */
  update(leaf: LeafIndex, node: LeafNode): RatchetTree {
    this.#requireMember(leaf);
    return this.with(this.#blankedPath(leaf).set(math.nodeOfLeaf(leaf), node));
  }

  /** RFC 9420 §12.1.3: a blank leaf, a blank path above it, and no more tree than needed. @throws UsageError */
  remove(leaf: LeafIndex): RatchetTree {
    this.#requireMember(leaf);
    return this.with(this.#blankedPath(leaf).set(math.nodeOfLeaf(leaf), null)).#truncated();
  }

  /** This tree with other nodes at some places. @throws UsageError when one is not there. */
  with(changes: ReadonlyMap<NodeIndex, TreeNode | null>): RatchetTree {
    const slots = [...this.#slots];
    const touched = new Set<NodeIndex>();
    for (const [at, node] of changes) {
      this.slot(at);
      slots[at] = { node };
      for (const above of math.directPath(at, this.leafCount)) touched.add(above);
    }
    // What stands above a changed node stands above another subtree now: a new slot, so that no old hash is found.
    for (const at of touched) if (!changes.has(at)) slots[at] = { node: this.node(at) };
    return new RatchetTree(slots);
  }

  /** RFC 9420 §7.7: a blank root, this tree on its left and as many blanks on its right. */
  #extended(): RatchetTree {
    if (this.leafCount === MAX_LEAVES)
      throw new UsageError("tree_full", `a tree of ${MAX_LEAVES} leaves is full`);
    const blanks = Array.from({ length: this.nodeCount + 1 }, (): Slot => ({ node: null }));
    return new RatchetTree([...this.#slots, ...blanks]);
  }

  /** RFC 9420 §7.7: without its right half, while no leaf is left there. */
  #truncated(): RatchetTree {
    let count = this.leafCount;
    const anyFrom = (from: number, to: number) => {
      for (let i = from; i < to; i++) if (this.#slots[2 * i]!.node !== null) return true;
      return false;
    };
    while (count > 1 && !anyFrom(count / 2, count)) count /= 2;
    return count === this.leafCount ? this : new RatchetTree(this.#slots.slice(0, math.nodeWidth(count)));
  }

  #blankedPath(leaf: LeafIndex): Map<NodeIndex, TreeNode | null> {
    return new Map(this.directPath(leaf).map((at) => [at, null]));
  }

  #nodeOf(leaf: LeafIndex): NodeIndex {
    if (leaf >= this.leafCount) throw new UsageError("leaf_index", `there is no leaf ${leaf} in this tree`);
    return math.nodeOfLeaf(leaf);
  }

  #requireMember(leaf: LeafIndex): void {
    if (this.leaf(leaf) === null) throw new UsageError("blank_leaf", `nobody is at leaf ${leaf}`);
  }
}
