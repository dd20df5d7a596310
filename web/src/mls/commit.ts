/** Commits (RFC 9420 §12.4). */

import { decode, encode, type Reader, type Writer } from "./codec";
import { DecodeError } from "./errors";
import { type Proposal, readProposal, writeProposal } from "./proposal";
import { readUpdatePath, type UpdatePath, writeUpdatePath } from "./updatePath";

export type ProposalOrRef =
  | { readonly kind: "proposal"; readonly proposal: Proposal }
  | { readonly kind: "reference"; readonly reference: Uint8Array };

export type Commit = { readonly proposals: readonly ProposalOrRef[]; readonly path: UpdatePath | null };

const KIND_PROPOSAL = 1;
const KIND_REFERENCE = 2;
const MAX_PROPOSALS = 1024;

export function writeProposalOrRef(writer: Writer, one: ProposalOrRef): void {
  if (one.kind === "proposal") writeProposal(writer.uint8(KIND_PROPOSAL), one.proposal);
  else writer.uint8(KIND_REFERENCE).opaque(one.reference);
}

export function readProposalOrRef(reader: Reader): ProposalOrRef {
  const kind = reader.uint8();
  switch (kind) {
    case KIND_PROPOSAL:
      return { kind: "proposal", proposal: readProposal(reader) };
    case KIND_REFERENCE:
      return { kind: "reference", reference: reader.opaque() };
    default:
      throw new DecodeError(`a proposal in a Commit is of the unknown kind ${kind}`);
  }
}

export function writeCommit(writer: Writer, commit: Commit): void {
  writer.vector(commit.proposals, writeProposalOrRef).optional(commit.path, writeUpdatePath);
}

export function readCommit(reader: Reader): Commit {
  return {
    proposals: reader.vector(readProposalOrRef, MAX_PROPOSALS),
    path: reader.optional(readUpdatePath) ?? null,
  };
}

export const encodeCommit = (commit: Commit): Uint8Array => encode((writer) => writeCommit(writer, commit));

/** @throws DecodeError */
export const decodeCommit = (bytes: Uint8Array): Commit => decode(bytes, readCommit);
