/**
 * Ed25519 (RFC 8032) under one rule for what is a signature, the same in every language (E3):
 *
 *   1. A decodes canonically and is not of small order
 *   2. S < L
 *   3. encode([S]B − [k]A) equals the bytes of R, with k = SHA-512(R ‖ A ‖ M) mod L
 *
 * There is no cofactor in 3, and R is compared as bytes, so a non-canonical R fails by itself. Libraries that multiply
 * by the cofactor would accept what other members refuse.
 */

import { sha512 } from "@noble/hashes/sha2.js";
import { concat, equal, type Rng, wipe } from "../bytes/bytes";
import {
  decodePoint,
  encodePoint,
  isSmallOrder,
  multiplyBase,
  negate,
  ORDER,
  PreparedPoint,
} from "./edwards25519";
import { draw, type KeyPair, requireKeyLength } from "./kem";

export const SECRET_LENGTH = 32;
export const PUBLIC_LENGTH = 32;
export const SIGNATURE_LENGTH = 64;

export function generate(rng: Rng): KeyPair {
  const privateKey = draw(rng, SECRET_LENGTH);
  return { privateKey, publicKey: publicKey(privateKey) };
}

/** The public key of a seed of 32 bytes. @throws KeyError when it is of another length. */
export function publicKey(privateKey: Uint8Array): Uint8Array {
  const { scalar, prefix } = expandSeed(privateKey);
  const encoded = encodePoint(multiplyBase(scalar));
  wipe(scalar, prefix);
  return encoded;
}

/** RFC 8032 §5.1.6. @throws KeyError when the private key is not of 32 bytes. */
export function sign(privateKey: Uint8Array, message: Uint8Array): Uint8Array {
  const { scalar, prefix } = expandSeed(privateKey);
  // The public key is computed and never taken from outside: with another one the signature would tell the secret.
  const a = encodePoint(multiplyBase(scalar));
  const nonce = numberOf(sha512(concat(prefix, message))) % ORDER;
  const r = encodePoint(multiplyBase(bytesOf(nonce)));
  const k = numberOf(sha512(concat(r, a, message))) % ORDER;
  const s = (nonce + k * numberOf(scalar)) % ORDER;
  wipe(scalar, prefix);
  return concat(r, bytesOf(s));
}

/** Whether the signature holds by the rule above. Never throws: all three arguments may come from anyone. */
export function verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== PUBLIC_LENGTH || signature.length !== SIGNATURE_LENGTH) return false;
  const negativeA = prepared(publicKey);
  if (negativeA === null) return false;
  const r = signature.subarray(0, 32);
  const s = numberOf(signature.subarray(32));
  if (s >= ORDER) return false;
  const k = numberOf(sha512(concat(r, publicKey, message))) % ORDER;
  // Everything here is public, so that its time may vary.
  return equal(encodePoint(negativeA.sumWithBase(s, k)), r);
}

/** Whether the bytes are a key that `verify` could ever accept a signature of. */
export function isPublicKey(bytes: Uint8Array): boolean {
  return bytes.length === PUBLIC_LENGTH && prepared(bytes) !== null;
}

type Known = { readonly bytes: Uint8Array; readonly negative: PreparedPoint | null };

/** By the array that holds the key: a tree keeps its leaves' keys from epoch to epoch, and who speaks, speaks again. */
const known = new WeakMap<Uint8Array, Known>();

/** The point −A, or null when the bytes fail check 1. */
function prepared(publicKey: Uint8Array): PreparedPoint | null {
  const found = known.get(publicKey);
  // Whoever wrote into the array since then made it another key.
  if (found !== undefined && equal(found.bytes, publicKey)) return found.negative;
  const point = decodePoint(publicKey);
  const negative = point === undefined || isSmallOrder(point) ? null : new PreparedPoint(negate(point));
  known.set(publicKey, { bytes: publicKey.slice(), negative });
  return negative;
}

/** RFC 8032 §5.1.5. */
function expandSeed(privateKey: Uint8Array): { readonly scalar: Uint8Array; readonly prefix: Uint8Array } {
  requireKeyLength("an Ed25519 private key", privateKey, SECRET_LENGTH);
  const hash = sha512(privateKey);
  const scalar = hash.slice(0, 32);
  scalar[0]! &= 0xf8;
  scalar[31] = (scalar[31]! & 0x7f) | 0x40;
  const prefix = hash.slice(32);
  wipe(hash);
  return { scalar, prefix };
}

/** Of bytes with the least significant first. */
function numberOf(bytes: Uint8Array): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let value = 0n;
  for (let at = bytes.length - 8; at >= 0; at -= 8) value = (value << 64n) | view.getBigUint64(at, true);
  return value;
}

function bytesOf(value: bigint): Uint8Array {
  const out = new DataView(new ArrayBuffer(32));
  for (let i = 0; i < 4; i++) out.setBigUint64(8 * i, BigInt.asUintN(64, value >> BigInt(64 * i)), true);
  return new Uint8Array(out.buffer);
}
