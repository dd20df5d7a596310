/**
 * Ed25519 (RFC 8032) under one rule for what is a signature, the same in every language (E3):
 *
 *   1. A decodes canonically and is not of small order
 *   2. S < L
 *   3. encode([S]B − [k]A) equals the bytes of R, with k = SHA-512(R ‖ A ‖ M) mod L
 *
 * There is no cofactor in 3, and R is compared as bytes, so a non-canonical R fails by itself.
 * noble's own `verify` multiplies by the cofactor and would accept what other members refuse.
 */

import { ED25519_TORSION_SUBGROUP, ed25519 } from "@noble/curves/ed25519.js";
import { bytesToNumberLE, numberToBytesLE } from "@noble/curves/utils.js";
import { sha512 } from "@noble/hashes/sha2.js";
import { concat, equal, type Rng, wipe } from "../bytes/bytes";
import { draw, type KeyPair, requireKeyLength } from "./kem";
import { signatureOf, verdictOf } from "./trial";

export const SECRET_LENGTH = 32;
export const PUBLIC_LENGTH = 32;
export const SIGNATURE_LENGTH = 64;

const { Point } = ed25519;
type EdwardsPoint = InstanceType<typeof Point>;
const L = Point.Fn.ORDER;
const P = Point.Fp.ORDER;
/** The y of the eight points whose order divides the cofactor: two of each but 1 and −1 differ in x alone. */
const SMALL_ORDER: ReadonlySet<bigint> = new Set(
  ED25519_TORSION_SUBGROUP.map((hex) => Point.fromHex(hex).toAffine().y),
);

export function generate(rng: Rng): KeyPair {
  const privateKey = draw(rng, SECRET_LENGTH);
  return { privateKey, publicKey: ed25519.getPublicKey(privateKey) };
}

/** The public key of a seed of 32 bytes. @throws KeyError when it is of another length. */
export function publicKey(privateKey: Uint8Array): Uint8Array {
  requireKeyLength("an Ed25519 private key", privateKey, SECRET_LENGTH);
  return ed25519.getPublicKey(privateKey);
}

/** RFC 8032 §5.1.6, with noble's points. @throws KeyError when the private key is not of 32 bytes. */
export function sign(privateKey: Uint8Array, message: Uint8Array): Uint8Array {
  requireKeyLength("an Ed25519 private key", privateKey, SECRET_LENGTH);
  const made = signatureOf(privateKey, message);
  if (made !== null) return made;
  const hash = sha512(privateKey);
  const [head, prefix] = [hash.subarray(0, 32), hash.subarray(32)];
  const a = publicKeyOf(privateKey, hash);
  head[0]! &= 0xf8;
  head[31] = (head[31]! & 0x7f) | 0x40;
  const nonce = bytesToNumberLE(sha512(concat(prefix, message))) % L;
  const r = Point.BASE.multiply(nonce).toBytes();
  const k = bytesToNumberLE(sha512(concat(r, a, message))) % L;
  const s = (nonce + k * bytesToNumberLE(head)) % L;
  wipe(hash);
  return concat(r, numberToBytesLE(s, 32));
}

/** By the array that holds the private key, which a state keeps for as long as its leaf has the key. */
const signers = new WeakMap<
  Uint8Array,
  { readonly fingerprint: Uint8Array; readonly publicKey: Uint8Array }
>();

/**
 * The public key, computed once for each private key: half of what a signature costs. A signature under another public
 * key would tell the secret, so that it is known by a hash of the secret and never taken from outside.
 */
function publicKeyOf(privateKey: Uint8Array, hash: Uint8Array): Uint8Array {
  const fingerprint = sha512(hash);
  const known = signers.get(privateKey);
  if (known !== undefined && equal(known.fingerprint, fingerprint)) return known.publicKey;
  const publicKey = ed25519.getPublicKey(privateKey);
  signers.set(privateKey, { fingerprint, publicKey });
  return publicKey;
}

/** Whether the signature holds by the rule above. Never throws: all three arguments may come from anyone. */
export function verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== PUBLIC_LENGTH || signature.length !== SIGNATURE_LENGTH) return false;
  const said = verdictOf(publicKey, message, signature);
  if (said !== null) return said;
  const a = pointOf(publicKey);
  if (a === undefined) return false;
  const r = signature.subarray(0, 32);
  const s = bytesToNumberLE(signature.subarray(32));
  if (s >= L) return false;
  const k = bytesToNumberLE(sha512(concat(r, publicKey, message))) % L;
  // Everything here is public, so the faster multiplications with varying time do no harm.
  const expected = Point.BASE.multiplyUnsafe(s).subtract(a.multiplyUnsafe(k));
  return equal(expected.toBytes(), r);
}

/**
 * Checks 1 and 2, as far as bytes tell: what another implementation of 3 need not look at. A key that is not on the curve
 * may pass; no signature holds under it.
 */
export function mayHold(publicKey: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== PUBLIC_LENGTH || signature.length !== SIGNATURE_LENGTH) return false;
  const y = bytesToNumberLE(publicKey) & (2n ** 255n - 1n);
  return y < P && !SMALL_ORDER.has(y) && bytesToNumberLE(signature.subarray(32)) < L;
}

/** Whether the bytes are a key that `verify` could ever accept a signature of. */
export function isPublicKey(bytes: Uint8Array): boolean {
  return bytes.length === PUBLIC_LENGTH && pointOf(bytes) !== undefined;
}

type KnownKey = { readonly bytes: Uint8Array; readonly point: EdwardsPoint | undefined; uses: number };

/** By the array that holds the key: a tree keeps its leaves' keys from epoch to epoch, and who speaks, speaks again. */
const known = new WeakMap<Uint8Array, KnownKey>();

/** From this use on a table of multiples has paid for itself: some 500 points, and a third of the time. */
const USES_BEFORE_TABLE = 4;
const TABLE_WINDOW = 4;

/** Check 1, once for each key; undefined when it fails. */
function pointOf(publicKey: Uint8Array): EdwardsPoint | undefined {
  let key = known.get(publicKey);
  // Whoever wrote into the array since then made it another key.
  if (key === undefined || !equal(key.bytes, publicKey)) {
    key = { bytes: publicKey.slice(), point: decodePublicKey(publicKey), uses: 0 };
    known.set(publicKey, key);
  }
  if (++key.uses === USES_BEFORE_TABLE) key.point?.precompute(TABLE_WINDOW);
  return key.point;
}

/** noble's strict decoding refuses y ≥ p and a negative zero x. */
function decodePublicKey(bytes: Uint8Array): EdwardsPoint | undefined {
  try {
    const point = Point.fromBytes(bytes, false);
    return point.isSmallOrder() ? undefined : point;
  } catch {
    // Not a point at all: noble says so only by throwing, and for `verify` it is an answer, not a failure.
    return undefined;
  }
}
