/** Messages of RFC 9420 §6: what is said, who says it, and the two ways it travels. Structures only, no keys. */

import type { Reader, Writer } from "./codec";
import { type Commit, readCommit, writeCommit } from "./commit";
import { DecodeError } from "./errors";
import { type Proposal, readProposal, writeProposal } from "./proposal";
import { type LeafIndex, leafIndex } from "./treeMath";

/** RFC 9420 §17.2. */
export const WireFormat = {
  publicMessage: 1,
  privateMessage: 2,
  welcome: 3,
  groupInfo: 4,
  keyPackage: 5,
} as const;
export type WireFormat = typeof WireFormat.publicMessage | typeof WireFormat.privateMessage;

export const ContentType = { application: 1, proposal: 2, commit: 3 } as const;
export type ContentType = (typeof ContentType)[keyof typeof ContentType];

export type Sender =
  | Readonly<{ type: "member"; leaf: LeafIndex }>
  | Readonly<{ type: "external"; index: number }>
  | Readonly<{ type: "new_member_proposal" }>
  | Readonly<{ type: "new_member_commit" }>;

export type Content =
  | Readonly<{ type: "application"; data: Uint8Array }>
  | Readonly<{ type: "proposal"; proposal: Proposal }>
  | Readonly<{ type: "commit"; commit: Commit }>;

export type FramedContent<C extends Content = Content> = Readonly<{
  groupId: Uint8Array;
  epoch: bigint;
  sender: Sender;
  authenticatedData: Uint8Array;
  content: C;
}>;

/** FramedContentAuthData: a confirmation tag is there exactly when the content is a commit. */
export type AuthData = Readonly<{ signature: Uint8Array; confirmationTag: Uint8Array | null }>;

export type AuthenticatedContent<C extends Content = Content> = Readonly<{
  wireFormat: WireFormat;
  framed: FramedContent<C>;
  auth: AuthData;
}>;

export type PublicMessage = Readonly<{
  framed: FramedContent;
  auth: AuthData;
  /** There exactly when the sender is a member. */
  membershipTag: Uint8Array | null;
}>;

export type PrivateMessage = Readonly<{
  groupId: Uint8Array;
  epoch: bigint;
  contentType: ContentType;
  authenticatedData: Uint8Array;
  encryptedSenderData: Uint8Array;
  ciphertext: Uint8Array;
}>;

const SenderType = { member: 1, external: 2, newMemberProposal: 3, newMemberCommit: 4 } as const;

export function writeSender(writer: Writer, sender: Sender): void {
  switch (sender.type) {
    case "member":
      writer.uint8(SenderType.member).uint32(sender.leaf);
      break;
    case "external":
      writer.uint8(SenderType.external).uint32(sender.index);
      break;
    case "new_member_proposal":
      writer.uint8(SenderType.newMemberProposal);
      break;
    case "new_member_commit":
      writer.uint8(SenderType.newMemberCommit);
      break;
  }
}

export function readSender(reader: Reader): Sender {
  const type = reader.uint8();
  switch (type) {
    case SenderType.member:
      return { type: "member", leaf: leafIndex(reader.uint32()) };
    case SenderType.external:
      return { type: "external", index: reader.uint32() };
    case SenderType.newMemberProposal:
      return { type: "new_member_proposal" };
    case SenderType.newMemberCommit:
      return { type: "new_member_commit" };
    default:
      throw new DecodeError(`there is no sender type ${type}`);
  }
}

export function readContentType(reader: Reader): ContentType {
  const type = reader.uint8();
  switch (type) {
    case ContentType.application:
    case ContentType.proposal:
    case ContentType.commit:
      return type;
    default:
      throw new DecodeError(`there is no content type ${type}`);
  }
}

export function contentTypeOf(content: Content): ContentType {
  return ContentType[content.type];
}

/** The content without its type, as in FramedContent and PrivateMessageContent. */
export function writeContent(writer: Writer, content: Content): void {
  switch (content.type) {
    case "application":
      writer.opaque(content.data);
      break;
    case "proposal":
      writeProposal(writer, content.proposal);
      break;
    case "commit":
      writeCommit(writer, content.commit);
      break;
  }
}

export function readContent(reader: Reader, type: ContentType): Content {
  switch (type) {
    case ContentType.application:
      return { type: "application", data: reader.opaque() };
    case ContentType.proposal:
      return { type: "proposal", proposal: readProposal(reader) };
    case ContentType.commit:
      return { type: "commit", commit: readCommit(reader) };
  }
}

export function writeFramedContent(writer: Writer, framed: FramedContent): void {
  writer.opaque(framed.groupId).uint64(framed.epoch);
  writeSender(writer, framed.sender);
  writer.opaque(framed.authenticatedData).uint8(contentTypeOf(framed.content));
  writeContent(writer, framed.content);
}

export function readFramedContent(reader: Reader): FramedContent {
  const groupId = reader.opaque();
  const epoch = reader.uint64();
  const sender = readSender(reader);
  const authenticatedData = reader.opaque();
  const content = readContent(reader, readContentType(reader));
  return { groupId, epoch, sender, authenticatedData, content };
}

export function writeAuthData(writer: Writer, { signature, confirmationTag }: AuthData): void {
  writer.opaque(signature);
  if (confirmationTag !== null) writer.opaque(confirmationTag);
}

export function readAuthData(reader: Reader, type: ContentType): AuthData {
  const signature = reader.opaque();
  return { signature, confirmationTag: type === ContentType.commit ? reader.opaque() : null };
}

export function writeAuthenticatedContent(
  writer: Writer,
  { wireFormat, framed, auth }: AuthenticatedContent,
): void {
  writer.uint16(wireFormat);
  writeFramedContent(writer, framed);
  writeAuthData(writer, auth);
}

export function readAuthenticatedContent(reader: Reader): AuthenticatedContent {
  const wireFormat = reader.uint16();
  if (wireFormat !== WireFormat.publicMessage && wireFormat !== WireFormat.privateMessage) {
    throw new DecodeError(`wire format ${wireFormat} carries no content`);
  }
  const framed = readFramedContent(reader);
  return { wireFormat, framed, auth: readAuthData(reader, contentTypeOf(framed.content)) };
}

export function writePublicMessage(writer: Writer, { framed, auth, membershipTag }: PublicMessage): void {
  writeFramedContent(writer, framed);
  writeAuthData(writer, auth);
  if (membershipTag !== null) writer.opaque(membershipTag);
}

export function readPublicMessage(reader: Reader): PublicMessage {
  const framed = readFramedContent(reader);
  const auth = readAuthData(reader, contentTypeOf(framed.content));
  return { framed, auth, membershipTag: framed.sender.type === "member" ? reader.opaque() : null };
}

export function writePrivateMessage(writer: Writer, message: PrivateMessage): void {
  writer
    .opaque(message.groupId)
    .uint64(message.epoch)
    .uint8(message.contentType)
    .opaque(message.authenticatedData)
    .opaque(message.encryptedSenderData)
    .opaque(message.ciphertext);
}

export function readPrivateMessage(reader: Reader): PrivateMessage {
  return {
    groupId: reader.opaque(),
    epoch: reader.uint64(),
    contentType: readContentType(reader),
    authenticatedData: reader.opaque(),
    encryptedSenderData: reader.opaque(),
    ciphertext: reader.opaque(),
  };
}
