/** Cipher suites of MLS: which algorithms a number stands for, and the labelled functions of RFC 9420 over them. */

import { EMPTY, equal, type Rng, utf8 } from "../bytes/bytes";
import { AES_256_GCM, type Aead } from "./aead";
import { encode } from "./codec";
import { SuiteError } from "./errors";
import type { HpkeCiphertext, HpkeExport } from "./hpke";
import * as hpke from "./hpke";
import { HKDF_SHA384, type Kdf } from "./kdf";
import type { Kem, KeyPair } from "./kem";
import { ED25519, type SignatureScheme } from "./signature";
import { signContent } from "./signLabel";
import { MLKEM768_X25519 } from "./xwing";

export type { HpkeCiphertext, HpkeExport, KeyPair };

/** E1: KEM 0x647a, HKDF-SHA384, AES-256-GCM, Ed25519. A number of the private range until one is assigned. */
export const ROOM_SUITE = 0xfc02;

/** @throws KeyError when the public key is not one. */
export type Encrypter = (publicKey: Uint8Array, plaintext: Uint8Array, rng: Rng) => HpkeCiphertext;

export interface CipherSuite {
  readonly id: number;
  readonly name: string;
  /** KDF.Nh, AEAD.Nk, AEAD.Nn: bytes in a secret, an AEAD key, an AEAD nonce. */
  readonly nh: number;
  readonly nk: number;
  readonly nn: number;

  hash(data: Uint8Array): Uint8Array;
  mac(key: Uint8Array, data: Uint8Array): Uint8Array;
  /** In time that depends on lengths alone. */
  verifyMac(key: Uint8Array, data: Uint8Array, tag: Uint8Array): boolean;
  extract(salt: Uint8Array, ikm: Uint8Array): Uint8Array;
  expand(prk: Uint8Array, info: Uint8Array, length: number): Uint8Array;
  /** RFC 9420 §8. The label without "MLS 1.0 ". */
  expandWithLabel(secret: Uint8Array, label: string, context: Uint8Array, length: number): Uint8Array;
  deriveSecret(secret: Uint8Array, label: string): Uint8Array;
  /** RFC 9420 §9. */
  deriveTreeSecret(secret: Uint8Array, label: string, generation: number, length: number): Uint8Array;
  /** RFC 9420 §5.2. The label whole. */
  refHash(label: string, value: Uint8Array): Uint8Array;

  /** The caller says why this key and nonce never meet another plaintext. */
  seal(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): Uint8Array;
  /** @throws AeadError */
  open(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, ciphertext: Uint8Array): Uint8Array;

  /** The KEM's DeriveKeyPair (RFC 9180 §4; E2). */
  deriveKeyPair(ikm: Uint8Array): KeyPair;
  /** Whether anybody can encrypt to it. @throws KeyError */
  checkPublicKey(publicKey: Uint8Array): void;
  /** @throws KeyError when the public key is not one. */
  hpkeSeal(
    publicKey: Uint8Array,
    info: Uint8Array,
    aad: Uint8Array,
    plaintext: Uint8Array,
    rng: Rng,
  ): HpkeCiphertext;
  /** @throws KeyError | AeadError */
  hpkeOpen(privateKey: Uint8Array, ct: HpkeCiphertext, info: Uint8Array, aad: Uint8Array): Uint8Array;
  hpkeExportSender(
    publicKey: Uint8Array,
    info: Uint8Array,
    exporterContext: Uint8Array,
    length: number,
    rng: Rng,
  ): HpkeExport;
  hpkeExportReceiver(
    privateKey: Uint8Array,
    kemOutput: Uint8Array,
    info: Uint8Array,
    exporterContext: Uint8Array,
    length: number,
  ): Uint8Array;
  /** EncryptWithLabel of RFC 9420 §5.1.3 for any number of recipients. The label without "MLS 1.0 ". */
  encrypterWithLabel(label: string, context: Uint8Array): Encrypter;
  decryptWithLabel(
    privateKey: Uint8Array,
    label: string,
    context: Uint8Array,
    ct: HpkeCiphertext,
  ): Uint8Array;

  signatureKeyPair(rng: Rng): KeyPair;
  signaturePublicKey(privateKey: Uint8Array): Uint8Array;
  sign(privateKey: Uint8Array, data: Uint8Array): Uint8Array;
  verify(publicKey: Uint8Array, data: Uint8Array, signature: Uint8Array): boolean;
  /** RFC 9420 §5.1.2. The label without "MLS 1.0 ". */
  signWithLabel(privateKey: Uint8Array, label: string, content: Uint8Array): Uint8Array;
  verifyWithLabel(publicKey: Uint8Array, label: string, content: Uint8Array, signature: Uint8Array): boolean;
}

