import { expect } from "vitest";
import { fromHex, systemRng, toHex } from "../../src/bytes/bytes";
import { decode, encode } from "../../src/mls/codec";
import {
  type AuthenticatedContent,
  type Content,
  ContentType,
  type FramedContent,
  type PrivateMessage,
  type PublicMessage,
  readAuthenticatedContent,
  readContent,
  readPrivateMessage,
  readPublicMessage,
  WireFormat,
  writeContent,
  writePrivateMessage,
  writePublicMessage,
} from "../../src/mls/framing";
import { encodeGroupContext } from "../../src/mls/groupContext";
import {
  openPrivateContent,
  openSenderData,
  protectPrivate,
  protectPublic,
  signFramedContent,
  unprotectPublic,
  verifyFramedContent,
} from "../../src/mls/messageProtection";
import { createSecretTree, takeAt, takeNext } from "../../src/mls/secretTree";
import type { CipherSuite } from "../../src/mls/suite";
import { suiteOf } from "../../src/mls/suites";
import {
  computeConfirmationTag,
  confirmedTranscriptHash,
  interimTranscriptHash,
} from "../../src/mls/transcript";
import { leafIndex } from "../../src/mls/treeMath";
import { eachVectorFile } from "../vectors";

type TranscriptVector = {
  cipher_suite: number;
  confirmation_key: string;
  authenticated_content: string;
  interim_transcript_hash_before: string;
  confirmed_transcript_hash_after: string;
  interim_transcript_hash_after: string;
};

eachVectorFile<TranscriptVector>("mls/transcript-hashes", (entries) => {
  const ours = entries.filter((entry) => [1, 2, 3].includes(entry.cipher_suite));
  for (const entry of ours) {
    const suite = suiteOf(entry.cipher_suite);
    const { wireFormat, framed, auth } = decode(
      fromHex(entry.authenticated_content),
      readAuthenticatedContent,
    );
    expect(framed.content.type).toBe("commit");
    const confirmed = confirmedTranscriptHash(suite, fromHex(entry.interim_transcript_hash_before), {
      wireFormat,
      framed,
      signature: auth.signature,
    });
    expect(toHex(confirmed)).toBe(entry.confirmed_transcript_hash_after);
    const tag = auth.confirmationTag!;
    expect(computeConfirmationTag(suite, fromHex(entry.confirmation_key), confirmed)).toEqual(tag);
    expect(toHex(interimTranscriptHash(suite, confirmed, tag))).toBe(entry.interim_transcript_hash_after);
  }
  return { checked: ours.length, outOfScope: entries.length - ours.length };
});

type Vector = {
  cipher_suite: number;
  group_id: string;
  epoch: number;
  tree_hash: string;
  confirmed_transcript_hash: string;
  signature_priv: string;
  signature_pub: string;
  encryption_secret: string;
  sender_data_secret: string;
  membership_key: string;
  proposal: string;
  proposal_pub: string;
  proposal_priv: string;
  commit: string;
  commit_pub: string;
  commit_priv: string;
  application: string;
  application_priv: string;
};

const SENDER = leafIndex(1);

/** The struct after the two numbers at the head of an MLSMessage. */
function bodyOf<T>(message: string, wireFormat: number, read: (bytes: Uint8Array) => T): T {
  const bytes = fromHex(message);
  expect([...bytes.subarray(0, 4)]).toEqual([0, 1, 0, wireFormat]);
  return read(bytes.subarray(4));
}

class VectorGroup {
  readonly suite: CipherSuite;
  readonly context: Uint8Array;
  constructor(readonly vector: Vector) {
    this.suite = suiteOf(vector.cipher_suite);
    this.context = encodeGroupContext({
      version: 1,
      suite: vector.cipher_suite,
      groupId: fromHex(vector.group_id),
      epoch: BigInt(vector.epoch),
      treeHash: fromHex(vector.tree_hash),
      confirmedTranscriptHash: fromHex(vector.confirmed_transcript_hash),
      extensions: [],
    });
  }

