/** The proposals of a commit, applied in the order of RFC 9420 §12.3. */

import { equal } from "../bytes/bytes";
import { InvalidError } from "./errors";
import type { Extension } from "./extension";
import type { PublicGroup } from "./group";
import { type KeyPackage, verifyKeyPackage } from "./keyPackage";
import type { LeafNode } from "./leafNode";
import { checkLeafAlone, checkLeafSucceeds } from "./leafValidation";
import type { Proposal, ReInit } from "./proposal";
import { checkProposalList, type JudgedProposal } from "./proposalList";
import type { PreSharedKeyId } from "./pskId";
import type { RatchetTree } from "./ratchetTree";
import { type LeafIndex, MAX_LEAVES } from "./treeMath";

export type AddedMember = Readonly<{ leaf: LeafIndex; node: LeafNode; keyPackage: KeyPackage }>;

export type AppliedProposals = Readonly<{
  list: readonly JudgedProposal[];
  committer: LeafIndex;
  /** Not yet with the path: an external committer's leaf is blank. */
  tree: RatchetTree;
  extensions: readonly Extension[];
  added: readonly AddedMember[];
  removed: readonly LeafIndex[];
  updated: readonly LeafIndex[];
  psks: readonly PreSharedKeyId[];
  externalInit: Uint8Array | null;
  reinit: ReInit | null;
}>;

function ofType<T extends Proposal["type"]>(
  list: readonly JudgedProposal[],
  type: T,
): readonly Extract<Proposal, { type: T }>[] {
  return list
    .map(({ proposal }) => proposal)
    .filter((proposal): proposal is Extract<Proposal, { type: T }> => proposal.type === type);
}

/**
 * Checks the list and each proposal, and applies them. How the members then get on with each other is for
 * `checkMembers`, once a path is merged.
 * @param sender null for an external commit
 * @throws InvalidError
 */
export function applyProposals(
  group: PublicGroup,
  sender: LeafIndex | null,
  list: readonly JudgedProposal[],
): AppliedProposals {
  const { suite, context } = group;
  const present = group.tree.members();
  checkProposalList(
    {
      suite,
      context,
      hasMember: (leaf) => group.tree.leaf(leaf) !== null,
      findBySignatureKey: (key) => present.find(({ node }) => equal(node.signatureKey, key))?.leaf,
    },
    sender,
    list,
  );
  const removed = ofType(list, "remove").map((proposal) => proposal.removed);
  const updates = applyUpdates(group, list);
  const remaining = removed.reduce((tree, leaf) => tree.remove(leaf), updates.tree);
  const adds = ofType(list, "add");
  // An external committer takes a leaf too.
  if (present.length - removed.length + adds.length >= MAX_LEAVES) {
    throw new InvalidError("v520_tree_full", "a commit adds more members than a tree has leaves");
  }
  const { tree: joined, added } = applyAdds(group, remaining, adds);
  const room = sender === null ? joined.withRoom() : { tree: joined, leaf: sender };
  return {
    list,
    committer: room.leaf,
    tree: room.tree,
    extensions: ofType(list, "group_context_extensions")[0]?.extensions ?? context.extensions,
    added,
    removed,
    updated: updates.leaves,
    psks: ofType(list, "psk").map(({ psk }) => psk),
    externalInit: ofType(list, "external_init")[0]?.kemOutput ?? null,
    reinit: ofType(list, "reinit")[0] ?? null,
  };
}

function applyUpdates(
  { suite, context, tree: before }: PublicGroup,
  list: readonly JudgedProposal[],
): Readonly<{ tree: RatchetTree; leaves: readonly LeafIndex[] }> {
  let tree = before;
  const leaves: LeafIndex[] = [];
  for (const { proposal, sender } of list) {
    // v516 has refused an Update that is no member's.
    if (proposal.type !== "update" || sender === null) continue;
    checkLeafAlone(suite, proposal.leafNode, "update", { groupId: context.groupId, leaf: sender });
    checkLeafSucceeds(before.leaf(sender)!, proposal.leafNode);
    tree = tree.update(sender, proposal.leafNode);
    leaves.push(sender);
  }
  return { tree, leaves };
}

function applyAdds(
  { suite }: PublicGroup,
  before: RatchetTree,
  adds: readonly { readonly keyPackage: KeyPackage }[],
): Readonly<{ tree: RatchetTree; added: readonly AddedMember[] }> {
  let tree = before;
  const added: AddedMember[] = [];
  for (const { keyPackage } of adds) {
    verifyKeyPackage(suite, keyPackage);
    const { tree: larger, leaf } = tree.add(keyPackage.leafNode);
    added.push({ leaf, node: keyPackage.leafNode, keyPackage });
    tree = larger;
  }
  return { tree, added };
}
