/**
 * How a message is signed and sealed (RFC 9420 §6.1 to §6.3): functions over keys that the caller holds. What a
 * received message must be, here and where it is opened (`application.ts`, `publicMessages.ts`):
 *
 *   v601  of this group                                 v608  with the right membership tag, from a member
 *   v602  of this epoch                                 v609  application data in a PrivateMessage alone
 *   v603  from a leaf that is there                     v610  from outside: of a type that may come from there
 *   v604  of a generation that was not used             v611  from an external sender that the group names
 *   v605  of a generation that is not too far ahead     v612  in the wire format that the caller asked for
 *   v606  padded with zeros alone                       v613  sent before a ReInit ended the group
 *   v607  signed by its sender
 */

import { concat, type Rng, wipe } from "../bytes/bytes";
import { MLS_10 } from "./capabilities";
import { encode, Reader } from "./codec";
import { InvalidError, UsageError } from "./errors";
import {
  type AuthData,
  type AuthenticatedContent,
  type Content,
  contentTypeOf,
  type FramedContent,
  type PrivateMessage,
  type PublicMessage,
  readAuthData,
  readContent,
  WireFormat,
  writeAuthData,
  writeContent,
  writeFramedContent,
} from "./framing";
import { draw } from "./kem";
import type { MessageKey } from "./secretTree";
import type { CipherSuite } from "./suite";
import { type LeafIndex, leafIndex } from "./treeMath";

const REUSE_GUARD_LENGTH = 4;
const FRAMED_CONTENT_LABEL = "FramedContentTBS";

/** FramedContentTBS. Members and external commits sign the GroupContext too; those outside do not know it. */
function contentToSign(wireFormat: WireFormat, framed: FramedContent, groupContext: Uint8Array): Uint8Array {
  return encode((writer) => {
    writer.uint16(MLS_10).uint16(wireFormat);
    writeFramedContent(writer, framed);
    if (framed.sender.type === "member" || framed.sender.type === "new_member_commit") {
      writer.bytes(groupContext);
    }
  });
}

/** @param groupContext the encoded GroupContext of the epoch that the message is sent in */
export function signFramedContent(
  suite: CipherSuite,
  wireFormat: WireFormat,
  framed: FramedContent,
  signaturePrivateKey: Uint8Array,
  groupContext: Uint8Array,
): Uint8Array {
  const content = contentToSign(wireFormat, framed, groupContext);
  return suite.signWithLabel(signaturePrivateKey, FRAMED_CONTENT_LABEL, content);
}

declare const verified: unique symbol;
/** Content whose signature was checked: `verifyFramedContent` alone makes it. */
export type VerifiedContent<C extends Content = Content> = AuthenticatedContent<C> & {
  readonly [verified]: true;
};

/** @throws InvalidError v607_signature */
export function verifyFramedContent<C extends Content>(
  suite: CipherSuite,
  authenticated: AuthenticatedContent<C>,
  signatureKey: Uint8Array,
  groupContext: Uint8Array,
): VerifiedContent<C> {
  const { wireFormat, framed, auth } = authenticated;
  const content = contentToSign(wireFormat, framed, groupContext);
  if (!suite.verifyWithLabel(signatureKey, FRAMED_CONTENT_LABEL, content, auth.signature)) {
    throw new InvalidError("v607_signature", "a message's signature is not its sender's");
  }
  return authenticated as VerifiedContent<C>;
}

/** AuthenticatedContentTBM. */
function contentToTag(
  { wireFormat, framed, auth }: AuthenticatedContent,
  groupContext: Uint8Array,
): Uint8Array {
  return encode((writer) => {
    writer.bytes(contentToSign(wireFormat, framed, groupContext));
    writeAuthData(writer, auth);
  });
}

/**
 * A signed proposal or commit as a PublicMessage (RFC 9420 §6.2).
 * @throws UsageError public_application: application data is never sent in the clear
 */
export function protectPublic(
  suite: CipherSuite,
  signed: AuthenticatedContent,
  membershipKey: Uint8Array,
  groupContext: Uint8Array,
): PublicMessage {
  if (signed.framed.content.type === "application") {
    throw new UsageError("public_application", "application data travels in a PrivateMessage only");
  }
  const membershipTag =
    signed.framed.sender.type === "member"
      ? suite.mac(membershipKey, contentToTag(signed, groupContext))
      : null;
  return { framed: signed.framed, auth: signed.auth, membershipTag };
}

/**
 * The content of a PublicMessage whose membership tag is right. Its signature is not verified yet.
 * @throws InvalidError v608_membership_tag, v609_public_application
 */
export function unprotectPublic(
  suite: CipherSuite,
  message: PublicMessage,
  membershipKey: Uint8Array,
  groupContext: Uint8Array,
): AuthenticatedContent {
  const { framed, auth, membershipTag } = message;
  if (framed.content.type === "application") {
    throw new InvalidError("v609_public_application", "application data came in a PublicMessage");
  }
  const content: AuthenticatedContent = { wireFormat: WireFormat.publicMessage, framed, auth };
  if (
    membershipTag !== null &&
    !suite.verifyMac(membershipKey, contentToTag(content, groupContext), membershipTag)
  ) {
    throw new InvalidError("v608_membership_tag", "a PublicMessage's membership tag is wrong");
  }
  return content;
}

