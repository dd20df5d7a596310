/**
 * Arithmetic modulo p = 2²⁵⁵ − 19, fast enough for a group of fifty: several times faster than big integers are.
 *
 * A number is the sum of twelve doubles, of which the i-th is a multiple of 2^⌈21.25·i⌉ (Bernstein, "Curve25519: new
 * Diffie-Hellman speed records", 2006, §4). Sums of products stay below 53 bits, so that nothing is ever rounded but
 * where it is meant: adding and subtracting 3·2^(51+n) leaves the nearest multiple of 2ⁿ.
 *
 * How large the twelve may be is counted in units of 2^⌈21.25·(i+1)⌉, one for each of them. `mul` and `square` take two
 * units in each factor (the sum is then below 2^52.97) and give half a unit; `add` and `sub` give the sum of what they
 * take; what is read from bytes is one unit. No branch and no index depends on a value.
 */

/** Twelve doubles. */
export type Field = Float64Array;

const LIMBS = 12;
export const FIELD_BYTES = 32;
const P = 2n ** 255n - 19n;
/** Where each limb begins, in bits; and where the number ends. */
const BEGIN = Array.from({ length: LIMBS + 1 }, (_, i) => Math.ceil(21.25 * i));
/** What is carried out at the top comes back in at the bottom: 2²⁵⁵ is 19. */
const WRAP = 19 * 2 ** -255;

const R1 = 3 * 2 ** 73;
const R2 = 3 * 2 ** 94;
const R3 = 3 * 2 ** 115;
const R4 = 3 * 2 ** 136;
const R5 = 3 * 2 ** 158;
const R6 = 3 * 2 ** 179;
const R7 = 3 * 2 ** 200;
const R8 = 3 * 2 ** 221;
const R9 = 3 * 2 ** 243;
const R10 = 3 * 2 ** 264;
const R11 = 3 * 2 ** 285;
const R12 = 3 * 2 ** 306;

export function field(value = 0n): Field {
  const out = new Float64Array(LIMBS);
  let rest = ((value % P) + P) % P;
  for (let i = 0; i < LIMBS; i++) {
    const width = BigInt(BEGIN[i + 1]! - BEGIN[i]!);
    out[i] = Number(rest & ((1n << width) - 1n)) * 2 ** BEGIN[i]!;
    rest >>= width;
  }
  return out;
}

/** The 255 low bits of 32 bytes, the least significant first. They may spell a number that is not below p. */
export function fromBytes(bytes: Uint8Array): Field {
  const out = new Float64Array(LIMBS);
  for (let i = 0; i < LIMBS; i++) {
    const [from, to] = [BEGIN[i]!, BEGIN[i + 1]!];
    const at = from >>> 3;
    const word =
      bytes[at]! | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24);
    out[i] = ((word >>> (from & 7)) & ((1 << (to - from)) - 1)) * 2 ** from;
  }
  return out;
}

/** The number below p, for any limbs. */
export function toNumber(a: Field): bigint {
  let sum = 0n;
  for (let i = 0; i < LIMBS; i++) sum += BigInt(a[i]!);
  return ((sum % P) + P) % P;
}

/** 32 bytes, the least significant first, of the number below p. */
export function toBytes(a: Field): Uint8Array {
  const out = new Uint8Array(FIELD_BYTES);
  const view = new DataView(out.buffer);
  const value = toNumber(a);
  for (let i = 0; i < 4; i++) view.setBigUint64(8 * i, BigInt.asUintN(64, value >> BigInt(64 * i)), true);
  return out;
}

export function equal(a: Field, b: Field): boolean {
  return toNumber(a) === toNumber(b);
}

export function add(out: Field, a: Field, b: Field): void {
  for (let i = 0; i < LIMBS; i++) out[i] = a[i]! + b[i]!;
}

export function sub(out: Field, a: Field, b: Field): void {
  for (let i = 0; i < LIMBS; i++) out[i] = a[i]! - b[i]!;
}

/** Exchanges the two when `swap` is 1, and not when it is 0. */
export function swapIf(swap: 0 | 1, a: Field, b: Field): void {
  for (let i = 0; i < LIMBS; i++) {
    const t = swap * (a[i]! - b[i]!);
    a[i] = a[i]! - t;
    b[i] = b[i]! + t;
  }
}

