/** The signature schemes of the cipher suites (RFC 9420 §5.1.2, §17.1). */

import { p256 } from "@noble/curves/nist.js";
import type { Rng } from "../bytes/bytes";
import * as ed25519 from "./ed25519";
import { draw, judgeKey, type KeyPair } from "./kem";

export interface SignatureScheme {
  readonly name: string;
  keyPair(rng: Rng): KeyPair;
  publicKey(privateKey: Uint8Array): Uint8Array;
  sign(privateKey: Uint8Array, data: Uint8Array): Uint8Array;
  /** Never throws: keys and signatures come from peers. */
  verify(publicKey: Uint8Array, data: Uint8Array, signature: Uint8Array): boolean;
}

export const ED25519: SignatureScheme = {
  name: "Ed25519",
  keyPair: ed25519.generate,
  publicKey: ed25519.publicKey,
  sign: ed25519.sign,
  verify: ed25519.verify,
};

const P256_PUBLIC_LENGTH = 65;
/** Enough to reduce to a scalar without bias (FIPS 186-5 §A.2.1). */
const P256_SEED_LENGTH = 48;

/** ECDSA over P-256 and SHA-256; signatures are DER, public keys uncompressed points (RFC 9420 §5.1.2). */
export const ECDSA_P256: SignatureScheme = {
  name: "P256",
  keyPair: (rng) => {
    const { secretKey } = p256.keygen(draw(rng, P256_SEED_LENGTH));
    return { privateKey: secretKey, publicKey: p256.getPublicKey(secretKey, false) };
  },
  publicKey: (privateKey) => judgeKey("a P-256 private key", () => p256.getPublicKey(privateKey, false)),
  sign: (privateKey, data) =>
    judgeKey("a P-256 private key", () => p256.sign(data, privateKey, { format: "der", prehash: true })),
  verify: (publicKey, data, signature) => {
    if (publicKey.length !== P256_PUBLIC_LENGTH || publicKey[0] !== 0x04) return false;
    try {
      // Others sign with either of the two values of s: ECDSA as FIPS 186-5 has it.
      return p256.verify(signature, data, publicKey, { format: "der", prehash: true, lowS: false });
    } catch {
      // Not a point, or not DER: for a signature that is an answer, not a failure.
      return false;
    }
  },
};
