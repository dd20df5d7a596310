/**
 * Ed25519 and X25519 as the platform has them (Web Cryptography): several times as fast as ours, and only asynchronous.
 *
 * E3: it is used where a self-test over the edges of the rule shows that it takes no signature that we refuse. It may
 * refuse more than we do (Web Cryptography wants an R that is not of small order), so only its yes counts as an answer.
 */

import { ED25519_TORSION_SUBGROUP, ed25519 } from "@noble/curves/ed25519.js";
import { bytesToNumberLE, numberToBytesLE } from "@noble/curves/utils.js";
import { sha512 } from "@noble/hashes/sha2.js";
import { concat, equal, fromHex, u32, utf8 } from "../bytes/bytes";
import { mayHold, sign as signHere, verify } from "./ed25519";
import type { Agreed, Agreement, Signing, Verification } from "./trial";
import { x25519Ephemeral } from "./x25519";

export interface PlatformCurves {
  /** Whether the platform says that the signature holds. False says nothing. */
  holds(question: Verification): Promise<boolean>;
  /** Null where the platform has no answer, as for a key of small order. */
  agree(question: Agreement): Promise<Agreed | null>;
  /** Null where the platform has no answer. */
  sign(question: Signing): Promise<Uint8Array | null>;
}

/** RFC 8410 §7: what stands in front of the 32 bytes of a private key. */
const X25519_PKCS8 = fromHex("302e020100300506032b656e04220420");
const ED25519_PKCS8 = fromHex("302e020100300506032b657004220420");
const BASE_POINT = Uint8Array.of(9, ...new Uint8Array(31));

const own = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => new Uint8Array(bytes);

async function holds({ publicKey, message, signature }: Verification): Promise<boolean> {
  if (!mayHold(publicKey, signature)) return false;
  const { subtle } = globalThis.crypto;
  try {
    const key = await subtle.importKey("raw", own(publicKey), "Ed25519", false, ["verify"]);
    return await subtle.verify("Ed25519", key, own(signature), own(message));
  } catch {
    // Not a point, or no such algorithm here: no answer, and it is computed.
    return false;
  }
}

async function agree({ privateKey, publicKey }: Agreement): Promise<Agreed | null> {
  const { subtle } = globalThis.crypto;
  const encoded = own(concat(X25519_PKCS8, privateKey));
  try {
    const key = await subtle.importKey("pkcs8", encoded, "X25519", false, ["deriveBits"]);
    const with_ = async (other: Uint8Array): Promise<Uint8Array> => {
      const imported = await subtle.importKey("raw", own(other), "X25519", false, []);
      return new Uint8Array(await subtle.deriveBits({ name: "X25519", public: imported }, key, 256));
    };
    const [secret, ephemeral] = await Promise.all([with_(publicKey), with_(BASE_POINT)]);
    return { publicKey: ephemeral, secret };
  } catch {
    // A result of zero, or no such algorithm here: it is computed, and refused there.
    return null;
  } finally {
    encoded.fill(0);
  }
}

async function sign({ privateKey, message }: Signing): Promise<Uint8Array | null> {
  const { subtle } = globalThis.crypto;
  const encoded = own(concat(ED25519_PKCS8, privateKey));
  try {
    const key = await subtle.importKey("pkcs8", encoded, "Ed25519", false, ["sign"]);
    return new Uint8Array(await subtle.sign("Ed25519", key, own(message)));
  } catch {
    // No such algorithm here: it is computed.
    return null;
  } finally {
    encoded.fill(0);
  }
}

/** The platform's curves; null where it has none, or judges otherwise than E3 allows. Examined once. */
export function platformCurves(): Promise<PlatformCurves | null> {
  examined ??= examine({ holds, agree, sign });
  return examined;
}

let examined: Promise<PlatformCurves | null> | undefined;

/** The same of any: null where it is not fit. */
export async function examine(curves: PlatformCurves): Promise<PlatformCurves | null> {
  for (const question of edges()) {
    if ((await curves.holds(question)) && !verify(question.publicKey, question.message, question.signature))
      return null;
  }
  if (!(await curves.holds(ordinary()))) return null;
  // RFC 7748 §5: the top bit of a public key is not looked at.
  const publicKey = own(BASE_POINT).fill(0xee, 1);
  const privateKey = sha512(utf8("X25519")).subarray(0, 32);
  const expected = x25519Ephemeral(privateKey, publicKey);
  const found = await curves.agree({ privateKey, publicKey });
  if (found === null || !equal(found.secret, expected.secret) || !equal(found.publicKey, expected.publicKey))
    return null;
  // RFC 8032 §5.1.6: signatures follow from key and message. Some platforms mix randomness in: they do not sign for us.
  const signature = await curves.sign({ privateKey, message: publicKey });
  return signature !== null && equal(signature, signHere(privateKey, publicKey))
    ? curves
    : { ...curves, sign: async () => null };
}

const { Point } = ed25519;
const L = Point.Fn.ORDER;
const secretScalar = (name: string): bigint => bytesToNumberLE(sha512(utf8(name))) % L;

function ordinary(): Verification {
  const a = secretScalar("a");
  const r = secretScalar("r");
  const rBytes = Point.BASE.multiply(r).toBytes();
  return signed(Point.BASE.multiply(a).toBytes(), rBytes, r, a, () => true);
}

/** S = r + k·a, over the first message whose challenge k suits. */
function signed(
  publicKey: Uint8Array,
  rBytes: Uint8Array,
  r: bigint,
  a: bigint,
  suits: (k: bigint) => boolean,
): Verification {
  for (let i = 0; ; i++) {
    const message = u32(i);
    const k = bytesToNumberLE(sha512(concat(rBytes, publicKey, message))) % L;
    if (!suits(k)) continue;
    const signature = concat(rBytes, numberToBytesLE((r + k * a) % L, 32));
    return { publicKey, message, signature };
  }
}

/** Where implementations differ: what only the equation with cofactor takes, and other spellings of R, of A and of S. */
function edges(): Verification[] {
  const a = secretScalar("a");
  const r = secretScalar("r");
  const torsion = Point.fromHex(ED25519_TORSION_SUBGROUP[1]!);
  const publicKey = Point.BASE.multiply(a).toBytes();
  const rBytes = Point.BASE.multiply(r).toBytes();
  const odd = (k: bigint): boolean => k % 2n === 1n;
  const any = (): boolean => true;
  const mixed = Point.BASE.multiply(a).add(torsion).toBytes();
  const mixedR = Point.BASE.multiply(r).add(torsion).toBytes();
  // The identity, whose y is 1, as p + 1 and with the sign of a zero.
  const large = fromHex(`ee${"ff".repeat(30)}7f`);
  const signedZero = fromHex(`01${"00".repeat(30)}80`);
  const plain = ordinary();
  const largeS = numberToBytesLE(bytesToNumberLE(plain.signature.subarray(32)) + L, 32);
  return [
    signed(mixed, rBytes, r, a, odd),
    signed(publicKey, mixedR, r, a, any),
    signed(publicKey, large, 0n, a, any),
    signed(publicKey, signedZero, 0n, a, any),
    signed(ED25519_TORSION_SUBGROUP.map(fromHex)[1]!, rBytes, r, 0n, (k) => k % 8n === 0n),
    signed(large, rBytes, r, 0n, any),
    { ...plain, signature: concat(plain.signature.subarray(0, 32), largeS) },
    { ...plain, message: utf8("another") },
  ];
}