/** `out` may be one of the factors. */
export function mul(out: Field, a: Field, b: Field): void {
  const a0 = a[0]!;
  const a1 = a[1]!;
  const a2 = a[2]!;
  const a3 = a[3]!;
  const a4 = a[4]!;
  const a5 = a[5]!;
  const a6 = a[6]!;
  const a7 = a[7]!;
  const a8 = a[8]!;
  const a9 = a[9]!;
  const a10 = a[10]!;
  const a11 = a[11]!;
  const b0 = b[0]!;
  const b1 = b[1]!;
  const b2 = b[2]!;
  const b3 = b[3]!;
  const b4 = b[4]!;
  const b5 = b[5]!;
  const b6 = b[6]!;
  const b7 = b[7]!;
  const b8 = b[8]!;
  const b9 = b[9]!;
  const b10 = b[10]!;
  const b11 = b[11]!;
  const c1 = WRAP * b1;
  const c2 = WRAP * b2;
  const c3 = WRAP * b3;
  const c4 = WRAP * b4;
  const c5 = WRAP * b5;
  const c6 = WRAP * b6;
  const c7 = WRAP * b7;
  const c8 = WRAP * b8;
  const c9 = WRAP * b9;
  const c10 = WRAP * b10;
  const c11 = WRAP * b11;
  let h0 =
    a0 * b0 +
    a1 * c11 +
    a2 * c10 +
    a3 * c9 +
    a4 * c8 +
    a5 * c7 +
    a6 * c6 +
    a7 * c5 +
    a8 * c4 +
    a9 * c3 +
    a10 * c2 +
    a11 * c1;
  let h1 =
    a0 * b1 +
    a1 * b0 +
    a2 * c11 +
    a3 * c10 +
    a4 * c9 +
    a5 * c8 +
    a6 * c7 +
    a7 * c6 +
    a8 * c5 +
    a9 * c4 +
    a10 * c3 +
    a11 * c2;
  let h2 =
    a0 * b2 +
    a1 * b1 +
    a2 * b0 +
    a3 * c11 +
    a4 * c10 +
    a5 * c9 +
    a6 * c8 +
    a7 * c7 +
    a8 * c6 +
    a9 * c5 +
    a10 * c4 +
    a11 * c3;
  let h3 =
    a0 * b3 +
    a1 * b2 +
    a2 * b1 +
    a3 * b0 +
    a4 * c11 +
    a5 * c10 +
    a6 * c9 +
    a7 * c8 +
    a8 * c7 +
    a9 * c6 +
    a10 * c5 +
    a11 * c4;
  let h4 =
    a0 * b4 +
    a1 * b3 +
    a2 * b2 +
    a3 * b1 +
    a4 * b0 +
    a5 * c11 +
    a6 * c10 +
    a7 * c9 +
    a8 * c8 +
    a9 * c7 +
    a10 * c6 +
    a11 * c5;
  let h5 =
    a0 * b5 +
    a1 * b4 +
    a2 * b3 +
    a3 * b2 +
    a4 * b1 +
    a5 * b0 +
    a6 * c11 +
    a7 * c10 +
    a8 * c9 +
    a9 * c8 +
    a10 * c7 +
    a11 * c6;
  let h6 =
    a0 * b6 +
    a1 * b5 +
    a2 * b4 +
    a3 * b3 +
    a4 * b2 +
    a5 * b1 +
    a6 * b0 +
    a7 * c11 +
    a8 * c10 +
    a9 * c9 +
    a10 * c8 +
    a11 * c7;
  let h7 =
    a0 * b7 +
    a1 * b6 +
    a2 * b5 +
    a3 * b4 +
    a4 * b3 +
    a5 * b2 +
    a6 * b1 +
    a7 * b0 +
    a8 * c11 +
    a9 * c10 +
    a10 * c9 +
    a11 * c8;
  let h8 =
    a0 * b8 +
    a1 * b7 +
    a2 * b6 +
    a3 * b5 +
    a4 * b4 +
    a5 * b3 +
    a6 * b2 +
    a7 * b1 +
    a8 * b0 +
    a9 * c11 +
    a10 * c10 +
    a11 * c9;
  let h9 =
    a0 * b9 +
    a1 * b8 +
    a2 * b7 +
    a3 * b6 +
    a4 * b5 +
    a5 * b4 +
    a6 * b3 +
    a7 * b2 +
    a8 * b1 +
    a9 * b0 +
    a10 * c11 +
    a11 * c10;
  let h10 =
    a0 * b10 +
    a1 * b9 +
    a2 * b8 +
    a3 * b7 +
    a4 * b6 +
    a5 * b5 +
    a6 * b4 +
    a7 * b3 +
    a8 * b2 +
    a9 * b1 +
    a10 * b0 +
    a11 * c11;
  let h11 =
    a0 * b11 +
    a1 * b10 +
    a2 * b9 +
    a3 * b8 +
    a4 * b7 +
    a5 * b6 +
    a6 * b5 +
    a7 * b4 +
    a8 * b3 +
    a9 * b2 +
    a10 * b1 +
    a11 * b0;
  let t: number;
  t = h10 + R11 - R11;
  h10 -= t;
  h11 += t;
  t = h11 + R12 - R12;
  h11 -= t;
  h0 += WRAP * t;
  t = h0 + R1 - R1;
  h0 -= t;
  h1 += t;
  t = h1 + R2 - R2;
  h1 -= t;
  h2 += t;
  t = h2 + R3 - R3;
  h2 -= t;
  h3 += t;
  t = h3 + R4 - R4;
  h3 -= t;
  h4 += t;
  t = h4 + R5 - R5;
  h4 -= t;
  h5 += t;
  t = h5 + R6 - R6;
  h5 -= t;
  h6 += t;
  t = h6 + R7 - R7;
  h6 -= t;
  h7 += t;
  t = h7 + R8 - R8;
  h7 -= t;
  h8 += t;
  t = h8 + R9 - R9;
  h8 -= t;
  h9 += t;
  t = h9 + R10 - R10;
  h9 -= t;
  h10 += t;
  t = h10 + R11 - R11;
  h10 -= t;
  h11 += t;
  out[0] = h0;
  out[1] = h1;
  out[2] = h2;
  out[3] = h3;
  out[4] = h4;
  out[5] = h5;
  out[6] = h6;
  out[7] = h7;
  out[8] = h8;
  out[9] = h9;
  out[10] = h10;
  out[11] = h11;
}

