/** One's own commit, whole before anything of it is sent (RFC 9420 §12.4.1, E21). */

import { type Rng, wipe } from "../bytes/bytes";
import { sealMessage, signMessage } from "./application";
import { type AppliedProposals, applyProposals } from "./applyProposals";
import type { ProposalOrRef } from "./commit";
import { type DerivedEpoch, deriveEpoch, withOwnResumption } from "./completeCommit";
import type { Credential } from "./credential";
import type { WireFormat } from "./framing";
import { drawGrease } from "./grease";
import { enterEpoch, type Group, requireActive } from "./group";
import { encodeGroupContext } from "./groupContext";
import { signGroupInfo } from "./groupInfo";
import {
  type CommitContent,
  type Judged,
  type JudgedProposal,
  type NextEpoch,
  type ProposalReference,
  planEpoch,
  summarise,
} from "./judgeCommit";
import { draw } from "./kem";
import { encodeKeyPackage, keyPackageRef } from "./keyPackage";
import { welcomeSecret } from "./keySchedule";
import { type VerifiedContent, verifyFramedContent } from "./messageProtection";
import { encodeMlsMessage } from "./mlsMessage";
import type { Proposal } from "./proposal";
import { findPsks, type PskLookup, pskSecret } from "./psk";
import type { KeyPair } from "./suite";
import { ratchetTreeExtension } from "./treeCodec";
import { type CreatedPath, createUpdatePath, type LeafContent, pathSecretFor } from "./treeKem";
import { sealWelcome } from "./welcome";

export type CommitInput = Readonly<{
  /** By value, in this order. */
  proposals: readonly Proposal[];
  /** By reference, before those by value. */
  references?: readonly ProposalReference[];
  authenticatedData: Uint8Array;
  newLeaf?: Readonly<{ signature: KeyPair; credential: Credential }>;
  psks?: PskLookup;
  /** A PrivateMessage when it is not said. Rooms say nothing (E15). */
  wireFormat?: WireFormat;
  rng: Rng;
}>;

export type Staged = Readonly<{
  /** An MLSMessage with the commit. */
  message: Uint8Array;
  /** One MLSMessage with a Welcome for all who were added, tree inside; null when nobody was. */
  welcome: Uint8Array | null;
  judged: Judged;
  /** The state when the commit is accepted. */
  next: Group;
  /** The state until then, and when it loses: its handshake key is used. */
  current: Group;
  /** Held by neither: wipe these once both are stored. */
  consumed: readonly Uint8Array[];
}>;

/**
 * Always with a path. What every member will check is checked here first, by the same code.
 * @throws InvalidError with the code of the rule that the proposals break, psk_missing
 * @throws UsageError group_ended, generations_exhausted
 */
export function stageCommit(group: Group, input: CommitInput): Staged {
  requireActive(group);
  const { suite } = group;
  const applied = applyProposals(group, group.ownLeaf, listOf(group, input));
  const leaf = leafContent(group, input.newLeaf);
  const created = createPath(group, applied, leaf, input.rng);
  const commit = { proposals: proposalsOf(input), path: created.path };
  const content = { type: "commit" as const, commit };
  const signed = signMessage(group, content, input.authenticatedData, input.wireFormat);
  const { wireFormat, framed, auth } = signed;
  const nextEpoch = planEpoch(
    group,
    applied,
    { wireFormat, framed, signature: auth.signature },
    created.path,
  );

  const psk = pskSecret(
    suite,
    findPsks(applied.psks, withOwnResumption(group, input.psks ?? (() => undefined))),
  );
  const derived = deriveEpoch(group, nextEpoch, created.commitSecret, psk);
  const { confirmationTag } = derived;
  const authenticated: VerifiedContent<CommitContent> = verifyFramedContent(
    suite,
    { ...signed, auth: { ...auth, confirmationTag } },
    group.tree.leaf(group.ownLeaf)!.signatureKey,
    group.contextBytes,
  );
  const sealed = sealMessage(group, authenticated, 0, input.rng);
  const welcome = makeWelcome(group, applied, created, nextEpoch, derived, psk, leaf, input.rng);
  const next = enterEpoch({
    suite,
    context: nextEpoch.contextAfter,
    contextBytes: nextEpoch.contextAfterBytes,
    tree: nextEpoch.treeAfter,
    confirmationTag,
    reinit: nextEpoch.reinit,
    ownLeaf: group.ownLeaf,
    signaturePrivateKey: leaf.signature.privateKey,
    privateTree: created.privateTree,
    epochSecrets: derived.secrets,
  });
  wipe(psk, derived.joiner, created.commitSecret, ...created.pathSecrets.values());
  return {
    message: sealed.message,
    welcome,
    judged: summarise(group, applied, authenticated, nextEpoch),
    next,
    current: sealed.group,
    consumed: sealed.consumed,
  };
}