type Parts = {
  readonly id: number;
  readonly name: string;
  readonly kem: Kem;
  readonly kdf: Kdf;
  readonly aead: Aead;
  readonly signature: SignatureScheme;
};

const LABEL_PREFIX = "MLS 1.0 ";

/** KDFLabel of RFC 9420 §8. */
function kdfLabel(label: string, context: Uint8Array, length: number): Uint8Array {
  return encode((writer) =>
    writer
      .uint16(length)
      .opaque(utf8(LABEL_PREFIX + label))
      .opaque(context),
  );
}

/** EncryptContext of RFC 9420 §5.1.3. */
function encryptContext(label: string, context: Uint8Array): Uint8Array {
  return encode((writer) => writer.opaque(utf8(LABEL_PREFIX + label)).opaque(context));
}

export function cipherSuite(parts: Parts): CipherSuite {
  const { id, name, kem, kdf, aead, signature } = parts;
  const hpkes = hpke.hpkeSuite(kem, kdf, aead);
  const expandWithLabel: CipherSuite["expandWithLabel"] = (secret, label, context, length) =>
    kdf.expand(secret, kdfLabel(label, context, length), length);
  return {
    id,
    name,
    nh: kdf.nh,
    nk: aead.nk,
    nn: aead.nn,

    hash: kdf.hash,
    mac: kdf.mac,
    verifyMac: (key, data, tag) => equal(kdf.mac(key, data), tag),
    extract: kdf.extract,
    expand: kdf.expand,
    expandWithLabel,
    deriveSecret: (secret, label) => expandWithLabel(secret, label, EMPTY, kdf.nh),
    deriveTreeSecret: (secret, label, generation, length) =>
      expandWithLabel(
        secret,
        label,
        encode((writer) => writer.uint32(generation)),
        length,
      ),
    refHash: (label, value) => kdf.hash(encode((writer) => writer.opaque(utf8(label)).opaque(value))),

    seal: aead.seal,
    open: aead.open,

    deriveKeyPair: kem.deriveKeyPair,
    checkPublicKey: kem.checkPublicKey,
    hpkeSeal: (publicKey, info, aad, plaintext, rng) =>
      hpke.seal(hpkes, publicKey, hpke.scheduled(hpkes, info), aad, plaintext, rng),
    hpkeOpen: (privateKey, ct, info, aad) =>
      hpke.open(hpkes, privateKey, ct, hpke.scheduled(hpkes, info), aad),
    hpkeExportSender: (publicKey, info, exporterContext, length, rng) =>
      hpke.sendExport(hpkes, publicKey, hpke.scheduled(hpkes, info), exporterContext, length, rng),
    hpkeExportReceiver: (privateKey, kemOutput, info, exporterContext, length) =>
      hpke.receiveExport(hpkes, privateKey, kemOutput, hpke.scheduled(hpkes, info), exporterContext, length),
    encrypterWithLabel: (label, context) => {
      const info = hpke.scheduled(hpkes, encryptContext(label, context));
      return (publicKey, plaintext, rng) => hpke.seal(hpkes, publicKey, info, EMPTY, plaintext, rng);
    },
    decryptWithLabel: (privateKey, label, context, ct) =>
      hpke.open(hpkes, privateKey, ct, hpke.scheduled(hpkes, encryptContext(label, context)), EMPTY),

    signatureKeyPair: signature.keyPair,
    signaturePublicKey: signature.publicKey,
    sign: signature.sign,
    verify: signature.verify,
    signWithLabel: (privateKey, label, content) =>
      signature.sign(privateKey, signContent(LABEL_PREFIX + label, content)),
    verifyWithLabel: (publicKey, label, content, signed) =>
      signature.verify(publicKey, signContent(LABEL_PREFIX + label, content), signed),
  };
}

/** The one suite of rooms. The others that this program knows (`suites.ts`) are for vectors and interoperability. */
export const roomSuite: CipherSuite = /* @__PURE__ */ cipherSuite({
  id: ROOM_SUITE,
  name: "MLS_128_MLKEM768X25519_AES256GCM_SHA384_Ed25519",
  kem: MLKEM768_X25519,
  kdf: HKDF_SHA384,
  aead: AES_256_GCM,
  signature: ED25519,
});

/** From the number of a suite to its algorithms. @throws SuiteError */
export type SuiteLookup = (id: number) => CipherSuite;

/** E1: there is no fallback, so rooms know no other. @throws SuiteError */
export const roomSuiteOf: SuiteLookup = (id) => {
  if (id !== ROOM_SUITE) throw unknownSuite(id);
  return roomSuite;
};

export function unknownSuite(id: number): SuiteError {
  return new SuiteError(`there is no cipher suite 0x${id.toString(16).padStart(4, "0")} here`);
}
