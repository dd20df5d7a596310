/** Messages of members in the present epoch: sealing one's own, opening those of others (RFC 9420 §6.3, §15). */

import { equal, type Rng } from "../bytes/bytes";
import { encode, encodeVarint } from "./codec";
import type { Commit } from "./commit";
import type { Credential } from "./credential";
import { InvalidError, UsageError } from "./errors";
import {
  type AuthenticatedContent,
  type Content,
  ContentType,
  type FramedContent,
  type PrivateMessage,
  WireFormat,
  writeAuthenticatedContent,
} from "./framing";
import { freshHpkeKeys } from "./freshKeys";
import { type Group, requireActive } from "./group";
import { signLeafNode } from "./leafNode";
import {
  openPrivateContent,
  openSenderData,
  protectPrivate,
  protectPublic,
  signFramedContent,
  type VerifiedContent,
  verifyFramedContent,
} from "./messageProtection";
import { decodeMlsMessage, encodeMlsMessage } from "./mlsMessage";
import type { Proposal } from "./proposal";
import { type RatchetKind, takeAt, takeNext } from "./secretTree";
import type { CipherSuite, KeyPair } from "./suite";
import type { LeafIndex } from "./treeMath";

export type { VerifiedContent };

export type Protected = Readonly<{
  group: Group;
  /** An MLSMessage. */
  message: Uint8Array;
  /** Wipe these once `group` is stored. */
  consumed: readonly Uint8Array[];
}>;

export type ApplicationInput = Readonly<{
  data: Uint8Array;
  authenticatedData: Uint8Array;
  /** Zero bytes follow until the plaintext of the PrivateMessage is a multiple of this many bytes. */
  paddedTo?: number;
  rng: Rng;
}>;

export type ProposalInput = Readonly<{
  proposal: Proposal;
  authenticatedData: Uint8Array;
  /** A PrivateMessage when it is not said. Rooms say nothing (E15). */
  wireFormat?: WireFormat;
  rng: Rng;
}>;

export type UpdateInput = Readonly<{
  newLeaf?: Readonly<{ signature: KeyPair; credential: Credential }>;
  authenticatedData: Uint8Array;
  wireFormat?: WireFormat;
  rng: Rng;
}>;

export type ProtectedProposal = Protected & Readonly<{ proposal: Proposal; ref: Uint8Array }>;

export type OpenedContent =
  | Readonly<{ kind: "application"; data: Uint8Array }>
  | Readonly<{ kind: "proposal"; proposal: Proposal; ref: Uint8Array }>
  | Readonly<{ kind: "commit"; commit: Commit }>;

export type Unprotected = Readonly<{
  /** With the ratchet advanced. */
  group: Group;
  /** The own leaf, when a copy of this state is in use elsewhere: one's own messages cannot be opened (E39). */
  sender: LeafIndex;
  authenticatedData: Uint8Array;
  /** Wipe these once `group` is stored. */
  consumed: readonly Uint8Array[];
  content: OpenedContent;
  authenticated: VerifiedContent;
}>;

/** Updates of one's own leaf that wait for a commit in one epoch. */
const MAX_PENDING_LEAVES = 16;
const PROPOSAL_REFERENCE_LABEL = "MLS 1.0 Proposal Reference";

/** @throws UsageError group_ended, padding, generations_exhausted */
export function protectApplication(group: Group, input: ApplicationInput): Protected {
  const { data, authenticatedData, paddedTo = 1, rng } = input;
  if (!Number.isInteger(paddedTo) || paddedTo < 1) {
    throw new UsageError("padding", `content cannot be padded to ${paddedTo} bytes`);
  }
  const signed = signMessage(group, { type: "application", data }, authenticatedData);
  const { signature } = signed.auth;
  const length = opaqueLength(data) + opaqueLength(signature);
  const padding = (paddedTo - (length % paddedTo)) % paddedTo;
  return sealMessage(group, signed, padding, rng);
}

/** @throws UsageError group_ended, generations_exhausted */
export function protectProposal(group: Group, input: ProposalInput): ProtectedProposal {
  const { proposal, authenticatedData, wireFormat, rng } = input;
  const signed = signMessage(group, { type: "proposal", proposal }, authenticatedData, wireFormat);
  return { ...sealMessage(group, signed, 0, rng), proposal, ref: proposalRef(group.suite, signed) };
}

/**
 * An Update of one's own leaf, for somebody else to commit. The state keeps its keys until the epoch ends.
 * @throws UsageError group_ended, too_many_updates
 */
export function proposeUpdate(group: Group, input: UpdateInput): ProtectedProposal {
  const { suite, ownLeaf, pendingLeaves } = group;
  if (pendingLeaves.length === MAX_PENDING_LEAVES) {
    throw new UsageError("too_many_updates", "too many Updates in one epoch");
  }
  const encryption = freshHpkeKeys(suite, input.rng);
  const { encryptionKey: _, signature: __, ...present } = group.tree.leaf(ownLeaf)!;
  const signaturePrivateKey = input.newLeaf?.signature.privateKey.slice() ?? group.signaturePrivateKey;
  const leafNode = signLeafNode(
    suite,
    {
      ...present,
      encryptionKey: encryption.publicKey,
      signatureKey: input.newLeaf?.signature.publicKey ?? present.signatureKey,
      credential: input.newLeaf?.credential ?? present.credential,
      source: { kind: "update" },
    },
    signaturePrivateKey,
    { groupId: group.context.groupId, leaf: ownLeaf },
  );
  const pending = {
    encryptionKey: encryption.publicKey,
    encryptionPrivateKey: encryption.privateKey,
    signaturePrivateKey,
  };
  return protectProposal(
    { ...group, pendingLeaves: [...pendingLeaves, pending] },
    { ...input, proposal: { type: "update", leafNode } },
  );
}

