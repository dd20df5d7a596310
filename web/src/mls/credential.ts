/** Credentials (RFC 9420 §5.3), and who may propose from outside (§12.1.8.1). What they claim is the AS's to judge. */

import { decode, encode, type Reader, type Writer } from "./codec";
import type { Extension } from "./extension";
import { ExtensionType, findExtension } from "./extension";

/** RFC 9420 §17.5. */
export const CredentialType = { basic: 0x0001, x509: 0x0002 } as const;

export type BasicCredential = { readonly type: 1; readonly identity: Uint8Array };
export type X509Credential = { readonly type: 2; readonly certificates: readonly Uint8Array[] };
/** A type that we do not know. Those that exist are one vector, and as one it is kept. */
export type UnknownCredential = { readonly type: number; readonly content: Uint8Array };
export type Credential = BasicCredential | X509Credential | UnknownCredential;

const MAX_IDENTITY_LENGTH = 2 ** 16;
const MAX_CERTIFICATES = 16;
const MAX_EXTERNAL_SENDERS = 64;

export function basicCredential(identity: Uint8Array): BasicCredential {
  return { type: CredentialType.basic, identity };
}

export function isBasic(credential: Credential): credential is BasicCredential {
  return "identity" in credential;
}

export function writeCredential(writer: Writer, credential: Credential): void {
  writer.uint16(credential.type);
  if ("identity" in credential) writer.opaque(credential.identity);
  else if ("certificates" in credential) writer.vector(credential.certificates, (w, one) => w.opaque(one));
  else writer.opaque(credential.content);
}

export function readCredential(reader: Reader): Credential {
  const type = reader.uint16();
  switch (type) {
    case CredentialType.basic:
      return { type, identity: reader.opaque(MAX_IDENTITY_LENGTH) };
    case CredentialType.x509:
      return { type, certificates: reader.vector((inner) => inner.opaque(), MAX_CERTIFICATES) };
    default:
      return { type, content: reader.opaque(MAX_IDENTITY_LENGTH) };
  }
}

export const encodeCredential = (credential: Credential): Uint8Array =>
  encode((writer) => writeCredential(writer, credential));

/** @throws DecodeError */
export const decodeCredential = (bytes: Uint8Array): Credential => decode(bytes, readCredential);

export type ExternalSender = { readonly signatureKey: Uint8Array; readonly credential: Credential };

export function writeExternalSender(writer: Writer, sender: ExternalSender): void {
  writer.opaque(sender.signatureKey);
  writeCredential(writer, sender.credential);
}

export function readExternalSender(reader: Reader): ExternalSender {
  return { signatureKey: reader.opaque(), credential: readCredential(reader) };
}

export function externalSendersExtension(senders: readonly ExternalSender[]): Extension {
  return {
    type: ExtensionType.externalSenders,
    data: encode((writer) => writer.vector(senders, writeExternalSender)),
  };
}

/** The senders that a GroupContext names; none when it has no such extension. @throws DecodeError */
export function externalSendersIn(extensions: readonly Extension[]): readonly ExternalSender[] {
  const found = findExtension(extensions, ExtensionType.externalSenders);
  return found ? decode(found.data, (reader) => reader.vector(readExternalSender, MAX_EXTERNAL_SENDERS)) : [];
}