/** `out` may be `a`. */
export function square(out: Field, a: Field): void {
  const a0 = a[0]!;
  const a1 = a[1]!;
  const a2 = a[2]!;
  const a3 = a[3]!;
  const a4 = a[4]!;
  const a5 = a[5]!;
  const a6 = a[6]!;
  const a7 = a[7]!;
  const a8 = a[8]!;
  const a9 = a[9]!;
  const a10 = a[10]!;
  const a11 = a[11]!;
  const d0 = 2 * a0;
  const d1 = 2 * a1;
  const d2 = 2 * a2;
  const d3 = 2 * a3;
  const d4 = 2 * a4;
  const d5 = 2 * a5;
  const d6 = 2 * a6;
  const d7 = 2 * a7;
  const d8 = 2 * a8;
  const d9 = 2 * a9;
  const d10 = 2 * a10;
  const c6 = WRAP * a6;
  const c7 = WRAP * a7;
  const c8 = WRAP * a8;
  const c9 = WRAP * a9;
  const c10 = WRAP * a10;
  const c11 = WRAP * a11;
  let h0 = a0 * a0 + d1 * c11 + d2 * c10 + d3 * c9 + d4 * c8 + d5 * c7 + a6 * c6;
  let h1 = d0 * a1 + d2 * c11 + d3 * c10 + d4 * c9 + d5 * c8 + d6 * c7;
  let h2 = d0 * a2 + a1 * a1 + d3 * c11 + d4 * c10 + d5 * c9 + d6 * c8 + a7 * c7;
  let h3 = d0 * a3 + d1 * a2 + d4 * c11 + d5 * c10 + d6 * c9 + d7 * c8;
  let h4 = d0 * a4 + d1 * a3 + a2 * a2 + d5 * c11 + d6 * c10 + d7 * c9 + a8 * c8;
  let h5 = d0 * a5 + d1 * a4 + d2 * a3 + d6 * c11 + d7 * c10 + d8 * c9;
  let h6 = d0 * a6 + d1 * a5 + d2 * a4 + a3 * a3 + d7 * c11 + d8 * c10 + a9 * c9;
  let h7 = d0 * a7 + d1 * a6 + d2 * a5 + d3 * a4 + d8 * c11 + d9 * c10;
  let h8 = d0 * a8 + d1 * a7 + d2 * a6 + d3 * a5 + a4 * a4 + d9 * c11 + a10 * c10;
  let h9 = d0 * a9 + d1 * a8 + d2 * a7 + d3 * a6 + d4 * a5 + d10 * c11;
  let h10 = d0 * a10 + d1 * a9 + d2 * a8 + d3 * a7 + d4 * a6 + a5 * a5 + a11 * c11;
  let h11 = d0 * a11 + d1 * a10 + d2 * a9 + d3 * a8 + d4 * a7 + d5 * a6;
  let t: number;
  t = h10 + R11 - R11;
  h10 -= t;
  h11 += t;
  t = h11 + R12 - R12;
  h11 -= t;
  h0 += WRAP * t;
  t = h0 + R1 - R1;
  h0 -= t;
  h1 += t;
  t = h1 + R2 - R2;
  h1 -= t;
  h2 += t;
  t = h2 + R3 - R3;
  h2 -= t;
  h3 += t;
  t = h3 + R4 - R4;
  h3 -= t;
  h4 += t;
  t = h4 + R5 - R5;
  h4 -= t;
  h5 += t;
  t = h5 + R6 - R6;
  h5 -= t;
  h6 += t;
  t = h6 + R7 - R7;
  h6 -= t;
  h7 += t;
  t = h7 + R8 - R8;
  h7 -= t;
  h8 += t;
  t = h8 + R9 - R9;
  h8 -= t;
  h9 += t;
  t = h9 + R10 - R10;
  h9 -= t;
  h10 += t;
  t = h10 + R11 - R11;
  h10 -= t;
  h11 += t;
  out[0] = h0;
  out[1] = h1;
  out[2] = h2;
  out[3] = h3;
  out[4] = h4;
  out[5] = h5;
  out[6] = h6;
  out[7] = h7;
  out[8] = h8;
  out[9] = h9;
  out[10] = h10;
  out[11] = h11;
}