/**
 * An MLSMessage with a PrivateMessage of this group and epoch, its signature verified. `group` stays as it is.
 * @throws MlsError of the peer's fault, and no other
 */
export function unprotect(group: Group, message: Uint8Array): Unprotected {
  const decoded = decodeMlsMessage(message);
  if (decoded.type !== "private_message") {
    throw new InvalidError("v612_wire_format", `a ${decoded.type} where a PrivateMessage belongs`);
  }
  checkEpoch(group, decoded.message);
  return unprotectPrivate(group, decoded.message);
}

/** @throws InvalidError v601_group, v602_epoch, v613_group_ended */
export function checkEpoch(group: Group, { groupId, epoch }: Pick<FramedContent, "groupId" | "epoch">): void {
  if (!equal(groupId, group.context.groupId)) {
    throw new InvalidError("v601_group", "a message of another group");
  }
  if (epoch !== group.context.epoch) throw new InvalidError("v602_epoch", `a message of epoch ${epoch}`);
  if (group.reinit !== null) throw new InvalidError("v613_group_ended", "a message after a ReInit");
}

function unprotectPrivate(group: Group, message: PrivateMessage): Unprotected {
  const { suite, contextBytes } = group;
  const senderData = openSenderData(suite, message, group.secrets.senderData);
  // RFC 9420 §6.3.2: the leaf that is named must be there.
  const leaf = group.tree.leaf(senderData.leaf);
  if (leaf === null) throw new InvalidError("v603_sender", `a message of the blank leaf ${senderData.leaf}`);
  const kind = ratchetOf(message.contentType);
  const taken = takeAt(suite, group.secretTree, senderData.leaf, kind, senderData.generation);
  const opened = openPrivateContent(suite, message, senderData, taken.key);
  const authenticated = verifyFramedContent(suite, opened, leaf.signatureKey, contextBytes);
  return {
    group: { ...group, secretTree: taken.tree },
    sender: senderData.leaf,
    authenticatedData: message.authenticatedData,
    consumed: taken.consumed,
    content: openedContent(suite, authenticated),
    authenticated,
  };
}

export function openedContent(suite: CipherSuite, authenticated: VerifiedContent): OpenedContent {
  const { content } = authenticated.framed;
  switch (content.type) {
    case "application":
      return { kind: "application", data: content.data };
    case "proposal":
      return { kind: "proposal", proposal: content.proposal, ref: proposalRef(suite, authenticated) };
    case "commit":
      return { kind: "commit", commit: content.commit };
  }
}

/** RFC 9420 §5.2: the hash by which a commit refers to a proposal. */
function proposalRef(suite: CipherSuite, content: AuthenticatedContent): Uint8Array {
  return suite.refHash(
    PROPOSAL_REFERENCE_LABEL,
    encode((writer) => writeAuthenticatedContent(writer, content)),
  );
}

function ratchetOf(type: ContentType): RatchetKind {
  return type === ContentType.application ? "application" : "handshake";
}

/** Signed for its wire format, without a confirmation tag: that of a commit is not known yet. */
export function signMessage<C extends Content>(
  group: Group,
  content: C,
  authenticatedData: Uint8Array,
  wireFormat: WireFormat = WireFormat.privateMessage,
): AuthenticatedContent<C> {
  requireActive(group);
  const { suite, context, contextBytes, ownLeaf, signaturePrivateKey } = group;
  const framed: FramedContent<C> = {
    groupId: context.groupId,
    epoch: context.epoch,
    sender: { type: "member", leaf: ownLeaf },
    authenticatedData,
    content,
  };
  const signature = signFramedContent(suite, wireFormat, framed, signaturePrivateKey, contextBytes);
  return { wireFormat, framed, auth: { signature, confirmationTag: null } };
}

/** In the wire format that was signed: a PrivateMessage takes the next key of one's own ratchet. */
export function sealMessage(
  group: Group,
  signed: AuthenticatedContent,
  padding: number,
  rng: Rng,
): Protected {
  const { suite, ownLeaf, secrets } = group;
  if (signed.wireFormat === WireFormat.publicMessage) {
    const message = protectPublic(suite, signed, secrets.membership, group.contextBytes);
    return { group, message: encodeMlsMessage({ type: "public_message", message }), consumed: [] };
  }
  const kind = signed.framed.content.type === "application" ? "application" : "handshake";
  const { tree, key, consumed } = takeNext(suite, group.secretTree, ownLeaf, kind);
  const message = protectPrivate(suite, signed, key, secrets.senderData, padding, rng);
  return {
    group: { ...group, secretTree: tree },
    message: encodeMlsMessage({ type: "private_message", message }),
    consumed,
  };
}

function opaqueLength(value: Uint8Array): number {
  return encodeVarint(value.length).length + value.length;
}
