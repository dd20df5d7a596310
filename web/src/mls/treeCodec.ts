/** A ratchet tree as the `ratchet_tree` extension carries it (RFC 9420 §12.4.3.3). */

import { decode, encode, type Reader, type Writer } from "./codec";
import { DecodeError } from "./errors";
import { type Extension, ExtensionType } from "./extension";
import { readLeafNode, writeLeafNode } from "./leafNode";
import { type ParentNode, RatchetTree, type TreeNode } from "./ratchetTree";
import { type LeafIndex, leafCountFor, leafIndex, MAX_LEAVES, nodeWidth } from "./treeMath";

export const NODE_LEAF = 1;
export const NODE_PARENT = 2;

export function writeParentNode(writer: Writer, node: ParentNode): void {
  writer.opaque(node.encryptionKey).opaque(node.parentHash);
  writer.vector(node.unmergedLeaves, (inner, leaf) => inner.uint32(leaf));
}

export function readParentNode(reader: Reader): ParentNode {
  const encryptionKey = reader.opaque();
  const parentHash = reader.opaque();
  const unmergedLeaves = reader.vector((inner) => leafIndex(inner.uint32()), MAX_LEAVES);
  // RFC 9420 §7.1: in increasing order.
  if (unmergedLeaves.some((leaf, i) => i > 0 && leaf <= (unmergedLeaves[i - 1] as LeafIndex))) {
    throw new DecodeError("unmerged leaves are not in increasing order");
  }
  return { encryptionKey, parentHash, unmergedLeaves };
}

function writeTreeNode(writer: Writer, node: TreeNode): void {
  if ("signatureKey" in node) writeLeafNode(writer.uint8(NODE_LEAF), node);
  else writeParentNode(writer.uint8(NODE_PARENT), node);
}

/** The node at an even place is a leaf, and at an odd one a parent. */
function readTreeNode(reader: Reader, at: number): TreeNode {
  const kind = reader.uint8();
  if (kind !== (at % 2 === 0 ? NODE_LEAF : NODE_PARENT)) {
    throw new DecodeError(`a node of kind ${kind} at place ${at} of a tree`);
  }
  return kind === NODE_LEAF ? readLeafNode(reader) : readParentNode(reader);
}

export function writeRatchetTree(writer: Writer, tree: RatchetTree): void {
  const nodes = tree.nodes();
  // Blanks after the last node are not sent.
  const end = nodes.findLastIndex((node) => node !== null) + 1;
  writer.vector(nodes.slice(0, end), (inner, node) => inner.optional(node, writeTreeNode));
}

/** @param maxLeaves a bound below the library's own, where the caller has one */
export function readRatchetTree(reader: Reader, maxLeaves: number = MAX_LEAVES): RatchetTree {
  let at = 0;
  const nodes = reader.vector((inner): TreeNode | null => {
    const node = inner.optional((present) => readTreeNode(present, at));
    at++;
    return node ?? null;
  }, nodeWidth(maxLeaves));
  // A parent has members below it on either side, so that the last of all nodes is a leaf.
  if (nodes.at(-1) == null || nodes.length % 2 === 0) throw new DecodeError("a tree does not end in a leaf");
  const width = nodeWidth(leafCountFor(Math.ceil((nodes.length + 1) / 2)));
  while (nodes.length < width) nodes.push(null);
  return RatchetTree.of(nodes);
}

export const encodeRatchetTree = (tree: RatchetTree): Uint8Array =>
  encode((writer) => writeRatchetTree(writer, tree));

/** @throws DecodeError */
export const decodeRatchetTree = (bytes: Uint8Array, maxLeaves: number = MAX_LEAVES): RatchetTree =>
  decode(bytes, (reader) => readRatchetTree(reader, maxLeaves));

export function ratchetTreeExtension(tree: RatchetTree): Extension {
  return { type: ExtensionType.ratchetTree, data: encodeRatchetTree(tree) };
}
