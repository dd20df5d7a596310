/** From a judged commit to the next epoch: what takes private keys (RFC 9420 §12.4.2, E18). */

import { equal, wipe } from "../bytes/bytes";
import { InvalidError, UsageError } from "./errors";
import { enterEpoch, type Group, supersededSecrets } from "./group";
import { type Judged, type NextEpoch, requireSameEpoch } from "./judgeCommit";
import {
  type EpochSecrets,
  epochSecret,
  epochSecrets,
  joinerSecret,
  receiveExternalInit,
  zeroSecret,
} from "./keySchedule";
import { type PrivateTree, retained } from "./privateTree";
import { findPsks, type PskLookup, pskSecret } from "./psk";
import type { CipherSuite } from "./suite";
import { computeConfirmationTag } from "./transcript";
import { decryptPath } from "./treeKem";
import { nodeOfLeaf } from "./treeMath";

export type Completed = Readonly<{
  next: Group;
  /** Wipe these once `next` is stored. */
  consumed: readonly Uint8Array[];
}>;

/**
 * Valid for all, and yet this member may not be able to follow: then it throws, and `group` is what it was.
 * @throws InvalidError v311_path_secret, v312_path_keys, confirmation_tag, psk_missing, own_commit, own_update
 * @throws KeyError for an external commit's KEM output that is none
 * @throws UsageError removed, when the commit removes this member
 */
export function completeCommit(group: Group, judged: Judged, psks: PskLookup = () => undefined): Completed {
  requireSameEpoch(group, judged);
  if (judged.removesMe) throw new UsageError("removed", "a commit removes this member");
  // One's own is merged from where it was staged. Another in one's name is a copy's of this state, or a thief's.
  if (judged.committer === group.ownLeaf) {
    throw new InvalidError("own_commit", "a commit of this member that this state did not make");
  }
  const { suite } = group;
  const { nextEpoch, authenticated } = judged;
  const psk = pskSecret(suite, findPsks(nextEpoch.psks, withOwnResumption(group, psks)));
  const own = ownLeafAfter(group, judged);
  const { privateTree, commitSecret } = followPath(group, own.privateTree, nextEpoch);
  const { joiner, secrets, confirmationTag } = deriveEpoch(group, nextEpoch, commitSecret, psk);
  wipe(joiner, commitSecret, psk);
  // RFC 9420 §12.4.2: whoever computes another tag is in another group than its sender.
  if (!equal(confirmationTag, authenticated.auth.confirmationTag!)) {
    wipe(...Object.values(secrets));
    throw new InvalidError("confirmation_tag", "a commit's confirmation tag is wrong");
  }
  const next = enterEpoch({
    suite,
    context: nextEpoch.contextAfter,
    contextBytes: nextEpoch.contextAfterBytes,
    tree: nextEpoch.treeAfter,
    confirmationTag,
    reinit: nextEpoch.reinit,
    ownLeaf: group.ownLeaf,
    signaturePrivateKey: own.signaturePrivateKey,
    privateTree,
    epochSecrets: secrets,
  });
  return { next, consumed: supersededSecrets(group, next) };
}

/** A group's own resumption PSK of its present epoch needs no other memory. */
export function withOwnResumption(group: Group, psks: PskLookup): PskLookup {
  const { groupId, epoch } = group.context;
  return (id) =>
    id.kind === "resumption" && id.epoch === epoch && equal(id.groupId, groupId)
      ? group.secrets.resumption
      : psks(id);
}

/** The own leaf's keys after the proposals: those of a proposed Update, when the commit has taken it up. */
function ownLeafAfter(
  { ownLeaf, tree, privateTree, signaturePrivateKey, pendingLeaves }: Group,
  { updated, nextEpoch: { treeWithProposals } }: Judged,
): Pick<Group, "privateTree" | "signaturePrivateKey"> {
  const known = retained(privateTree, tree, treeWithProposals);
  if (!updated.includes(ownLeaf)) return { privateTree: known, signaturePrivateKey };
  const { encryptionKey } = treeWithProposals.leaf(ownLeaf)!;
  const pending = pendingLeaves.find((leaf) => equal(leaf.encryptionKey, encryptionKey));
  if (pending === undefined)
    throw new InvalidError("own_update", "an Update that this state did not propose");
  return {
    privateTree: new Map(known).set(nodeOfLeaf(ownLeaf), pending.encryptionPrivateKey),
    signaturePrivateKey: pending.signaturePrivateKey,
  };
}

function followPath(
  { suite, ownLeaf }: Group,
  known: PrivateTree,
  { appliedPath, provisionalContext }: NextEpoch,
): Readonly<{ privateTree: PrivateTree; commitSecret: Uint8Array }> {
  return appliedPath === null
    ? { privateTree: known, commitSecret: zeroSecret(suite) }
    : decryptPath(suite, appliedPath, ownLeaf, known, provisionalContext);
}

export type DerivedEpoch = Readonly<{
  /** For a Welcome; wipe it then. */
  joiner: Uint8Array;
  secrets: EpochSecrets;
  confirmationTag: Uint8Array;
}>;

/** RFC 9420 §8: the key schedule's step into the next epoch. */
export function deriveEpoch(
  { suite, secrets: before }: Group,
  { contextAfter, contextAfterBytes, externalInit }: NextEpoch,
  commitSecret: Uint8Array,
  psk: Uint8Array,
): DerivedEpoch {
  const init =
    externalInit === null ? before.init : receiveExternalInit(suite, before.external, externalInit);
  const joiner = joinerSecret(suite, init, commitSecret, contextAfterBytes);
  if (init !== before.init) wipe(init);
  return {
    joiner,
    ...confirmEpoch(suite, joiner, psk, contextAfterBytes, contextAfter.confirmedTranscriptHash),
  };
}

/** The secrets of an epoch from its joiner secret, and the tag that its commit must carry. */
export function confirmEpoch(
  suite: CipherSuite,
  joiner: Uint8Array,
  psk: Uint8Array,
  contextBytes: Uint8Array,
  confirmed: Uint8Array,
): Omit<DerivedEpoch, "joiner"> {
  const epoch = epochSecret(suite, joiner, psk, contextBytes);
  const secrets = epochSecrets(suite, epoch);
  wipe(epoch);
  return { secrets, confirmationTag: computeConfirmationTag(suite, secrets.confirmation, confirmed) };
}
