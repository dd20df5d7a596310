/** Proposals (RFC 9420 §12.1). */

import { decode, encode, type Reader, type Writer } from "./codec";
import { type Extension, readExtensions, writeExtensions } from "./extension";
import { type KeyPackage, readKeyPackage, writeKeyPackage } from "./keyPackage";
import { type LeafNode, readLeafNode, writeLeafNode } from "./leafNode";
import { ProposalType } from "./proposalType";
import { type PreSharedKeyId, readPreSharedKeyId, writePreSharedKeyId } from "./pskId";
import { type LeafIndex, leafIndex } from "./treeMath";

export type Add = { readonly type: "add"; readonly keyPackage: KeyPackage };
export type Update = { readonly type: "update"; readonly leafNode: LeafNode };
/** Any index that fits the wire: whether somebody is there is for the group to say. */
export type Remove = { readonly type: "remove"; readonly removed: LeafIndex };
export type PreSharedKey = { readonly type: "psk"; readonly psk: PreSharedKeyId };
export type ReInit = {
  readonly type: "reinit";
  readonly groupId: Uint8Array;
  readonly version: number;
  readonly suite: number;
  readonly extensions: readonly Extension[];
};
export type ExternalInit = { readonly type: "external_init"; readonly kemOutput: Uint8Array };
export type GroupContextExtensions = {
  readonly type: "group_context_extensions";
  readonly extensions: readonly Extension[];
};
/** A type that we do not know, read as one vector: the struct of an unknown type has no end that could be found. */
export type UnknownProposal = { readonly type: "unknown"; readonly id: number; readonly data: Uint8Array };

export type Proposal =
  | Add
  | Update
  | Remove
  | PreSharedKey
  | ReInit
  | ExternalInit
  | GroupContextExtensions
  | UnknownProposal;

/** The number by which capabilities and the wire know it. */
export function proposalTypeOf(proposal: Proposal): number {
  switch (proposal.type) {
    case "add":
      return ProposalType.add;
    case "update":
      return ProposalType.update;
    case "remove":
      return ProposalType.remove;
    case "psk":
      return ProposalType.psk;
    case "reinit":
      return ProposalType.reinit;
    case "external_init":
      return ProposalType.externalInit;
    case "group_context_extensions":
      return ProposalType.groupContextExtensions;
    case "unknown":
      return proposal.id;
  }
}

/** RFC 9420 §12.4: a Commit of one of these has a path. Of an unknown type nothing says that it may do without. */
export function requiresPath(proposal: Proposal): boolean {
  return proposal.type !== "add" && proposal.type !== "psk" && proposal.type !== "reinit";
}

/** The struct of the proposal's type, without the number before it. */
export function writeProposalBody(writer: Writer, proposal: Proposal): void {
  switch (proposal.type) {
    case "add":
      writeKeyPackage(writer, proposal.keyPackage);
      break;
    case "update":
      writeLeafNode(writer, proposal.leafNode);
      break;
    case "remove":
      writer.uint32(proposal.removed);
      break;
    case "psk":
      writePreSharedKeyId(writer, proposal.psk);
      break;
    case "reinit":
      writer.opaque(proposal.groupId).uint16(proposal.version).uint16(proposal.suite);
      writeExtensions(writer, proposal.extensions);
      break;
    case "external_init":
      writer.opaque(proposal.kemOutput);
      break;
    case "group_context_extensions":
      writeExtensions(writer, proposal.extensions);
      break;
    case "unknown":
      writer.opaque(proposal.data);
  }
}

export function readProposalBody(reader: Reader, type: number): Proposal {
  switch (type) {
    case ProposalType.add:
      return { type: "add", keyPackage: readKeyPackage(reader) };
    case ProposalType.update:
      return { type: "update", leafNode: readLeafNode(reader) };
    case ProposalType.remove:
      return { type: "remove", removed: leafIndex(reader.uint32()) };
    case ProposalType.psk:
      return { type: "psk", psk: readPreSharedKeyId(reader) };
    case ProposalType.reinit:
      return {
        type: "reinit",
        groupId: reader.opaque(),
        version: reader.uint16(),
        suite: reader.uint16(),
        extensions: readExtensions(reader),
      };
    case ProposalType.externalInit:
      return { type: "external_init", kemOutput: reader.opaque() };
    case ProposalType.groupContextExtensions:
      return { type: "group_context_extensions", extensions: readExtensions(reader) };
    default:
      return { type: "unknown", id: type, data: reader.opaque() };
  }
}

export function writeProposal(writer: Writer, proposal: Proposal): void {
  writer.uint16(proposalTypeOf(proposal));
  writeProposalBody(writer, proposal);
}

export function readProposal(reader: Reader): Proposal {
  return readProposalBody(reader, reader.uint16());
}

export const encodeProposal = (proposal: Proposal): Uint8Array =>
  encode((writer) => writeProposal(writer, proposal));

/** @throws DecodeError */
export const decodeProposal = (bytes: Uint8Array): Proposal => decode(bytes, readProposal);
