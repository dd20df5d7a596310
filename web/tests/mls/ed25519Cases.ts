/**
 * Signatures at the edges of the one rule (E3), made from fixed seeds. They are written to tests/agreement/ of the
 * repository, so that every language judges the same bytes.
 */

import { ED25519_TORSION_SUBGROUP, ed25519 } from "@noble/curves/ed25519.js";
import { bytesToNumberLE, numberToBytesLE } from "@noble/curves/utils.js";
import { sha512 } from "@noble/hashes/sha2.js";
import { concat, fromHex, toHex, u32, utf8 } from "../../src/bytes/bytes";

export type Case = {
  readonly name: string;
  readonly public_key: string;
  readonly message: string;
  readonly signature: string;
  readonly valid: boolean;
};

const { Point } = ed25519;
const L = Point.Fn.ORDER;
const P = Point.Fp.ORDER;
const MAX_TRIES = 1000;

const scalarBytes = (value: bigint) => numberToBytesLE(value, 32);
const secretScalar = (name: string) => bytesToNumberLE(sha512(utf8(name))) % L;
const challenge = (r: Uint8Array, a: Uint8Array, message: Uint8Array) =>
  bytesToNumberLE(sha512(concat(r, a, message))) % L;

const TORSION = ED25519_TORSION_SUBGROUP.map((hex) => Point.fromHex(hex));
const ORDER_8 = TORSION.find((point) => !point.double().double().is0())!;

const a = secretScalar("a");
const A = Point.BASE.multiply(a);
const r = secretScalar("r");
const R = Point.BASE.multiply(r);

type Made = { publicKey: Uint8Array; message: Uint8Array; signature: Uint8Array };

/** S = r + k·a over R as encoded; the first of the numbered messages whose challenge suits. */
function make(
  aBytes: Uint8Array,
  rBytes: Uint8Array,
  rScalar: bigint,
  aScalar: bigint,
  suits: (k: bigint) => boolean = () => true,
): Made {
  for (let i = 0; i < MAX_TRIES; i++) {
    const message = concat(utf8("message "), u32(i));
    const k = challenge(rBytes, aBytes, message);
    if (!suits(k)) continue;
    const s = (rScalar + k * aScalar) % L;
    return { publicKey: aBytes, message, signature: concat(rBytes, scalarBytes(s)) };
  }
  throw new Error("no message suits");
}

const withS = (made: Made, s: bigint): Made => ({
  ...made,
  signature: concat(made.signature.slice(0, 32), scalarBytes(s)),
});
const sOf = (made: Made) => bytesToNumberLE(made.signature.slice(32));

function* cases(): Generator<[name: string, valid: boolean, made: Made]> {
  const plain = make(A.toBytes(), R.toBytes(), r, a);
  yield ["plain", true, plain];
  yield ["another message", false, { ...plain, message: utf8("another") }];
  yield ["another key", false, { ...plain, publicKey: R.toBytes() }];
  yield ["S + 1", false, withS(plain, (sOf(plain) + 1n) % L)];
  yield ["S + L", false, withS(plain, sOf(plain) + L)];
  yield ["S + 8L", false, withS(plain, sOf(plain) + 8n * L)];
  yield ["S = 2^256 - 1", false, withS(plain, 2n ** 256n - 1n)];

  // Check 1: keys of small order, in every spelling. The signature fits the equation, whatever k is.
  for (const [i, T] of TORSION.entries()) {
    const fits = make(T.toBytes(), R.toBytes(), r, 0n, (k) => k % 8n === 0n);
    yield [`A of small order ${i}`, false, fits];
  }
  for (const spelling of nonCanonicalSpellings()) {
    const fits = make(spelling, R.toBytes(), r, 0n, (k) => k % 8n === 0n);
    yield [`A non-canonical ${toHex(spelling)}`, false, fits];
  }
  const notOnCurve = fromHex(`02${"00".repeat(31)}`);
  yield ["A not on the curve", false, make(notOnCurve, R.toBytes(), r, a)];

  // Check 3: R of small order is a signature if the equation says so, but only in its one spelling.
  yield ["R the identity", true, make(A.toBytes(), Point.ZERO.toBytes(), 0n, a)];
  for (const spelling of nonCanonicalSpellings()) {
    yield [`R non-canonical ${toHex(spelling)}`, false, make(A.toBytes(), spelling, 0n, a)];
  }
  for (const [i, T] of TORSION.entries()) {
    if (!T.is0())
      yield [
        `R of small order ${i}, right only with the cofactor`,
        false,
        make(A.toBytes(), T.toBytes(), 0n, a),
      ];
  }

  // Points of mixed order: with the cofactor all of these would hold.
  const mixedA = A.add(ORDER_8).toBytes();
  const mixedR = R.add(ORDER_8).toBytes();
  yield ["R of mixed order", false, make(A.toBytes(), mixedR, r, a)];
  for (const rest of [1n, 2n, 4n, 7n]) {
    yield [
      `A of mixed order, k mod 8 = ${rest}`,
      false,
      make(mixedA, R.toBytes(), r, a, (k) => k % 8n === rest),
    ];
  }
  yield ["A of mixed order, k mod 8 = 0", true, make(mixedA, R.toBytes(), r, a, (k) => k % 8n === 0n)];
  // [S]B − [k](A + T) = R + T where k ≡ −1 (mod 8): mixed on both sides, and the equation holds exactly.
  yield ["A and R of mixed order, k mod 8 = 7", true, make(mixedA, mixedR, r, a, (k) => k % 8n === 7n)];
  const small = ORDER_8.toBytes();
  yield [
    "R of small order, A of mixed order, k mod 8 = 7",
    true,
    make(mixedA, small, 0n, a, (k) => k % 8n === 7n),
  ];
  yield ["A and R of mixed order, k mod 8 = 1", false, make(mixedA, mixedR, r, a, (k) => k % 8n === 1n)];
}

/** Encodings that noble reads under ZIP 215 and strict decoding refuses: y ≥ p, or a zero x with its sign set. */
function nonCanonicalSpellings(): Uint8Array[] {
  const found: Uint8Array[] = [];
  for (let y = P; y < 2n ** 255n; y++) {
    for (const sign of [0, 0x80]) found.push(spelling(y, sign));
  }
  found.push(spelling(1n, 0x80), spelling(P - 1n, 0x80));
  return found.filter(isLenientPoint);
}

function spelling(y: bigint, sign: number): Uint8Array {
  const bytes = numberToBytesLE(y, 32);
  bytes[31] = bytes[31]! | sign;
  return bytes;
}

function isLenientPoint(bytes: Uint8Array): boolean {
  try {
    Point.fromBytes(bytes, true);
    return true;
  } catch {
    return false;
  }
}

export function edgeCases(): Case[] {
  return [...cases()].map(([name, valid, { publicKey, message, signature }]) => ({
    name,
    public_key: toHex(publicKey),
    message: toHex(message),
    signature: toHex(signature),
    valid,
  }));
}
