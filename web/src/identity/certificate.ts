/**
 * Device certificates (E8) and their revocation (E9), both by the identity key.
 *
 *   struct {
 *     uint8 version = 1;
 *     opaque deployment_id[16];
 *     opaque account_id[16];
 *     opaque identity_key[32];
 *     opaque device_id[16];
 *     opaque leaf_key[32];
 *     uint32 serial;
 *     uint64 not_before;         // milliseconds since 1970
 *     uint64 not_after;
 *     opaque signature[64];      // by identity_key, label "Collegium 1.0 device"
 *   } DeviceCertificate;
 *
 *   struct {
 *     uint8 version = 1;
 *     opaque account_id[16];
 *     opaque identity_key[32];
 *     opaque device_id[16];
 *     uint32 serial;             // every certificate of the device up to this one
 *     opaque signature[64];      // by identity_key, label "Collegium 1.0 revocation"
 *   } Revocation;
 */

import { equal } from "../bytes/bytes";
import { encode, type Reader, type Writer } from "../mls/codec";
import * as ed25519 from "../mls/ed25519";
import { DecodeError, UsageError } from "../mls/errors";
import { AsError } from "./errors";
import type { Identity } from "./identity";
import { ID_BYTES, KEY_BYTES } from "./rootKeys";
import { signLabelled, verifyLabelled } from "./signed";
import { decodeAs, readVersion, sized } from "./statement";

const DAY = 24 * 60 * 60 * 1000;
/** E8. */
export const MAX_CERTIFICATE_LIFETIME = 180 * DAY;
/** A device whose clock runs ahead is still believed: its certificate began a day ago. */
const BACKDATED = DAY;
const VERSION = 1;
export const MAX_CERTIFICATE_BYTES = 256;
export const MAX_REVOCATION_BYTES = 256;

export type DeviceCertificate = {
  readonly deploymentId: Uint8Array;
  readonly accountId: Uint8Array;
  readonly identityKey: Uint8Array;
  readonly deviceId: Uint8Array;
  /** The leaf's signature key. */
  readonly leafKey: Uint8Array;
  readonly serial: number;
  /** Milliseconds since 1970; both ends belong to it. */
  readonly notBefore: number;
  readonly notAfter: number;
};

export type Revocation = {
  readonly accountId: Uint8Array;
  readonly identityKey: Uint8Array;
  readonly deviceId: Uint8Array;
  /** Certificates of the device up to this serial are void. */
  readonly serial: number;
};

/** From when to when a certificate made now is to hold: the longest that E8 allows. */
export function certificateWindow(now: number): { readonly notBefore: number; readonly notAfter: number } {
  const notBefore = Math.max(0, now - BACKDATED);
  return { notBefore, notAfter: notBefore + MAX_CERTIFICATE_LIFETIME };
}

/** @throws UsageError when the lifetime is not one that E8 allows. */
export function certifyDevice(
  identity: Identity,
  device: Omit<DeviceCertificate, "accountId" | "identityKey">,
): Uint8Array {
  if (!allowedLifetime(device))
    throw new UsageError("certificate_lifetime", "not a lifetime of a certificate");
  const certificate = {
    ...device,
    accountId: identity.accountId,
    identityKey: identity.identityKey.publicKey,
  };
  const content = encode((writer) => writeCertificate(writer, certificate));
  const signature = signLabelled(identity.identityKey.privateKey, "device", content);
  return encode((writer) => writer.bytes(content).bytes(signature));
}

/** Its own signature and lifetime. Whether the identity key is the account's, the chain says. @throws AsError */
export function readCertificate(bytes: Uint8Array): DeviceCertificate {
  const { value, content, signature } = readSigned(
    "a device certificate",
    bytes,
    MAX_CERTIFICATE_BYTES,
    readCertificateContent,
  );
  if (!allowedLifetime(value)) {
    throw new AsError("certificate_lifetime", "the certificate's lifetime is not one that is allowed");
  }
  if (!verifyLabelled(value.identityKey, "device", content, signature)) {
    throw new AsError("certificate_signature", "the certificate's signature does not hold");
  }
  return value;
}

