/** The Diffie-Hellman function of X25519 (RFC 7748 §5, §6.1). */

import { montgomeryU, multiplyBase } from "./edwards25519";
import { KeyError } from "./errors";
import {
  add,
  type Field,
  field,
  fromBytes,
  invert,
  mul,
  square,
  sub,
  swapIf,
  toBytes,
  toNumber,
} from "./field25519";
import { requireKeyLength } from "./kem";

const KEY_LENGTH = 32;
const P = 2n ** 255n - 19n;
const A24 = field(121665n);

/** The u-coordinates, on the curve and on its twist, of the points whose order divides the cofactor. */
const SMALL_ORDER: ReadonlySet<bigint> = new Set([
  0n,
  1n,
  P - 1n,
  325606250916557431795983626356110631294008115727848805560023387167927233504n,
  39382357235489614581723060781553021112529911719440698176882885853963445705823n,
]);

/** @throws KeyError when the private key is of another length. */
export function x25519PublicKey(privateKey: Uint8Array): Uint8Array {
  const scalar = clamped(privateKey);
  // RFC 7748 §4.1: the base point's image on Edwards' curve, where there is a table of its multiples.
  const publicKey = montgomeryU(multiplyBase(scalar));
  scalar.fill(0);
  return publicKey;
}

/**
 * Whether an agreement with it comes to anything but zero: so for every scalar, or for none. The top bit is not looked
 * at, and any number of the rest is a coordinate, modulo the prime (RFC 7748 §5). @throws KeyError
 */
export function checkX25519PublicKey(publicKey: Uint8Array): void {
  requireKeyLength("an X25519 public key", publicKey, KEY_LENGTH);
  if (SMALL_ORDER.has(toNumber(fromBytes(publicKey)))) {
    throw new KeyError("an X25519 public key of small order");
  }
}

/** E4: a result of zero is refused: before, by the list of the keys that lead there, and after, by looking again. */
export function x25519Agree(privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array {
  checkX25519PublicKey(publicKey);
  const scalar = clamped(privateKey);
  const secret = ladder(scalar, fromBytes(publicKey));
  scalar.fill(0);
  let bits = 0;
  for (const byte of secret) bits |= byte;
  if (bits === 0) throw new KeyError("an X25519 public key of small order");
  return secret;
}

/** RFC 7748 §5, decodeScalar25519. */
function clamped(privateKey: Uint8Array): Uint8Array {
  requireKeyLength("an X25519 private key", privateKey, KEY_LENGTH);
  const scalar = privateKey.slice();
  scalar[0]! &= 0xf8;
  scalar[31] = (scalar[31]! & 0x7f) | 0x40;
  return scalar;
}

/** RFC 7748 §5: the same steps for every scalar. */
function ladder(scalar: Uint8Array, u: Field): Uint8Array {
  const [x2, z2, x3, z3] = [field(1n), field(), u.slice(), field(1n)];
  const [a, b, c, d, e] = [field(), field(), field(), field(), field()];
  let swap: 0 | 1 = 0;
  for (let i = 254; i >= 0; i--) {
    const bit = ((scalar[i >>> 3]! >>> (i & 7)) & 1) as 0 | 1;
    swap = (swap ^ bit) as 0 | 1;
    swapIf(swap, x2, x3);
    swapIf(swap, z2, z3);
    swap = bit;
    add(a, x2, z2);
    sub(b, x2, z2);
    add(c, x3, z3);
    sub(d, x3, z3);
    mul(d, d, a);
    mul(c, c, b);
    square(a, a);
    square(b, b);
    add(x3, d, c);
    square(x3, x3);
    sub(z3, d, c);
    square(z3, z3);
    mul(z3, z3, u);
    mul(x2, a, b);
    sub(e, a, b);
    mul(z2, e, A24);
    add(z2, z2, a);
    mul(z2, z2, e);
  }
  swapIf(swap, x2, x3);
  swapIf(swap, z2, z3);
  invert(z2, z2);
  mul(x2, x2, z2);
  const out = toBytes(x2);
  for (const temporary of [x2, z2, x3, z3, a, b, c, d, e]) temporary.fill(0);
  return out;
}
