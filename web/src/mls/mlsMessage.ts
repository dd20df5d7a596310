/** MLSMessage (RFC 9420 §6): the outermost struct, which says what is inside. */

import { MLS_10 } from "./capabilities";
import { decode, encode, type Reader, type Writer } from "./codec";
import { DecodeError } from "./errors";
import {
  type PrivateMessage,
  type PublicMessage,
  readPrivateMessage,
  readPublicMessage,
  WireFormat,
  writePrivateMessage,
  writePublicMessage,
} from "./framing";
import { type GroupInfo, readGroupInfo, writeGroupInfo } from "./groupInfo";
import { type KeyPackage, readKeyPackage, writeKeyPackage } from "./keyPackage";
import { readWelcome, type Welcome, writeWelcome } from "./welcome";

export type MlsMessage =
  | Readonly<{ type: "public_message"; message: PublicMessage }>
  | Readonly<{ type: "private_message"; message: PrivateMessage }>
  | Readonly<{ type: "welcome"; welcome: Welcome }>
  | Readonly<{ type: "group_info"; groupInfo: GroupInfo }>
  | Readonly<{ type: "key_package"; keyPackage: KeyPackage }>;

/** E26: that of a Welcome, the largest of them. */
export const MAX_MESSAGE_LENGTH = 2 * 2 ** 20;

function writeMlsMessage(writer: Writer, one: MlsMessage): void {
  writer.uint16(MLS_10);
  switch (one.type) {
    case "public_message":
      writePublicMessage(writer.uint16(WireFormat.publicMessage), one.message);
      break;
    case "private_message":
      writePrivateMessage(writer.uint16(WireFormat.privateMessage), one.message);
      break;
    case "welcome":
      writeWelcome(writer.uint16(WireFormat.welcome), one.welcome);
      break;
    case "group_info":
      writeGroupInfo(writer.uint16(WireFormat.groupInfo), one.groupInfo);
      break;
    case "key_package":
      writeKeyPackage(writer.uint16(WireFormat.keyPackage), one.keyPackage);
      break;
  }
}

function readMlsMessage(reader: Reader): MlsMessage {
  const version = reader.uint16();
  if (version !== MLS_10) throw new DecodeError(`a message of the unknown version ${version}`);
  const wireFormat = reader.uint16();
  switch (wireFormat) {
    case WireFormat.publicMessage:
      return { type: "public_message", message: readPublicMessage(reader) };
    case WireFormat.privateMessage:
      return { type: "private_message", message: readPrivateMessage(reader) };
    case WireFormat.welcome:
      return { type: "welcome", welcome: readWelcome(reader) };
    case WireFormat.groupInfo:
      return { type: "group_info", groupInfo: readGroupInfo(reader) };
    case WireFormat.keyPackage: {
      const keyPackage = readKeyPackage(reader);
      // RFC 9420 §10: the versions inside and outside are the same.
      if (keyPackage.version !== version) throw new DecodeError("a KeyPackage of another version");
      return { type: "key_package", keyPackage };
    }
    default:
      throw new DecodeError(`there is no wire format ${wireFormat}`);
  }
}

export const encodeMlsMessage = (message: MlsMessage): Uint8Array =>
  encode((writer) => writeMlsMessage(writer, message));

/** @throws DecodeError */
export function decodeMlsMessage(bytes: Uint8Array): MlsMessage {
  if (bytes.length > MAX_MESSAGE_LENGTH) {
    throw new DecodeError(`a message of ${bytes.length} bytes is longer than ${MAX_MESSAGE_LENGTH}`);
  }
  return decode(bytes, readMlsMessage);
}