/** E9: a lost device. All its certificates up to `serial` are void. */
export function revokeDevice(identity: Identity, deviceId: Uint8Array, serial: number): Uint8Array {
  const content = encode((writer) =>
    writer
      .uint8(VERSION)
      .bytes(sized(identity.accountId, ID_BYTES))
      .bytes(sized(identity.identityKey.publicKey, KEY_BYTES))
      .bytes(sized(deviceId, ID_BYTES))
      .uint32(serial),
  );
  const signature = signLabelled(identity.identityKey.privateKey, "revocation", content);
  return encode((writer) => writer.bytes(content).bytes(signature));
}

/** @throws AsError */
export function readRevocation(bytes: Uint8Array): Revocation {
  const { value, content, signature } = readSigned("a revocation", bytes, MAX_REVOCATION_BYTES, (reader) => {
    readVersion(reader, VERSION);
    return {
      accountId: reader.bytes(ID_BYTES),
      identityKey: reader.bytes(KEY_BYTES),
      deviceId: reader.bytes(ID_BYTES),
      serial: reader.uint32(),
    };
  });
  if (!verifyLabelled(value.identityKey, "revocation", content, signature)) {
    throw new AsError("revocation_signature", "the revocation's signature does not hold");
  }
  return value;
}

/**
 * Whether a revocation voids a certificate. A newer identity key of the account has certified anew, so an older key
 * revokes nothing of it.
 */
export function revokes(
  revocation: Revocation,
  certified: {
    readonly accountId: Uint8Array;
    readonly identityKey: Uint8Array;
    readonly deviceId: Uint8Array;
    readonly certificateSerial: number;
  },
): boolean {
  return (
    equal(revocation.accountId, certified.accountId) &&
    equal(revocation.identityKey, certified.identityKey) &&
    equal(revocation.deviceId, certified.deviceId) &&
    certified.certificateSerial <= revocation.serial
  );
}

function allowedLifetime({ notBefore, notAfter }: { notBefore: number; notAfter: number }): boolean {
  return notBefore <= notAfter && notAfter - notBefore <= MAX_CERTIFICATE_LIFETIME;
}

function writeCertificate(writer: Writer, certificate: DeviceCertificate): void {
  writer
    .uint8(VERSION)
    .bytes(sized(certificate.deploymentId, ID_BYTES))
    .bytes(sized(certificate.accountId, ID_BYTES))
    .bytes(sized(certificate.identityKey, KEY_BYTES))
    .bytes(sized(certificate.deviceId, ID_BYTES))
    .bytes(sized(certificate.leafKey, KEY_BYTES))
    .uint32(certificate.serial)
    .uint64(certificate.notBefore)
    .uint64(certificate.notAfter);
}

function readCertificateContent(reader: Reader): DeviceCertificate {
  readVersion(reader, VERSION);
  return {
    deploymentId: reader.bytes(ID_BYTES),
    accountId: reader.bytes(ID_BYTES),
    identityKey: reader.bytes(KEY_BYTES),
    deviceId: reader.bytes(ID_BYTES),
    leafKey: reader.bytes(KEY_BYTES),
    serial: reader.uint32(),
    notBefore: readTime(reader),
    notAfter: readTime(reader),
  };
}

function readTime(reader: Reader): number {
  const time = reader.uint64();
  if (time > BigInt(Number.MAX_SAFE_INTEGER)) throw new DecodeError("a time beyond 2^53");
  return Number(time);
}

/** A structure that ends in the signature over all that stands before it. */
function readSigned<T>(
  what: string,
  bytes: Uint8Array,
  limit: number,
  read: (reader: Reader) => T,
): { readonly value: T; readonly content: Uint8Array; readonly signature: Uint8Array } {
  return decodeAs(what, bytes, limit, (reader) => {
    const value = read(reader);
    const content = reader.since(0);
    return { value, content, signature: reader.bytes(ed25519.SIGNATURE_LENGTH) };
  });
}
