/**
 * X-Wing (draft-connolly-cfrg-xwing-kem): ML-KEM-768 and X25519 in one, secure while either holds.
 * As an HPKE KEM it is 0x647a (draft-ietf-hpke-pq), with a DeriveKeyPair of its own.
 */

import { sha3_256, shake256 } from "@noble/hashes/sha3.js";
import { ml_kem768 } from "@noble/post-quantum/ml-kem.js";
import { concat, utf8, wipe } from "../bytes/bytes";
import { KeyError } from "./errors";
import { type Encapsulated, judgeKey, type Kem, type KeyPair, requireKeyLength } from "./kem";
import { twoOctets } from "./labelledKdf";
import { computedOnce } from "./trial";
import { checkX25519PublicKey, x25519Agree, x25519Ephemeral, x25519PublicKey } from "./x25519";

const KEM_ID = 0x647a;
const SEED_LENGTH = 32;
const LATTICE_PUBLIC_LENGTH = 1184;
/** The vector t of an ML-KEM public key; the seed of the matrix follows. */
const LATTICE_VECTOR_LENGTH = 1152;
const LATTICE_MODULUS = 3329;
const LATTICE_OUTPUT_LENGTH = 1088;
const CURVE_LENGTH = 32;
const PUBLIC_LENGTH = LATTICE_PUBLIC_LENGTH + CURVE_LENGTH;
const OUTPUT_LENGTH = LATTICE_OUTPUT_LENGTH + CURVE_LENGTH;
const RANDOM_LENGTH = 64;

/** The draft's XWingLabel, `\.//^\`. */
const LABEL = Uint8Array.of(0x5c, 0x2e, 0x2f, 0x2f, 0x5e, 0x5c);

const DERIVE_LABEL = "DeriveKeyPair";
/** E2: HPKE-v1 ‖ "KEM" ‖ id ‖ length of the label ‖ the label ‖ length of the seed. */
const DERIVE_SUFFIX = concat(
  utf8("HPKE-v1"),
  utf8("KEM"),
  twoOctets(KEM_ID),
  twoOctets(DERIVE_LABEL.length),
  utf8(DERIVE_LABEL),
  twoOctets(SEED_LENGTH),
);

type Expanded = {
  readonly latticePrivate: Uint8Array;
  readonly latticePublic: Uint8Array;
  readonly curvePrivate: Uint8Array;
  readonly curvePublic: Uint8Array;
};

/** The draft's expandDecapsulationKey: the private key is a seed, from which both halves come. */
function expandSeed(seed: Uint8Array): Expanded {
  requireKeyLength("an X-Wing private key", seed, SEED_LENGTH);
  const expanded = shake256(seed, { dkLen: 96 });
  const lattice = ml_kem768.keygen(expanded.subarray(0, 64));
  const curvePrivate = expanded.slice(64);
  wipe(expanded);
  return {
    latticePrivate: lattice.secretKey,
    latticePublic: lattice.publicKey,
    curvePrivate,
    curvePublic: x25519PublicKey(curvePrivate),
  };
}

/** The draft's Combiner. ML-KEM binds its own ciphertext and key, so only those of the curve are hashed in. */
function combine(
  lattice: Uint8Array,
  curve: Uint8Array,
  ciphertext: Uint8Array,
  publicKey: Uint8Array,
): Uint8Array {
  return sha3_256(concat(lattice, curve, ciphertext, publicKey, LABEL));
}

/** The key pair of a seed: the seed itself is the private key. */
export function keyPairOfSeed(seed: Uint8Array): KeyPair {
  const [publicKey] = computedOnce("X-Wing", [seed], () => {
    const keys = expandSeed(seed);
    wipe(keys.latticePrivate, keys.curvePrivate);
    return [concat(keys.latticePublic, keys.curvePublic)];
  });
  return { privateKey: seed.slice(), publicKey: publicKey! };
}