function squareTimes(out: Field, a: Field, times: number): void {
  square(out, a);
  for (let i = 1; i < times; i++) square(out, out);
}

/** a^(2²⁵⁰ − 1), and a¹¹: what both of the exponents below are made from. */
function longPower(a: Field): { readonly ones: Field; readonly eleven: Field } {
  const [two, nine, eleven, x5, x10, x20, x50, x100, t] = Array.from({ length: 9 }, () => field()) as [
    Field,
    Field,
    Field,
    Field,
    Field,
    Field,
    Field,
    Field,
    Field,
  ];
  square(two, a);
  squareTimes(t, two, 2);
  mul(nine, t, a);
  mul(eleven, nine, two);
  square(t, eleven);
  mul(x5, t, nine); // a^(2⁵ − 1)
  squareTimes(t, x5, 5);
  mul(x10, t, x5);
  squareTimes(t, x10, 10);
  mul(x20, t, x10);
  squareTimes(t, x20, 20);
  mul(t, t, x20);
  squareTimes(t, t, 10);
  mul(x50, t, x10);
  squareTimes(t, x50, 50);
  mul(x100, t, x50);
  squareTimes(t, x100, 100);
  mul(t, t, x100);
  squareTimes(t, t, 50);
  mul(t, t, x50);
  return { ones: t, eleven };
}

/** a^(p − 2): the inverse, or zero of zero. */
export function invert(out: Field, a: Field): void {
  const { ones, eleven } = longPower(a);
  squareTimes(ones, ones, 5);
  mul(out, ones, eleven);
}

/** a^((p − 5) / 8), from which a square root comes (RFC 8032 §5.1.3). */
export function rootPower(out: Field, a: Field): void {
  const { ones } = longPower(a);
  squareTimes(ones, ones, 2);
  mul(out, ones, a);
}
