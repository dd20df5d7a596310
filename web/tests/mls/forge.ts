/** A member who breaks the rules: what its keys can make, without the checks that keep honest members from it. */

import { EMPTY, utf8 } from "../../src/bytes/bytes";
import { encode } from "../../src/mls/codec";
import type { Commit, ProposalOrRef } from "../../src/mls/commit";
import {
  type AuthenticatedContent,
  type Content,
  contentTypeOf,
  type FramedContent,
  type Sender,
  WireFormat,
  writeAuthData,
  writeContent,
} from "../../src/mls/framing";
import { protectPublic, senderDataKey, signFramedContent } from "../../src/mls/messageProtection";
import { encodeMlsMessage } from "../../src/mls/mlsMessage";
import type { Proposal } from "../../src/mls/proposal";
import { takeNext } from "../../src/mls/secretTree";
import { stageCommit } from "../../src/mls/stageCommit";
import type { LeafIndex } from "../../src/mls/treeMath";
import type { UpdatePath } from "../../src/mls/updatePath";
import type { Client } from "./simulation";

export type Forgery = {
  readonly groupId?: Uint8Array;
  readonly epoch?: bigint;
  readonly sender?: Sender;
  /** Who signs it; the forger when it is not said. Null: nobody. */
  readonly signedBy?: Uint8Array | null;
  readonly context?: Uint8Array;
  readonly confirmationTag?: Uint8Array;
  readonly authenticatedData?: Uint8Array;
  /** Of the sender data. */
  readonly claims?: { readonly leaf?: LeafIndex; readonly generation?: number };
  readonly padding?: Uint8Array;
};

function sign(
  { group }: Client,
  content: Content,
  forgery: Forgery,
  wireFormat: AuthenticatedContent["wireFormat"],
): AuthenticatedContent {
  const framed: FramedContent = {
    groupId: forgery.groupId ?? group.context.groupId,
    epoch: forgery.epoch ?? group.context.epoch,
    sender: forgery.sender ?? { type: "member", leaf: group.ownLeaf },
    authenticatedData: forgery.authenticatedData ?? utf8("id"),
    content,
  };
  const key = forgery.signedBy === undefined ? group.signaturePrivateKey : forgery.signedBy;
  const signature =
    key === null
      ? EMPTY
      : signFramedContent(group.suite, wireFormat, framed, key, forgery.context ?? group.contextBytes);
  const confirmationTag =
    content.type === "commit" ? (forgery.confirmationTag ?? new Uint8Array(group.suite.nh)) : null;
  return { wireFormat, framed, auth: { signature, confirmationTag } };
}

/** A PrivateMessage. The forger's own state does not move. */
export function forgePrivate(client: Client, content: Content, forgery: Forgery = {}): Uint8Array {
  const { suite, secretTree, ownLeaf, secrets } = client.group;
  const signed = sign(client, content, forgery, WireFormat.privateMessage);
  const { key } = takeNext(
    suite,
    secretTree,
    ownLeaf,
    content.type === "application" ? "application" : "handshake",
  );
  const { groupId, epoch, authenticatedData } = signed.framed;
  const contentType = contentTypeOf(content);
  const head = encode((writer) => writer.opaque(groupId).uint64(epoch).uint8(contentType));
  const plaintext = encode((writer) => {
    writeContent(writer, content);
    writeAuthData(writer, signed.auth);
    writer.bytes(forgery.padding ?? EMPTY);
  });
  const aad = encode((writer) => writer.bytes(head).opaque(authenticatedData));
  // A reuse guard of zeros leaves the nonce as it is.
  const ciphertext = suite.seal(key.key, key.nonce, aad, plaintext);
  const sealing = senderDataKey(suite, secrets.senderData, ciphertext);
  const senderData = encode((writer) =>
    writer
      .uint32(forgery.claims?.leaf ?? ownLeaf)
      .uint32(forgery.claims?.generation ?? key.generation)
      .uint32(0),
  );
  const encryptedSenderData = suite.seal(sealing.key, sealing.nonce, head, senderData);
  return encodeMlsMessage({
    type: "private_message",
    message: { groupId, epoch, contentType, authenticatedData, encryptedSenderData, ciphertext },
  });
}

export function forgePublic(client: Client, content: Content, forgery: Forgery = {}): Uint8Array {
  const { suite, secrets, contextBytes } = client.group;
  const signed = sign(client, content, forgery, WireFormat.publicMessage);
  const message = protectPublic(suite, signed, secrets.membership, contextBytes);
  return encodeMlsMessage({ type: "public_message", message });
}

export function byValue(...proposals: readonly Proposal[]): ProposalOrRef[] {
  return proposals.map((proposal) => ({ kind: "proposal", proposal }));
}

/** A path that an empty commit of this member may have. */
export function somePath(client: Client): UpdatePath {
  const staged = stageCommit(client.group, { proposals: [], authenticatedData: EMPTY, rng: client.rng });
  return staged.judged.authenticated.framed.content.commit.path!;
}

export function forgeCommit(client: Client, commit: Partial<Commit>, forgery: Forgery = {}): Uint8Array {
  const whole = { proposals: [], path: somePath(client), ...commit };
  return forgePrivate(client, { type: "commit", commit: whole }, forgery);
}
