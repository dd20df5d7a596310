/** KeyPackages (RFC 9420 §10): what a client leaves for others to add it with. */

import { equal, type Rng } from "../bytes/bytes";
import { type Capabilities, greased, MLS_10, ownCapabilities } from "./capabilities";
import { decode, encode, type Reader, type Writer } from "./codec";
import type { Credential } from "./credential";
import { InvalidError } from "./errors";
import { type Extension, readExtensions, writeExtensions } from "./extension";
import { freshHpkeKeys } from "./freshKeys";
import { GREASE_VALUES } from "./grease";
import { draw, type KeyPair } from "./kem";
import { type LeafNode, readLeafNode, signLeafNode, writeLeafNode } from "./leafNode";
import { checkLeafAlone, checkPublicKey } from "./leafValidation";
import type { CipherSuite } from "./suite";

export type KeyPackage = {
  readonly version: number;
  readonly suite: number;
  readonly initKey: Uint8Array;
  readonly leafNode: LeafNode;
  readonly extensions: readonly Extension[];
  readonly signature: Uint8Array;
};

type UnsignedKeyPackage = Omit<KeyPackage, "signature">;

export type KeyPackageSecrets = {
  readonly initPrivateKey: Uint8Array;
  readonly encryptionPrivateKey: Uint8Array;
  readonly signaturePrivateKey: Uint8Array;
};

const SIGNATURE_LABEL = "KeyPackageTBS";
const REFERENCE_LABEL = "MLS 1.0 KeyPackage Reference";
const MAX_GREASE_DATA = 16;

function writeUnsigned(writer: Writer, keyPackage: UnsignedKeyPackage): void {
  writer.uint16(keyPackage.version).uint16(keyPackage.suite).opaque(keyPackage.initKey);
  writeLeafNode(writer, keyPackage.leafNode);
  writeExtensions(writer, keyPackage.extensions);
}

export function writeKeyPackage(writer: Writer, keyPackage: KeyPackage): void {
  writeUnsigned(writer, keyPackage);
  writer.opaque(keyPackage.signature);
}

export function readKeyPackage(reader: Reader): KeyPackage {
  return {
    version: reader.uint16(),
    suite: reader.uint16(),
    initKey: reader.opaque(),
    leafNode: readLeafNode(reader),
    extensions: readExtensions(reader),
    signature: reader.opaque(),
  };
}

export const encodeKeyPackage = (keyPackage: KeyPackage): Uint8Array =>
  encode((writer) => writeKeyPackage(writer, keyPackage));

/** The structure itself, not an MLSMessage around it. @throws DecodeError */
export const decodeKeyPackage = (bytes: Uint8Array): KeyPackage => decode(bytes, readKeyPackage);

/** RFC 9420 §5.2: the name by which a Welcome finds its KeyPackage. */
export function keyPackageRef(suite: CipherSuite, bytes: Uint8Array): Uint8Array {
  return suite.refHash(REFERENCE_LABEL, bytes);
}

export type KeyPackageInput = {
  readonly signature: KeyPair;
  readonly credential: Credential;
  /** Taken as they are. Without them: what this program can do, with GREASE here and in the extensions. */
  readonly capabilities?: Capabilities;
  /** Extension types that those name besides (RFC 9420 §10). */
  readonly listed?: readonly number[];
  /** Seconds since 1970. */
  readonly notBefore: bigint;
  readonly notAfter: bigint;
  readonly extensions?: readonly Extension[];
  readonly leafExtensions?: readonly Extension[];
};

/** An extension that means nothing, of the GREASE type that the capabilities list (RFC 9420 §13.5). */
function greaseExtensions(capabilities: Capabilities, rng: Rng): readonly Extension[] {
  const length = draw(rng, 1)[0]! % MAX_GREASE_DATA;
  return capabilities.extensions
    .filter((type) => GREASE_VALUES.includes(type))
    .map((type) => ({ type, data: draw(rng, length) }));
}

/** A new KeyPackage, its bytes, and the private keys that belong to it. */
export function createKeyPackage(
  suite: CipherSuite,
  input: KeyPackageInput,
  rng: Rng,
): { readonly keyPackage: KeyPackage; readonly bytes: Uint8Array; readonly secrets: KeyPackageSecrets } {
  const capabilities = input.capabilities ?? greased(ownCapabilities(suite, input.listed), rng);
  const grease = input.capabilities === undefined ? greaseExtensions(capabilities, rng) : [];
  const init = freshHpkeKeys(suite, rng);
  const encryption = freshHpkeKeys(suite, rng);
  const leafNode = signLeafNode(
    suite,
    {
      encryptionKey: encryption.publicKey,
      signatureKey: input.signature.publicKey,
      credential: input.credential,
      capabilities,
      source: { kind: "key_package", notBefore: input.notBefore, notAfter: input.notAfter },
      extensions: [...(input.leafExtensions ?? []), ...grease],
    },
    input.signature.privateKey,
    null,
  );
  const unsigned: UnsignedKeyPackage = {
    version: MLS_10,
    suite: suite.id,
    initKey: init.publicKey,
    leafNode,
    extensions: [...(input.extensions ?? []), ...grease],
  };
  const keyPackage = {
    ...unsigned,
    signature: suite.signWithLabel(input.signature.privateKey, SIGNATURE_LABEL, toBeSigned(unsigned)),
  };
  return {
    keyPackage,
    bytes: encodeKeyPackage(keyPackage),
    secrets: {
      initPrivateKey: init.privateKey,
      encryptionPrivateKey: encryption.privateKey,
      signaturePrivateKey: input.signature.privateKey,
    },
  };
}

function toBeSigned(keyPackage: UnsignedKeyPackage): Uint8Array {
  return encode((writer) => writeUnsigned(writer, keyPackage));
}

/**
 * RFC 9420 §10.1, all of it but what depends on the group (`checkLeafInGroup`), on the clock and on the AS: those are
 * the caller's. @throws InvalidError
 */
export function verifyKeyPackage(suite: CipherSuite, keyPackage: KeyPackage): void {
  const { leafNode, initKey } = keyPackage;
  if (keyPackage.version !== MLS_10 || keyPackage.suite !== suite.id) {
    throw new InvalidError("v401_key_package_suite", "a KeyPackage of another version or cipher suite");
  }
  checkLeafAlone(suite, leafNode, "key_package", null);
  const signed = toBeSigned(keyPackage);
  if (!suite.verifyWithLabel(leafNode.signatureKey, SIGNATURE_LABEL, signed, keyPackage.signature)) {
    throw new InvalidError("v402_key_package_signature", "a KeyPackage's signature is not its leaf's");
  }
  if (equal(initKey, leafNode.encryptionKey)) {
    throw new InvalidError("v403_init_key_reused", "a KeyPackage's init key is its encryption key");
  }
  checkPublicKey(suite, initKey, "v404_init_key");
  // Extensions that no capability lists are ignored: §10.1 does not refuse them, and others send GREASE so.
}