  verify(content: AuthenticatedContent): string {
    verifyFramedContent(this.suite, content, fromHex(this.vector.signature_pub), this.context);
    const { content: said } = content.framed;
    return toHex(said.type === "application" ? said.data : encode((writer) => writeContent(writer, said)));
  }

  readPublic(message: PublicMessage): string {
    return this.verify(
      unprotectPublic(this.suite, message, fromHex(this.vector.membership_key), this.context),
    );
  }

  readPrivate(message: PrivateMessage): string {
    const senderData = openSenderData(this.suite, message, fromHex(this.vector.sender_data_secret));
    expect(senderData.leaf).toBe(SENDER);
    const tree = createSecretTree(fromHex(this.vector.encryption_secret), 2);
    const kind = message.contentType === ContentType.application ? "application" : "handshake";
    const { key } = takeAt(this.suite, tree, senderData.leaf, kind, senderData.generation);
    return this.verify(openPrivateContent(this.suite, message, senderData, key));
  }

  sign(content: Content, wireFormat: AuthenticatedContent["wireFormat"]): AuthenticatedContent {
    const framed: FramedContent = {
      groupId: fromHex(this.vector.group_id),
      epoch: BigInt(this.vector.epoch),
      sender: { type: "member", leaf: SENDER },
      authenticatedData: new Uint8Array([1, 2, 3]),
      content,
    };
    const signature = signFramedContent(
      this.suite,
      wireFormat,
      framed,
      fromHex(this.vector.signature_priv),
      this.context,
    );
    const confirmationTag = content.type === "commit" ? new Uint8Array(this.suite.nh) : null;
    return { wireFormat, framed, auth: { signature, confirmationTag } };
  }

  asPublic(content: Content): PublicMessage {
    const signed = this.sign(content, WireFormat.publicMessage);
    return protectPublic(this.suite, signed, fromHex(this.vector.membership_key), this.context);
  }

  asPrivate(content: Content): PrivateMessage {
    const signed = this.sign(content, WireFormat.privateMessage);
    const tree = createSecretTree(fromHex(this.vector.encryption_secret), 2);
    const kind = content.type === "application" ? "application" : "handshake";
    const { key } = takeNext(this.suite, tree, SENDER, kind);
    return protectPrivate(this.suite, signed, key, fromHex(this.vector.sender_data_secret), 7, systemRng);
  }
}

function checkHandshake(group: VectorGroup, what: "proposal" | "commit"): void {
  const raw = group.vector[what];
  const publicMessage = bodyOf(group.vector[`${what}_pub`], 1, (bytes) => decode(bytes, readPublicMessage));
  expect(group.readPublic(publicMessage)).toBe(raw);
  const privateMessage = bodyOf(group.vector[`${what}_priv`], 2, (bytes) =>
    decode(bytes, readPrivateMessage),
  );
  expect(group.readPrivate(privateMessage)).toBe(raw);

  const content = decode(fromHex(raw), (reader) => readContent(reader, ContentType[what]));
  const ownPublic = encode((writer) => writePublicMessage(writer, group.asPublic(content)));
  expect(group.readPublic(decode(ownPublic, readPublicMessage))).toBe(raw);
  const ownPrivate = encode((writer) => writePrivateMessage(writer, group.asPrivate(content)));
  expect(group.readPrivate(decode(ownPrivate, readPrivateMessage))).toBe(raw);
}

eachVectorFile<Vector>("mls/message-protection", (entries) => {
  const ours = entries.filter((entry) => [1, 2, 3].includes(entry.cipher_suite));
  for (const entry of ours) {
    const group = new VectorGroup(entry);
    checkHandshake(group, "proposal");
    checkHandshake(group, "commit");
    const data = fromHex(entry.application);
    const received = bodyOf(entry.application_priv, 2, (bytes) => decode(bytes, readPrivateMessage));
    expect(group.readPrivate(received)).toBe(entry.application);
    expect(group.readPrivate(group.asPrivate({ type: "application", data }))).toBe(entry.application);
    expect(() => group.asPublic({ type: "application", data })).toThrow(
      expect.objectContaining({ code: "public_application" }),
    );
  }
  return { checked: ours.length, outOfScope: entries.length - ours.length };
});
