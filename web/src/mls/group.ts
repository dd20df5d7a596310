/** A member's whole view of a group in one epoch (RFC 9420 §8, §11). Immutable: every change is a new value. */

import { EMPTY, type Rng, wipe } from "../bytes/bytes";
import { greased, MLS_10, ownCapabilities } from "./capabilities";
import type { Credential } from "./credential";
import { UsageError } from "./errors";
import type { Extension } from "./extension";
import { freshHpkeKeys } from "./freshKeys";
import { encodeGroupContext, type GroupContext } from "./groupContext";
import { draw } from "./kem";
import { type EpochSecrets, epochSecrets, exporter } from "./keySchedule";
import { signLeafNode } from "./leafNode";
import { type PrivateTree, privateTreeOf } from "./privateTree";
import type { ReInit } from "./proposal";
import { type Member, RatchetTree } from "./ratchetTree";
import { createSecretTree, type SecretTree, secretTreeSecrets } from "./secretTree";
import type { CipherSuite, KeyPair } from "./suite";
import { computeConfirmationTag, interimTranscriptHash } from "./transcript";
import { treeHash as hashOfTree } from "./treeHash";
import { type LeafIndex, leafIndex } from "./treeMath";
import { checkMembers } from "./treeValidation";

export type { Member };

/** What all members of an epoch see alike. */
export type PublicGroup = Readonly<{
  suite: CipherSuite;
  context: GroupContext;
  /** `context` encoded, once for the epoch: every signature covers it. */
  contextBytes: Uint8Array;
  tree: RatchetTree;
  confirmationTag: Uint8Array;
  interimTranscriptHash: Uint8Array;
  /** Set by a committed ReInit: this group sends and takes nothing more (RFC 9420 §12.4.2). */
  reinit: ReInit | null;
}>;

export type Group = PublicGroup &
  Readonly<{
    ownLeaf: LeafIndex;
    signaturePrivateKey: Uint8Array;
    privateTree: PrivateTree;
    /** The same object for as long as the epoch lasts: only what follows changes between two commits. */
    secrets: Omit<EpochSecrets, "encryption">;
    secretTree: SecretTree;
    /** For the Updates that this member has proposed in this epoch: one of them may be committed. */
    pendingLeaves: readonly PendingLeaf[];
  }>;

/** The keys of a leaf that this member has proposed for itself. */
export type PendingLeaf = Readonly<{
  encryptionKey: Uint8Array;
  encryptionPrivateKey: Uint8Array;
  signaturePrivateKey: Uint8Array;
}>;

export type GroupFounding = Readonly<{
  suite: CipherSuite;
  groupId: Uint8Array;
  signature: KeyPair;
  credential: Credential;
  /** The lifetime of the founder's leaf, in seconds since 1970. */
  notBefore: bigint;
  notAfter: bigint;
  extensions: readonly Extension[];
  rng: Rng;
}>;

/** RFC 9420 §11: a group of one. @throws InvalidError when the founder's leaf does not fit the extensions */
export function createGroup(founding: GroupFounding): Group {
  const { suite, signature, rng, extensions } = founding;
  const encryption = freshHpkeKeys(suite, rng);
  const leaf = signLeafNode(
    suite,
    {
      encryptionKey: encryption.publicKey,
      signatureKey: signature.publicKey,
      credential: founding.credential,
      capabilities: greased(ownCapabilities(suite), rng),
      source: { kind: "key_package", notBefore: founding.notBefore, notAfter: founding.notAfter },
      extensions: [],
    },
    signature.privateKey,
    null,
  );
  const tree = RatchetTree.ofOne(leaf);
  checkMembers(tree, extensions);
  const context: GroupContext = {
    version: MLS_10,
    suite: suite.id,
    groupId: founding.groupId,
    epoch: 0n,
    treeHash: hashOfTree(suite, tree),
    confirmedTranscriptHash: EMPTY,
    extensions,
  };
  const epochSecret = draw(rng, suite.nh);
  const secrets = epochSecrets(suite, epochSecret);
  wipe(epochSecret);
  const ownLeaf = leafIndex(0);
  return enterEpoch({
    suite,
    context,
    contextBytes: encodeGroupContext(context),
    tree,
    confirmationTag: computeConfirmationTag(suite, secrets.confirmation, EMPTY),
    reinit: null,
    ownLeaf,
    signaturePrivateKey: signature.privateKey.slice(),
    privateTree: privateTreeOf(ownLeaf, encryption.privateKey),
    epochSecrets: secrets,
  });
}

export type EpochParts = Omit<Group, "secrets" | "secretTree" | "pendingLeaves" | "interimTranscriptHash"> & {
  readonly epochSecrets: EpochSecrets;
};

/** The state at the beginning of an epoch whose confirmation tag is known to be right. */
export function enterEpoch({ epochSecrets, ...parts }: EpochParts): Group {
  const { suite, context, tree, confirmationTag } = parts;
  const { encryption, ...secrets } = epochSecrets;
  return {
    ...parts,
    interimTranscriptHash: interimTranscriptHash(suite, context.confirmedTranscriptHash, confirmationTag),
    secrets,
    secretTree: createSecretTree(encryption, tree.leafCount),
    pendingLeaves: [],
  };
}

/** From the left. */
export function members(group: PublicGroup): readonly Member[] {
  return group.tree.members();
}

export function groupId(group: PublicGroup): Uint8Array {
  return group.context.groupId;
}

export function epoch(group: PublicGroup): bigint {
  return group.context.epoch;
}

export function extensions(group: PublicGroup): readonly Extension[] {
  return group.context.extensions;
}

export function treeHash(group: PublicGroup): Uint8Array {
  return group.context.treeHash;
}

export function groupContextBytes(group: PublicGroup): Uint8Array {
  return group.contextBytes;
}

export function confirmationTag(group: PublicGroup): Uint8Array {
  return group.confirmationTag;
}

/** RFC 9420 §8.7: equal for two members exactly when they see the same epoch. */
export function epochAuthenticator(group: Group): Uint8Array {
  return group.secrets.authenticator.slice();
}

/** RFC 9420 §8.6: a copy, for the caller to keep as long as its policy says (E31). */
export function resumptionPsk(group: Group): Uint8Array {
  return group.secrets.resumption.slice();
}

/** MLS-Exporter (RFC 9420 §8.5). */
export function exportSecret(group: Group, label: string, context: Uint8Array, length: number): Uint8Array {
  return exporter(group.suite, group.secrets.exporter, label, context, length);
}

/** Every secret that the state holds. */
export function groupSecrets(group: Group): Uint8Array[] {
  return [
    group.signaturePrivateKey,
    ...group.privateTree.values(),
    ...Object.values(group.secrets),
    ...secretTreeSecrets(group.secretTree),
    ...group.pendingLeaves.flatMap((leaf) => [leaf.encryptionPrivateKey, leaf.signaturePrivateKey]),
  ];
}

/** Every secret of `before` that `after` does not hold: what to wipe once `after` is stored. Null: all of them. */
export function supersededSecrets(before: Group, after: Group | null): Uint8Array[] {
  const kept = new Set(after === null ? [] : groupSecrets(after));
  return groupSecrets(before).filter((secret) => !kept.has(secret));
}

/** RFC 9420 §12.4.2: after a ReInit the group is used no more. @throws UsageError group_ended */
export function requireActive(group: PublicGroup): void {
  if (group.reinit !== null) throw new UsageError("group_ended", "a ReInit has ended this group");
}
