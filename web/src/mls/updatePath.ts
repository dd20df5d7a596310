/** The new keys of a committer's path, and the secrets for them (RFC 9420 §7.6). */

import { decode, encode, type Reader, type Writer } from "./codec";
import { type LeafNode, readLeafNode, writeLeafNode } from "./leafNode";
import type { HpkeCiphertext } from "./suite";
import { MAX_LEAVES } from "./treeMath";

export type UpdatePathNode = {
  readonly encryptionKey: Uint8Array;
  /** One for each node of the copath child's resolution, without the leaves that the same Commit adds. */
  readonly encryptedPathSecrets: readonly HpkeCiphertext[];
};

export type UpdatePath = { readonly leafNode: LeafNode; readonly nodes: readonly UpdatePathNode[] };

const MAX_PATH_LENGTH = Math.log2(MAX_LEAVES);

export function writeHpkeCiphertext(writer: Writer, ct: HpkeCiphertext): void {
  writer.opaque(ct.kemOutput).opaque(ct.ciphertext);
}

export function readHpkeCiphertext(reader: Reader): HpkeCiphertext {
  return { kemOutput: reader.opaque(), ciphertext: reader.opaque() };
}

function writeUpdatePathNode(writer: Writer, node: UpdatePathNode): void {
  writer.opaque(node.encryptionKey).vector(node.encryptedPathSecrets, writeHpkeCiphertext);
}

function readUpdatePathNode(reader: Reader): UpdatePathNode {
  return {
    encryptionKey: reader.opaque(),
    encryptedPathSecrets: reader.vector(readHpkeCiphertext, MAX_LEAVES),
  };
}

export function writeUpdatePath(writer: Writer, path: UpdatePath): void {
  writeLeafNode(writer, path.leafNode);
  writer.vector(path.nodes, writeUpdatePathNode);
}

export function readUpdatePath(reader: Reader): UpdatePath {
  return { leafNode: readLeafNode(reader), nodes: reader.vector(readUpdatePathNode, MAX_PATH_LENGTH) };
}

export const encodeUpdatePath = (path: UpdatePath): Uint8Array =>
  encode((writer) => writeUpdatePath(writer, path));

/** @throws DecodeError */
export const decodeUpdatePath = (bytes: Uint8Array): UpdatePath => decode(bytes, readUpdatePath);
