/** Leaf nodes and what their signatures cover (RFC 9420 §7.2). */

import { type Capabilities, readCapabilities, writeCapabilities } from "./capabilities";
import { decode, encode, type Reader, type Writer } from "./codec";
import { type Credential, readCredential, writeCredential } from "./credential";
import { DecodeError, UsageError } from "./errors";
import { type Extension, readExtensions, writeExtensions } from "./extension";
import type { CipherSuite } from "./suite";
import type { LeafIndex } from "./treeMath";

/** How the leaf came to be (LeafNodeSource). The lifetime is in seconds since 1970. */
export type LeafNodeSource =
  | { readonly kind: "key_package"; readonly notBefore: bigint; readonly notAfter: bigint }
  | { readonly kind: "update" }
  | { readonly kind: "commit"; readonly parentHash: Uint8Array };

export type LeafNode = {
  readonly encryptionKey: Uint8Array;
  readonly signatureKey: Uint8Array;
  readonly credential: Credential;
  readonly capabilities: Capabilities;
  readonly source: LeafNodeSource;
  readonly extensions: readonly Extension[];
  readonly signature: Uint8Array;
};

export type UnsignedLeafNode = Omit<LeafNode, "signature">;

/** Where a leaf of source `update` or `commit` stands: its signature covers it. */
export type LeafPlace = { readonly groupId: Uint8Array; readonly leaf: LeafIndex };

const SOURCE_KEY_PACKAGE = 1;
const SOURCE_UPDATE = 2;
const SOURCE_COMMIT = 3;
const SIGNATURE_LABEL = "LeafNodeTBS";

function writeSource(writer: Writer, source: LeafNodeSource): void {
  switch (source.kind) {
    case "key_package":
      writer.uint8(SOURCE_KEY_PACKAGE).uint64(source.notBefore).uint64(source.notAfter);
      break;
    case "update":
      writer.uint8(SOURCE_UPDATE);
      break;
    case "commit":
      writer.uint8(SOURCE_COMMIT).opaque(source.parentHash);
  }
}

function readSource(reader: Reader): LeafNodeSource {
  const kind = reader.uint8();
  switch (kind) {
    case SOURCE_KEY_PACKAGE:
      return { kind: "key_package", notBefore: reader.uint64(), notAfter: reader.uint64() };
    case SOURCE_UPDATE:
      return { kind: "update" };
    case SOURCE_COMMIT:
      return { kind: "commit", parentHash: reader.opaque() };
    default:
      throw new DecodeError(`a leaf node has the unknown source ${kind}`);
  }
}

function writeUnsigned(writer: Writer, leaf: UnsignedLeafNode): void {
  writer.opaque(leaf.encryptionKey).opaque(leaf.signatureKey);
  writeCredential(writer, leaf.credential);
  writeCapabilities(writer, leaf.capabilities);
  writeSource(writer, leaf.source);
  writeExtensions(writer, leaf.extensions);
}

export function writeLeafNode(writer: Writer, leaf: LeafNode): void {
  writeUnsigned(writer, leaf);
  writer.opaque(leaf.signature);
}

export function readLeafNode(reader: Reader): LeafNode {
  return {
    encryptionKey: reader.opaque(),
    signatureKey: reader.opaque(),
    credential: readCredential(reader),
    capabilities: readCapabilities(reader),
    source: readSource(reader),
    extensions: readExtensions(reader),
    signature: reader.opaque(),
  };
}

export const encodeLeafNode = (leaf: LeafNode): Uint8Array => encode((writer) => writeLeafNode(writer, leaf));

/** @throws DecodeError */
export const decodeLeafNode = (bytes: Uint8Array): LeafNode => decode(bytes, readLeafNode);

/** LeafNodeTBS. @throws UsageError when a leaf that belongs to a group comes without its place. */
function toBeSigned(leaf: UnsignedLeafNode, place: LeafPlace | null): Uint8Array {
  return encode((writer) => {
    writeUnsigned(writer, leaf);
    if (leaf.source.kind === "key_package") return;
    if (place === null)
      throw new UsageError("leaf_place", `a leaf of source ${leaf.source.kind} has a place`);
    writer.opaque(place.groupId).uint32(place.leaf);
  });
}

/** The place may be null for a leaf of a KeyPackage, whose signature does not cover it. */
export function signLeafNode(
  suite: CipherSuite,
  leaf: UnsignedLeafNode,
  signaturePrivateKey: Uint8Array,
  place: LeafPlace | null,
): LeafNode {
  const signature = suite.signWithLabel(signaturePrivateKey, SIGNATURE_LABEL, toBeSigned(leaf, place));
  return { ...leaf, signature };
}

export function leafSignatureIsValid(suite: CipherSuite, leaf: LeafNode, place: LeafPlace | null): boolean {
  return suite.verifyWithLabel(leaf.signatureKey, SIGNATURE_LABEL, toBeSigned(leaf, place), leaf.signature);
}