function listOf({ ownLeaf }: Group, { proposals, references = [] }: CommitInput): JudgedProposal[] {
  return [
    ...references.map(({ proposal, sender }) => ({ proposal, sender, byReference: true })),
    ...proposals.map((proposal) => ({ proposal, sender: ownLeaf, byReference: false })),
  ];
}

function proposalsOf({ proposals, references = [] }: CommitInput): ProposalOrRef[] {
  return [
    ...references.map(({ ref }): ProposalOrRef => ({ kind: "reference", reference: ref })),
    ...proposals.map((proposal): ProposalOrRef => ({ kind: "proposal", proposal })),
  ];
}

/** What the own leaf says from now on. The key is a copy, so that wiping a state leaves the caller's alone. */
function leafContent(group: Group, newLeaf: CommitInput["newLeaf"]): LeafContent {
  const present = group.tree.leaf(group.ownLeaf)!;
  const { capabilities, extensions } = present;
  if (newLeaf === undefined) {
    const signature = { privateKey: group.signaturePrivateKey, publicKey: present.signatureKey };
    return { signature, credential: present.credential, capabilities, extensions };
  }
  const { signature, credential } = newLeaf;
  const copy = { privateKey: signature.privateKey.slice(), publicKey: signature.publicKey };
  return { signature: copy, credential, capabilities, extensions };
}

function createPath(group: Group, applied: AppliedProposals, content: LeafContent, rng: Rng): CreatedPath {
  const { context } = group;
  return createUpdatePath(
    group.suite,
    {
      tree: applied.tree,
      ownLeaf: group.ownLeaf,
      groupId: context.groupId,
      content,
      added: applied.added.map(({ leaf }) => leaf),
      groupContext: (treeHash) =>
        encodeGroupContext({
          ...context,
          epoch: context.epoch + 1n,
          treeHash,
          extensions: applied.extensions,
        }),
    },
    rng,
  );
}

function makeWelcome(
  { suite, ownLeaf }: Group,
  { added, psks }: AppliedProposals,
  { pathSecrets }: CreatedPath,
  { contextAfter, treeAfter }: NextEpoch,
  { joiner, confirmationTag }: DerivedEpoch,
  psk: Uint8Array,
  { signature }: LeafContent,
  rng: Rng,
): Uint8Array | null {
  if (added.length === 0) return null;
  const groupInfo = signGroupInfo(
    suite,
    {
      context: contextAfter,
      // RFC 9420 §13.5: with an extension that means nothing.
      extensions: [ratchetTreeExtension(treeAfter), { type: drawGrease(rng), data: draw(rng, 4) }],
      confirmationTag,
      signer: ownLeaf,
    },
    signature.privateKey,
  );
  const secret = welcomeSecret(suite, joiner, psk);
  const newMembers = added.map(({ leaf, keyPackage }) => ({
    keyPackageRef: keyPackageRef(suite, encodeKeyPackage(keyPackage)),
    initKey: keyPackage.initKey,
    pathSecret: pathSecretFor(pathSecrets, ownLeaf, leaf),
  }));
  const welcome = sealWelcome(
    suite,
    groupInfo,
    { joinerSecret: joiner, welcomeSecret: secret, psks },
    newMembers,
    rng,
  );
  wipe(secret);
  return encodeMlsMessage({ type: "welcome", welcome });
}
