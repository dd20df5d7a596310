/** GroupInfo (RFC 9420 §12.4.3): the group as its signer shows it to those who join. */

import { decode, encode, type Reader, type Writer } from "./codec";
import { InvalidError } from "./errors";
import { type Extension, readExtensions, writeExtensions } from "./extension";
import { type GroupContext, readGroupContext, writeGroupContext } from "./groupContext";
import type { CipherSuite } from "./suite";
import { type LeafIndex, leafIndex } from "./treeMath";

export type GroupInfo = Readonly<{
  context: GroupContext;
  extensions: readonly Extension[];
  confirmationTag: Uint8Array;
  signer: LeafIndex;
  signature: Uint8Array;
}>;

export type UnsignedGroupInfo = Omit<GroupInfo, "signature">;

const SIGNATURE_LABEL = "GroupInfoTBS";

function writeUnsigned(writer: Writer, info: UnsignedGroupInfo): void {
  writeGroupContext(writer, info.context);
  writeExtensions(writer, info.extensions);
  writer.opaque(info.confirmationTag).uint32(info.signer);
}

export function writeGroupInfo(writer: Writer, info: GroupInfo): void {
  writeUnsigned(writer, info);
  writer.opaque(info.signature);
}

export function readGroupInfo(reader: Reader): GroupInfo {
  return {
    context: readGroupContext(reader),
    extensions: readExtensions(reader),
    confirmationTag: reader.opaque(),
    signer: leafIndex(reader.uint32()),
    signature: reader.opaque(),
  };
}

export const encodeGroupInfo = (info: GroupInfo): Uint8Array =>
  encode((writer) => writeGroupInfo(writer, info));

/** @throws DecodeError */
export const decodeGroupInfo = (bytes: Uint8Array): GroupInfo => decode(bytes, readGroupInfo);

export function signGroupInfo(
  suite: CipherSuite,
  info: UnsignedGroupInfo,
  signaturePrivateKey: Uint8Array,
): GroupInfo {
  const content = encode((writer) => writeUnsigned(writer, info));
  return { ...info, signature: suite.signWithLabel(signaturePrivateKey, SIGNATURE_LABEL, content) };
}

/** @throws InvalidError v704_group_info_signature */
export function verifyGroupInfo(suite: CipherSuite, info: GroupInfo, signatureKey: Uint8Array): void {
  const content = encode((writer) => writeUnsigned(writer, info));
  if (!suite.verifyWithLabel(signatureKey, SIGNATURE_LABEL, content, info.signature)) {
    throw new InvalidError("v704_group_info_signature", "a GroupInfo's signature is not its signer's");
  }
}
