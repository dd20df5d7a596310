/** DHKEM (RFC 9180 §4.1) over X25519 and P-256: suites 1 to 3, for vectors and interoperability (E1). */

import { p256 } from "@noble/curves/nist.js";
import { concat, EMPTY, utf8, wipe } from "../bytes/bytes";
import { KeyError } from "./errors";
import { HKDF_SHA256 } from "./kdf";
import { judgeKey, type Kem, type KeyPair, requireKeyLength } from "./kem";
import { type LabelledKdf, labelledKdf, twoOctets } from "./labelledKdf";
import type { Agreed } from "./trial";
import { checkX25519PublicKey, x25519Agree, x25519Ephemeral, x25519PublicKey } from "./x25519";

/** RFC 9180 §7.1.3: a counter of one octet. */
const MAX_P256_CANDIDATES = 256;
const P256_PUBLIC_LENGTH = 65;
const UNCOMPRESSED = 0x04;

interface Group {
  readonly id: number;
  readonly publicKeyLength: number;
  derivePrivateKey(kdf: LabelledKdf, ikm: Uint8Array): Uint8Array;
  publicKey(privateKey: Uint8Array): Uint8Array;
  checkPublicKey(publicKey: Uint8Array): void;
  /** Nothing but a point of the group that makes a secret: RFC 9180 §7.1.4. */
  agree(privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array;
  /** Both at once, of a key that is used for one encapsulation. */
  ephemeral(privateKey: Uint8Array, publicKey: Uint8Array): Agreed;
}

const X25519: Group = {
  id: 0x0020,
  publicKeyLength: 32,
  // RFC 9180 §7.1.3
  derivePrivateKey: (kdf, ikm) => kdf.expand(kdf.extract(EMPTY, "dkp_prk", ikm), "sk", EMPTY, 32),
  publicKey: x25519PublicKey,
  checkPublicKey: checkX25519PublicKey,
  agree: x25519Agree,
  ephemeral: x25519Ephemeral,
};

const P256: Group = {
  id: 0x0010,
  publicKeyLength: P256_PUBLIC_LENGTH,
  // RFC 9180 §7.1.3: candidates until one is a scalar of the group. The order is near 2^256: the first one serves.
  derivePrivateKey: (kdf, ikm) => {
    const prk = kdf.extract(EMPTY, "dkp_prk", ikm);
    for (let counter = 0; counter < MAX_P256_CANDIDATES; counter++) {
      const privateKey = kdf.expand(prk, "candidate", Uint8Array.of(counter), 32);
      if (p256.utils.isValidSecretKey(privateKey)) return privateKey;
    }
    throw new KeyError("no key pair comes of this seed");
  },
  publicKey: p256PublicKey,
  checkPublicKey: checkP256PublicKey,
  agree: p256Agree,
  ephemeral: (privateKey, publicKey) => ({
    publicKey: p256PublicKey(privateKey),
    secret: p256Agree(privateKey, publicKey),
  }),
};

/** Points have one spelling only (RFC 9180 §7.1.1): noble reads others too. */
function requireUncompressed(publicKey: Uint8Array): void {
  requireKeyLength("a P-256 public key", publicKey, P256_PUBLIC_LENGTH);
  if (publicKey[0] !== UNCOMPRESSED) throw new KeyError("a P-256 public key that is not uncompressed");
}

/** The group is of prime order: every point on the curve makes a secret with every scalar. */
function checkP256PublicKey(publicKey: Uint8Array): void {
  requireUncompressed(publicKey);
  judgeKey("a P-256 public key", () => p256.Point.fromBytes(publicKey).assertValidity());
}

function p256PublicKey(privateKey: Uint8Array): Uint8Array {
  return p256.getPublicKey(privateKey, false);
}

function p256Agree(privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array {
  requireUncompressed(publicKey);
  const point = judgeKey("a P-256 public key", () => p256.getSharedSecret(privateKey, publicKey, false));
  return point.slice(1, 33);
}

function dhkem(group: Group): Kem {
  const kdf = labelledKdf(HKDF_SHA256, concat(utf8("KEM"), twoOctets(group.id)));
  // RFC 9180 §4.1, ExtractAndExpand
  const secretOf = (agreed: Uint8Array, kemOutput: Uint8Array, publicKey: Uint8Array) => {
    const prk = kdf.extract(EMPTY, "eae_prk", agreed);
    return kdf.expand(prk, "shared_secret", concat(kemOutput, publicKey), HKDF_SHA256.nh);
  };
  return {
    id: group.id,
    publicKeyLength: group.publicKeyLength,
    privateKeyLength: 32,
    kemOutputLength: group.publicKeyLength,
    randomLength: 32,
    deriveKeyPair: (ikm): KeyPair => {
      const privateKey = group.derivePrivateKey(kdf, ikm);
      return { privateKey, publicKey: group.publicKey(privateKey) };
    },
    checkPublicKey: group.checkPublicKey,
    encapsulate: (publicKey, randomness) => {
      const privateKey = group.derivePrivateKey(kdf, randomness);
      const ephemeral = group.ephemeral(privateKey, publicKey);
      const sharedSecret = secretOf(ephemeral.secret, ephemeral.publicKey, publicKey);
      wipe(ephemeral.secret, privateKey);
      return { sharedSecret, kemOutput: ephemeral.publicKey, placeholder: ephemeral.placeholder };
    },
    decapsulate: (kemOutput, privateKey) => {
      requireKeyLength("a private key", privateKey, 32);
      const agreed = group.agree(privateKey, kemOutput);
      const own = judgeKey("a private key", () => group.publicKey(privateKey));
      const sharedSecret = secretOf(agreed, kemOutput, own);
      wipe(agreed);
      return sharedSecret;
    },
  };
}

export const DHKEM_X25519: Kem = dhkem(X25519);
export const DHKEM_P256: Kem = dhkem(P256);