/** FIPS 203 §7.2: every coefficient of an ML-KEM public key, 12 bits each, is below the modulus. */
function isReduced(latticePublic: Uint8Array): boolean {
  for (let i = 0; i < LATTICE_VECTOR_LENGTH; i += 3) {
    const [a, b, c] = [latticePublic[i]!, latticePublic[i + 1]!, latticePublic[i + 2]!];
    if ((a | ((b & 0x0f) << 8)) >= LATTICE_MODULUS || ((b >> 4) | (c << 4)) >= LATTICE_MODULUS) return false;
  }
  return true;
}

function checkPublicKey(publicKey: Uint8Array): void {
  requireKeyLength("an X-Wing public key", publicKey, PUBLIC_LENGTH);
  if (!isReduced(publicKey)) throw new KeyError("an ML-KEM public key that is not reduced");
  checkX25519PublicKey(publicKey.subarray(LATTICE_PUBLIC_LENGTH));
}

/** `randomness`: 32 bytes for ML-KEM, then 32 for the ephemeral X25519 key. */
function encapsulate(publicKey: Uint8Array, randomness: Uint8Array): Encapsulated {
  requireKeyLength("an X-Wing public key", publicKey, PUBLIC_LENGTH);
  requireKeyLength("the randomness of an encapsulation", randomness, RANDOM_LENGTH);
  const latticePublic = publicKey.subarray(0, LATTICE_PUBLIC_LENGTH);
  const curvePublic = publicKey.subarray(LATTICE_PUBLIC_LENGTH);
  const ephemeral = randomness.slice(32);
  const curve = x25519Ephemeral(ephemeral, curvePublic);
  const lattice = latticeEncapsulate(latticePublic, randomness.subarray(0, 32));
  const sharedSecret = combine(lattice.sharedSecret, curve.secret, curve.publicKey, curvePublic);
  wipe(ephemeral, curve.secret, lattice.sharedSecret);
  const kemOutput = concat(lattice.kemOutput, curve.publicKey);
  return { sharedSecret, kemOutput, placeholder: curve.placeholder };
}

/** FIPS 203 §7.2: ML-KEM refuses keys with coefficients that are not reduced. */
function latticeEncapsulate(publicKey: Uint8Array, randomness: Uint8Array): Encapsulated {
  const [sharedSecret, kemOutput] = computedOnce("ML-KEM", [publicKey, randomness], () => {
    const made = judgeKey("an ML-KEM public key", () => ml_kem768.encapsulate(publicKey, randomness));
    return [made.sharedSecret, made.cipherText];
  });
  return { sharedSecret: sharedSecret!, kemOutput: kemOutput! };
}

function decapsulate(kemOutput: Uint8Array, seed: Uint8Array): Uint8Array {
  requireKeyLength("an X-Wing ciphertext", kemOutput, OUTPUT_LENGTH);
  const keys = expandSeed(seed);
  const ciphertext = kemOutput.subarray(LATTICE_OUTPUT_LENGTH);
  const agreed = x25519Agree(keys.curvePrivate, ciphertext);
  // A spoilt ML-KEM ciphertext gives another secret, not an error (FIPS 203 §7.3): the AEAD then fails.
  const lattice = ml_kem768.decapsulate(kemOutput.subarray(0, LATTICE_OUTPUT_LENGTH), keys.latticePrivate);
  const sharedSecret = combine(lattice, agreed, ciphertext, keys.curvePublic);
  wipe(keys.latticePrivate, keys.curvePrivate, agreed, lattice);
  return sharedSecret;
}

export const MLKEM768_X25519: Kem = {
  id: KEM_ID,
  publicKeyLength: PUBLIC_LENGTH,
  privateKeyLength: SEED_LENGTH,
  kemOutputLength: OUTPUT_LENGTH,
  randomLength: RANDOM_LENGTH,
  // E2: not the raw SHAKE256(ikm, 32) of the X-Wing draft.
  deriveKeyPair: (ikm) => keyPairOfSeed(shake256(concat(ikm, DERIVE_SUFFIX), { dkLen: SEED_LENGTH })),
  checkPublicKey,
  encapsulate,
  decapsulate,
};
