/** Whether a commit is valid, as far as every member can tell alike (RFC 9420 §12.2 to §12.4, E18). No private keys. */

import { equal } from "../bytes/bytes";
import { type AddedMember, type AppliedProposals, applyProposals } from "./applyProposals";
import { UsageError } from "./errors";
import type { Extension } from "./extension";
import type { Content } from "./framing";
import type { Group, PublicGroup } from "./group";
import { encodeGroupContext, type GroupContext } from "./groupContext";
import type { LeafNode } from "./leafNode";
import { checkLeafSucceeds } from "./leafValidation";
import type { VerifiedContent } from "./messageProtection";
import type { ReInit } from "./proposal";
import {
  checkPathPresence,
  type JudgedProposal,
  type ProposalReference,
  resolveProposals,
} from "./proposalList";
import type { PreSharedKeyId } from "./pskId";
import type { RatchetTree } from "./ratchetTree";
import { confirmedTranscriptHash, type SignedCommit } from "./transcript";
import { treeHash } from "./treeHash";
import { type AppliedPath, applyUpdatePath } from "./treeKem";
import type { LeafIndex } from "./treeMath";
import { checkMembers } from "./treeValidation";
import type { UpdatePath } from "./updatePath";

export type { AddedMember, JudgedProposal, ProposalReference };

export type CommitContent = Extract<Content, { type: "commit" }>;

/** All of the next epoch that is no secret. */
export type NextEpoch = Readonly<{
  /** The context of the epoch in which the commit was made, encoded. */
  contextBefore: Uint8Array;
  contextAfter: GroupContext;
  contextAfterBytes: Uint8Array;
  /** The context under which path secrets are encrypted: the new one with the old transcript (RFC 9420 §12.4.1). */
  provisionalContext: Uint8Array;
  treeWithProposals: RatchetTree;
  treeAfter: RatchetTree;
  appliedPath: AppliedPath | null;
  psks: readonly PreSharedKeyId[];
  externalInit: Uint8Array | null;
  reinit: ReInit | null;
}>;

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
  /** Whether this member is among the removed. */
  removesMe: boolean;
  authenticated: VerifiedContent<CommitContent>;
  nextEpoch: NextEpoch;
}>;

/**
 * All members come to the same answer. What only some can tell, the path secret and the confirmation tag, is
 * `completeCommit`'s.
 * @param references the proposals received in this epoch; which of them count is the caller's to say
 * @throws InvalidError with the code of the broken rule
 * @throws UsageError when the content is no commit, or of another epoch
 */
export function judgeCommit(
  group: Group,
  { authenticated }: { readonly authenticated: VerifiedContent },
  references: readonly ProposalReference[],
): Judged {
  const { framed } = authenticated;
  if (!isCommit(authenticated)) throw new UsageError("not_a_commit", `a message with ${framed.content.type}`);
  if (framed.epoch !== group.context.epoch || !equal(framed.groupId, group.context.groupId)) {
    throw new UsageError("commit_epoch", "a commit of another epoch or group");
  }
  const { commit } = authenticated.framed.content;
  const sender = framed.sender.type === "member" ? framed.sender.leaf : null;
  const list = resolveProposals(commit, sender, references);
  checkPathPresence(list, commit.path !== null);
  const applied = applyProposals(group, sender, list);
  const nextEpoch = planEpoch(group, applied, signedCommit(authenticated), commit.path);
  return summarise(group, applied, authenticated, nextEpoch);
}

function isCommit(content: VerifiedContent): content is VerifiedContent<CommitContent> {
  return content.framed.content.type === "commit";
}

function signedCommit({ wireFormat, framed, auth }: VerifiedContent): SignedCommit {
  return { wireFormat, framed, signature: auth.signature };
}

export function summarise(
  group: Group,
  applied: AppliedProposals,
  authenticated: VerifiedContent<CommitContent>,
  nextEpoch: NextEpoch,
): Judged {
  return {
    committer: applied.committer,
    proposals: applied.list,
    pathLeaf: authenticated.framed.content.commit.path?.leafNode ?? null,
    added: applied.added,
    removed: applied.removed,
    updated: applied.updated,
    extensionsAfter: applied.extensions,
    treeAfter: nextEpoch.treeAfter,
    removesMe: applied.removed.includes(group.ownLeaf),
    authenticated,
    nextEpoch,
  };
}

/** Merges the path, checks the tree that results, and names the epoch that begins. @throws InvalidError */
export function planEpoch(
  group: PublicGroup,
  applied: AppliedProposals,
  signed: SignedCommit,
  path: UpdatePath | null,
): NextEpoch {
  const { suite, context } = group;
  const appliedPath = path === null ? null : mergePath(group, applied, path);
  const treeAfter = appliedPath?.tree ?? applied.tree;
  checkMembers(treeAfter, applied.extensions);
  const provisional: GroupContext = {
    ...context,
    epoch: context.epoch + 1n,
    treeHash: treeHash(suite, treeAfter),
    extensions: applied.extensions,
  };
  const contextAfter = {
    ...provisional,
    confirmedTranscriptHash: confirmedTranscriptHash(suite, group.interimTranscriptHash, signed),
  };
  return {
    contextBefore: group.contextBytes,
    contextAfter,
    contextAfterBytes: encodeGroupContext(contextAfter),
    provisionalContext: encodeGroupContext(provisional),
    treeWithProposals: applied.tree,
    treeAfter,
    appliedPath,
    psks: applied.psks,
    externalInit: applied.externalInit,
    reinit: applied.reinit,
  };
}

function mergePath(group: PublicGroup, applied: AppliedProposals, path: UpdatePath): AppliedPath {
  // RFC 9420 §12.2: whoever comes back by an external commit renews the leaf that it removes.
  if (applied.externalInit !== null) {
    for (const leaf of applied.removed) checkLeafSucceeds(group.tree.leaf(leaf)!, path.leafNode);
  }
  return applyUpdatePath(group.suite, {
    tree: applied.tree,
    sender: applied.committer,
    path,
    groupId: group.context.groupId,
    extensions: applied.extensions,
    added: applied.added.map(({ leaf }) => leaf),
  });
}

/** @throws UsageError when the commit was judged in another state of the group */
export function requireSameEpoch(group: PublicGroup, { nextEpoch }: Judged): void {
  if (!equal(nextEpoch.contextBefore, group.contextBytes)) {
    throw new UsageError("other_state", "a commit was judged against another state of the group");
  }
}
