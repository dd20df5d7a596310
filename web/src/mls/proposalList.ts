/**
 * Which lists of proposals a commit may hold (RFC 9420 §12.2): what can be said without applying them.
 *
 *   v501  a reference names a proposal of this epoch       v511  a ReInit stands alone
 *   v502  no Update of the committer's own leaf            v512  a ReInit does not lower the version
 *   v503  no Remove of the committer                       v513  ExternalInit is for external commits
 *   v504  one Update or Remove for a leaf                  v514  every proposal is of a type that we know
 *   v505  no client is added twice                         v515  who is removed or updated is there
 *   v506  no client is added that is there and stays       v516  an Update comes from a member, by reference
 *   v507  a PSK is named once                              v517  an external commit has one ExternalInit,
 *   v508  reinit and branch PSKs begin a group alone             at most one Remove, and else PSKs alone
 *   v509  a PSK's nonce has KDF.Nh bytes                   v518  an external commit refers to nothing
 *   v510  the GroupContext's extensions are set once       v519  what requires a path has one
 */

import { toHex } from "../bytes/bytes";
import type { Commit } from "./commit";
import { InvalidError } from "./errors";
import type { GroupContext } from "./groupContext";
import { type Add, type Proposal, requiresPath } from "./proposal";
import { encodePreSharedKeyId, type PreSharedKeyId } from "./pskId";
import type { CipherSuite } from "./suite";
import type { LeafIndex } from "./treeMath";

/** A proposal that was received in this epoch, by its reference. The sender is null for one from outside the group. */
export type ProposalReference = Readonly<{ proposal: Proposal; ref: Uint8Array; sender: LeafIndex | null }>;

export type JudgedProposal = Readonly<{
  proposal: Proposal;
  sender: LeafIndex | null;
  byReference: boolean;
}>;

/** What the rules of the list ask about the group before the commit. */
export type GroupBefore = Readonly<{
  suite: CipherSuite;
  context: GroupContext;
  hasMember: (leaf: LeafIndex) => boolean;
  /** The leaf that signs with the key, or undefined. */
  findBySignatureKey: (signatureKey: Uint8Array) => LeafIndex | undefined;
}>;

/**
 * The commit's proposals in their order, each with its sender.
 * @param committer null for an external commit
 * @throws InvalidError v501, v518
 */
export function resolveProposals(
  commit: Commit,
  committer: LeafIndex | null,
  references: readonly ProposalReference[],
): readonly JudgedProposal[] {
  const known = new Map(references.map((reference) => [toHex(reference.ref), reference]));
  return commit.proposals.map((one) => {
    if (one.kind === "proposal") return { proposal: one.proposal, sender: committer, byReference: false };
    // RFC 9420 §12.4.3.2: who is outside cannot judge what was proposed inside.
    if (committer === null) {
      throw new InvalidError("v518_external_reference", "an external commit refers to a proposal");
    }
    const found = known.get(toHex(one.reference));
    if (found === undefined) {
      throw new InvalidError("v501_unknown_reference", "a commit refers to a proposal that is not known");
    }
    return { proposal: found.proposal, sender: found.sender, byReference: true };
  });
}

/** @throws InvalidError v502 to v519 */
export function checkProposalList(
  before: GroupBefore,
  committer: LeafIndex | null,
  list: readonly JudgedProposal[],
): void {
  for (const one of list) checkOne(before, committer, one);
  checkLeavesOnce(list);
  checkAdds(before, list);
  checkPsks(list);
  if (count(list, "group_context_extensions") > 1) {
    throw new InvalidError("v510_extensions_twice", "a commit sets the GroupContext's extensions twice");
  }
  if (count(list, "reinit") > 0 && list.length > 1) {
    throw new InvalidError("v511_reinit_not_alone", "a ReInit comes with other proposals");
  }
  if (committer === null) checkExternalCommit(list);
}

/** RFC 9420 §12.4. @throws InvalidError v519 */
export function checkPathPresence(list: readonly JudgedProposal[], hasPath: boolean): void {
  const required = list.length === 0 || list.some(({ proposal }) => requiresPath(proposal));
  if (required && !hasPath)
    throw new InvalidError("v519_path_missing", "a commit lacks the path it requires");
}

function count(list: readonly JudgedProposal[], type: Proposal["type"]): number {
  return list.filter(({ proposal }) => proposal.type === type).length;
}

