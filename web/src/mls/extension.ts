/** Extensions, and the ones of RFC 9420 that only name types (§7.2, §11.1, §13.4). */

import { decode, encode, type Reader, type Writer } from "./codec";
import { DecodeError } from "./errors";

export type Extension = { readonly type: number; readonly data: Uint8Array };

/** RFC 9420 §17.3, and ours (E13). */
export const ExtensionType = {
  applicationId: 0x0001,
  ratchetTree: 0x0002,
  requiredCapabilities: 0x0003,
  externalPub: 0x0004,
  externalSenders: 0x0005,
  collegiumRoom: 0xf101,
} as const;

const LAST_DEFAULT_EXTENSION = ExtensionType.externalSenders;
const MAX_EXTENSIONS = 256;
/** Type codes in one list: every value that anybody could mean, and nothing to choke on. */
export const MAX_TYPE_CODES = 1024;

/** RFC 9420 §7.2: types that everyone knows, and that no list of capabilities names. */
export function isDefaultExtension(type: number): boolean {
  return type >= 1 && type <= LAST_DEFAULT_EXTENSION;
}

export function writeExtension(writer: Writer, extension: Extension): void {
  writer.uint16(extension.type).opaque(extension.data);
}

export function readExtension(reader: Reader): Extension {
  return { type: reader.uint16(), data: reader.opaque() };
}

export function writeExtensions(writer: Writer, extensions: readonly Extension[]): void {
  writer.vector(extensions, writeExtension);
}

export function readExtensions(reader: Reader): readonly Extension[] {
  const extensions = reader.vector(readExtension, MAX_EXTENSIONS);
  // RFC 9420 §13.4: no list has two extensions of one type.
  if (new Set(extensions.map(({ type }) => type)).size !== extensions.length) {
    throw new DecodeError("two extensions of one type");
  }
  return extensions;
}

export const encodeExtensions = (extensions: readonly Extension[]): Uint8Array =>
  encode((writer) => writeExtensions(writer, extensions));

/** @throws DecodeError */
export const decodeExtensions = (bytes: Uint8Array): readonly Extension[] => decode(bytes, readExtensions);

export function findExtension(extensions: readonly Extension[], type: number): Extension | undefined {
  return extensions.find((extension) => extension.type === type);
}

export function writeTypeCodes(writer: Writer, codes: readonly number[]): void {
  writer.vector(codes, (inner, code) => inner.uint16(code));
}

export function readTypeCodes(reader: Reader): readonly number[] {
  return reader.vector((inner) => inner.uint16(), MAX_TYPE_CODES);
}

/** RFC 9420 §11.1: what every member of the group must be able to do. */
export type RequiredCapabilities = {
  readonly extensions: readonly number[];
  readonly proposals: readonly number[];
  readonly credentials: readonly number[];
};

export function writeRequiredCapabilities(writer: Writer, required: RequiredCapabilities): void {
  writeTypeCodes(writer, required.extensions);
  writeTypeCodes(writer, required.proposals);
  writeTypeCodes(writer, required.credentials);
}

export function readRequiredCapabilities(reader: Reader): RequiredCapabilities {
  return {
    extensions: readTypeCodes(reader),
    proposals: readTypeCodes(reader),
    credentials: readTypeCodes(reader),
  };
}

export function requiredCapabilitiesExtension(required: RequiredCapabilities): Extension {
  return {
    type: ExtensionType.requiredCapabilities,
    data: encode((writer) => writeRequiredCapabilities(writer, required)),
  };
}

/** What the extension in a GroupContext demands, or undefined when it has none. @throws DecodeError */
export function requiredCapabilitiesIn(extensions: readonly Extension[]): RequiredCapabilities | undefined {
  const found = findExtension(extensions, ExtensionType.requiredCapabilities);
  return found && decode(found.data, readRequiredCapabilities);
}
