/** Cipher suites of MLS: which algorithms a number stands for, and the labelled functions of RFC 9420 over them. */

import type { Rng } from "../bytes/bytes";
import { SuiteError } from "./errors";

export type HpkeCiphertext = { readonly kemOutput: Uint8Array; readonly ciphertext: Uint8Array };
export type HpkeExport = { readonly kemOutput: Uint8Array; readonly secret: Uint8Array };
export type KeyPair = { readonly privateKey: Uint8Array; readonly publicKey: Uint8Array };

/** E1: KEM 0x647a, HKDF-SHA384, AES-256-GCM, Ed25519. A number of the private range until one is assigned. */
export const ROOM_SUITE = 0xfc02;

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
  /** @throws KeyError when the public key is not one. */
  hpkeSeal(publicKey: Uint8Array, info: Uint8Array, aad: Uint8Array, plaintext: Uint8Array, rng: Rng): HpkeCiphertext;
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
  /** RFC 9420 §5.1.3. The label without "MLS 1.0 ". */
  encryptWithLabel(
    publicKey: Uint8Array,
    label: string,
    context: Uint8Array,
    plaintext: Uint8Array,
    rng: Rng,
  ): HpkeCiphertext;
  decryptWithLabel(privateKey: Uint8Array, label: string, context: Uint8Array, ct: HpkeCiphertext): Uint8Array;

  signatureKeyPair(rng: Rng): KeyPair;
  signaturePublicKey(privateKey: Uint8Array): Uint8Array;
  sign(privateKey: Uint8Array, data: Uint8Array): Uint8Array;
  verify(publicKey: Uint8Array, data: Uint8Array, signature: Uint8Array): boolean;
  /** RFC 9420 §5.1.2. The label without "MLS 1.0 ". */
  signWithLabel(privateKey: Uint8Array, label: string, content: Uint8Array): Uint8Array;
  verifyWithLabel(publicKey: Uint8Array, label: string, content: Uint8Array, signature: Uint8Array): boolean;
}

/** @throws SuiteError */
export function suiteOf(id: number): CipherSuite {
  throw new SuiteError(`there is no cipher suite 0x${id.toString(16).padStart(4, "0")} here`);
}