/** SenderData of RFC 9420 §6.3.2. */
export type SenderData = Readonly<{ leaf: LeafIndex; generation: number; reuseGuard: Uint8Array }>;

type Header = Pick<PrivateMessage, "groupId" | "epoch" | "contentType">;

function senderDataAad({ groupId, epoch, contentType }: Header): Uint8Array {
  return encode((writer) => writer.opaque(groupId).uint64(epoch).uint8(contentType));
}

function privateContentAad(header: Header & Pick<PrivateMessage, "authenticatedData">): Uint8Array {
  return concat(
    senderDataAad(header),
    encode((writer) => writer.opaque(header.authenticatedData)),
  );
}

/** The AEAD key and nonce of the sender data, from the first KDF.Nh bytes of the ciphertext. */
export function senderDataKey(
  suite: CipherSuite,
  senderDataSecret: Uint8Array,
  ciphertext: Uint8Array,
): Readonly<{ key: Uint8Array; nonce: Uint8Array }> {
  const sample = ciphertext.subarray(0, suite.nh);
  return {
    key: suite.expandWithLabel(senderDataSecret, "key", sample, suite.nk),
    nonce: suite.expandWithLabel(senderDataSecret, "nonce", sample, suite.nn),
  };
}

/** RFC 9420 §6.3.1: the random guard keeps apart two messages of a generation that a lost state used twice. */
function guarded(nonce: Uint8Array, guard: Uint8Array): Uint8Array {
  const out = nonce.slice();
  for (let i = 0; i < REUSE_GUARD_LENGTH; i++) out[i]! ^= guard[i]!;
  return out;
}

/**
 * A signed message of a member as a PrivateMessage (RFC 9420 §6.3). The caller takes `key` from its own ratchet and
 * never again, and wipes it.
 * @param padding how many zero bytes follow the content
 */
export function protectPrivate(
  suite: CipherSuite,
  signed: AuthenticatedContent,
  key: MessageKey,
  senderDataSecret: Uint8Array,
  padding: number,
  rng: Rng,
): PrivateMessage {
  const { framed, auth } = signed;
  if (framed.sender.type !== "member") {
    throw new UsageError("private_sender", "only members send PrivateMessages");
  }
  const header = {
    groupId: framed.groupId,
    epoch: framed.epoch,
    contentType: contentTypeOf(framed.content),
    authenticatedData: framed.authenticatedData,
  };
  const plaintext = encode((writer) => {
    writeContent(writer, framed.content);
    writeAuthData(writer, auth);
    writer.bytes(new Uint8Array(padding));
  });
  const reuseGuard = draw(rng, REUSE_GUARD_LENGTH);
  const nonce = guarded(key.nonce, reuseGuard);
  // The ratchet gives each key out once, for one message.
  const ciphertext = suite.seal(key.key, nonce, privateContentAad(header), plaintext);
  const { leaf } = framed.sender;
  const senderData = encode((writer) => writer.uint32(leaf).uint32(key.generation).bytes(reuseGuard));
  const sealing = senderDataKey(suite, senderDataSecret, ciphertext);
  // Key and nonce are a hash of the ciphertext above, which is never made twice: it has its tag, and a key of its own.
  const encryptedSenderData = suite.seal(sealing.key, sealing.nonce, senderDataAad(header), senderData);
  wipe(plaintext, nonce, sealing.key, sealing.nonce);
  return { ...header, encryptedSenderData, ciphertext };
}

/**
 * Who sent a PrivateMessage and with which key. The caller checks that the leaf is there.
 * @throws AeadError | DecodeError
 */
export function openSenderData(
  suite: CipherSuite,
  message: PrivateMessage,
  senderDataSecret: Uint8Array,
): SenderData {
  const { key, nonce } = senderDataKey(suite, senderDataSecret, message.ciphertext);
  const reader = new Reader(suite.open(key, nonce, senderDataAad(message), message.encryptedSenderData));
  wipe(key, nonce);
  const senderData = {
    leaf: leafIndex(reader.uint32()),
    generation: reader.uint32(),
    reuseGuard: reader.bytes(REUSE_GUARD_LENGTH),
  };
  reader.finish();
  return senderData;
}

/**
 * The content of a PrivateMessage. Its signature is not verified yet.
 * @throws AeadError | DecodeError | InvalidError v606_padding
 */
export function openPrivateContent(
  suite: CipherSuite,
  message: PrivateMessage,
  { leaf, reuseGuard }: SenderData,
  key: MessageKey,
): AuthenticatedContent {
  const { groupId, epoch, contentType, authenticatedData } = message;
  const nonce = guarded(key.nonce, reuseGuard);
  const plaintext = suite.open(key.key, nonce, privateContentAad(message), message.ciphertext);
  const reader = new Reader(plaintext);
  const content: Content = readContent(reader, contentType);
  const auth: AuthData = readAuthData(reader, contentType);
  // RFC 9420 §6.3.1: padding is a channel for nothing.
  if (reader.rest().some((byte) => byte !== 0)) {
    throw new InvalidError("v606_padding", "a message's padding is not all zero");
  }
  wipe(plaintext, nonce);
  const framed: FramedContent = {
    groupId,
    epoch,
    sender: { type: "member", leaf },
    authenticatedData,
    content,
  };
  return { wireFormat: WireFormat.privateMessage, framed, auth };
}
