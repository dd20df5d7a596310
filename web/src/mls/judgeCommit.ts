/** Whether a commit is valid, as far as every member can tell alike (RFC 9420 §12.2 to §12.4, E18). No private keys. */

import type { VerifiedContent } from "./application";
import type { Extension } from "./extension";
import type { Group } from "./group";
import type { KeyPackage } from "./keyPackage";
import type { LeafNode } from "./leafNode";
import type { Proposal } from "./proposal";
import type { RatchetTree } from "./ratchetTree";
import type { LeafIndex } from "./treeMath";

/** A proposal that was received in this epoch, by its reference. The sender is null for one from outside the group. */
export type ProposalReference = Readonly<{ proposal: Proposal; ref: Uint8Array; sender: LeafIndex | null }>;

export type JudgedProposal = Readonly<{
  proposal: Proposal;
  sender: LeafIndex | null;
  byReference: boolean;
}>;

export type AddedMember = Readonly<{ leaf: LeafIndex; node: LeafNode; keyPackage: KeyPackage }>;

export type Judged = Readonly<{
  committer: LeafIndex;
  /** In the commit's order. */
  proposals: readonly JudgedProposal[];
  /** The committer's new leaf, or null without a path. */
  pathLeaf: LeafNode | null;
  added: readonly AddedMember[];
  removed: readonly LeafIndex[];
  updated: readonly LeafIndex[];
  extensionsAfter: readonly Extension[];
  treeAfter: RatchetTree;
  removesMe: boolean;
  authenticated: VerifiedContent;
}>;

/** @throws InvalidError with the code of the broken rule */
export declare function judgeCommit(
  group: Group,
  unprotected: { readonly authenticated: VerifiedContent },
  references: readonly ProposalReference[],
): Judged;