function checkOne(before: GroupBefore, committer: LeafIndex | null, one: JudgedProposal): void {
  const { proposal, sender, byReference } = one;
  switch (proposal.type) {
    case "update":
      if (sender !== null && sender === committer) {
        throw new InvalidError("v502_own_update", "a committer updates its own leaf by a proposal");
      }
      if (sender === null || !byReference) {
        throw new InvalidError("v516_update_sender", "an Update that is no member's");
      }
      requireMember(before, sender);
      break;
    case "remove":
      if (proposal.removed === committer) {
        throw new InvalidError("v503_own_remove", "a committer removes itself");
      }
      requireMember(before, proposal.removed);
      break;
    case "psk":
      checkPsk(before, proposal.psk);
      break;
    case "reinit":
      if (proposal.version < before.context.version) {
        throw new InvalidError("v512_reinit_version", "a ReInit lowers the protocol's version");
      }
      break;
    case "external_init":
      if (committer !== null) {
        throw new InvalidError("v513_external_init", "an ExternalInit in a member's commit");
      }
      break;
    case "unknown":
      // RFC 9420 §12.2: a type must be supported by all who process the commit, and this member does not.
      throw new InvalidError("v514_unknown_proposal", `a proposal of the unknown type ${proposal.id}`);
    case "add":
    case "group_context_extensions":
      break;
  }
}

function requireMember(before: GroupBefore, leaf: LeafIndex): void {
  if (!before.hasMember(leaf)) throw new InvalidError("v515_no_member", `there is no member at leaf ${leaf}`);
}

function checkPsk({ suite, context }: GroupBefore, id: PreSharedKeyId): void {
  // RFC 9420 §11.2, §11.3: such a PSK goes into the first commit of a new group, where the founder is alone.
  if (id.kind === "resumption" && id.usage !== "application" && context.epoch !== 0n) {
    throw new InvalidError("v508_psk_usage", `a PSK for ${id.usage} in a group that has begun`);
  }
  if (id.nonce.length !== suite.nh) {
    throw new InvalidError("v509_psk_nonce", "a PSK's nonce is not as long as a hash");
  }
}

function checkLeavesOnce(list: readonly JudgedProposal[]): void {
  const touched = new Set<LeafIndex | null>();
  for (const { proposal, sender } of list) {
    if (proposal.type !== "update" && proposal.type !== "remove") continue;
    const leaf = proposal.type === "remove" ? proposal.removed : sender;
    if (touched.has(leaf)) throw new InvalidError("v504_leaf_twice", `leaf ${leaf} is changed twice`);
    touched.add(leaf);
  }
}

function checkAdds(before: GroupBefore, list: readonly JudgedProposal[]): void {
  const removed = new Set(
    list.map(({ proposal }) => (proposal.type === "remove" ? proposal.removed : undefined)),
  );
  const added = new Set<string>();
  for (const { proposal } of list) {
    if (proposal.type !== "add") continue;
    for (const key of keysOf(proposal)) {
      if (added.has(key)) throw new InvalidError("v505_added_twice", "a client is added twice");
      added.add(key);
    }
    const present = before.findBySignatureKey(proposal.keyPackage.leafNode.signatureKey);
    if (present !== undefined && !removed.has(present)) {
      throw new InvalidError("v506_add_member", `the client that is added is at leaf ${present} already`);
    }
  }
}

/** By any of these two Adds are of one client, or of one KeyPackage. */
function keysOf({ keyPackage: { leafNode, initKey } }: Add): readonly string[] {
  return [`s${toHex(leafNode.signatureKey)}`, `i${toHex(initKey)}`];
}

function checkPsks(list: readonly JudgedProposal[]): void {
  const ids = list.flatMap(({ proposal }) => (proposal.type === "psk" ? [proposal.psk] : []));
  if (new Set(ids.map((id) => toHex(encodePreSharedKeyId(id)))).size !== ids.length) {
    throw new InvalidError("v507_psk_twice", "a commit names a PSK twice");
  }
  // RFC 9420 §12.4.3.1: of those that begin a group there is only one.
  if (ids.filter((id) => id.kind === "resumption" && id.usage !== "application").length > 1) {
    throw new InvalidError("v508_psk_usage", "two PSKs that begin a group");
  }
}

function checkExternalCommit(list: readonly JudgedProposal[]): void {
  const others = list.length - count(list, "psk") - count(list, "external_init") - count(list, "remove");
  if (count(list, "external_init") !== 1 || count(list, "remove") > 1 || others > 0) {
    throw new InvalidError("v517_external_list", "an external commit's proposals are not those it may have");
  }
}
