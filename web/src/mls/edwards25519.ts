/**
 * The group of Ed25519 (RFC 8032 §5.1), in extended coordinates (Hisil, Wong, Carter, Dawson 2008): −x² + y² = 1 + dx²y².
 * `multiplyBase` is for secrets: it does the same whatever the scalar is. `PreparedPoint` is for what everyone sees.
 */

import {
  add,
  equal,
  type Field,
  field,
  fromBytes,
  invert,
  mul,
  rootPower,
  square,
  sub,
  toBytes,
  toNumber,
} from "./field25519";

const P = 2n ** 255n - 19n;
/** The order of the base point. */
export const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;

const D = field(37095705934669439343138083508754565189542113879843219016388785533085940283555n);
const D2 = field(2n * 37095705934669439343138083508754565189542113879843219016388785533085940283555n);
const ROOT_OF_MINUS_ONE =
  field(19681161376707505956807079304988542015446066515923890162744021073123829784752n);
const ONE = field(1n);
const BASE = {
  x: 15112221349535400772501151409588531511454012693041857206046113283949847762202n,
  y: 46316835694926478169428394003475163141307993866256225615783033603165251855960n,
};

/** x = X/Z, y = Y/Z, xy = T/Z. */
export type Point = { readonly x: Field; readonly y: Field; readonly z: Field; readonly t: Field };

/** A point as what is added to another: y + x, y − x, 2z, 2dt. */
type Summand = { readonly plus: Field; readonly minus: Field; readonly z2: Field; readonly t2d: Field };

function point(): Point {
  return { x: field(), y: field(1n), z: field(1n), t: field() };
}

function copy(a: Point): Point {
  return { x: a.x.slice(), y: a.y.slice(), z: a.z.slice(), t: a.t.slice() };
}

function summand(a: Point): Summand {
  const out = { plus: field(), minus: field(), z2: field(), t2d: field() };
  add(out.plus, a.y, a.x);
  sub(out.minus, a.y, a.x);
  add(out.z2, a.z, a.z);
  mul(out.t2d, a.t, D2);
  return out;
}

function negated({ plus, minus, z2, t2d }: Summand): Summand {
  const negative = field();
  sub(negative, negative, t2d);
  return { plus: minus, minus: plus, z2, t2d: negative };
}

const [A, B, C, E, F, G, H] = Array.from({ length: 7 }, () => field()) as [
  Field,
  Field,
  Field,
  Field,
  Field,
  Field,
  Field,
];

/** From E, F, G, H. Units of `field25519.ts`: at most 1.5 · 2. */
function finish(out: Point): void {
  mul(out.x, E, F);
  mul(out.y, G, H);
  mul(out.t, E, H);
  mul(out.z, F, G);
}

function double(out: Point, a: Point): void {
  square(A, a.x);
  square(B, a.y);
  square(C, a.z);
  add(C, C, C);
  add(H, A, B);
  add(E, a.x, a.y);
  square(E, E);
  sub(E, H, E);
  sub(G, A, B);
  add(F, C, G);
  finish(out);
}

/** Complete: it holds for equal points, opposite ones and the neutral one as well. */
function addTo(out: Point, b: Summand): void {
  sub(A, out.y, out.x);
  mul(A, A, b.minus);
  add(B, out.y, out.x);
  mul(B, B, b.plus);
  mul(C, out.t, b.t2d);
  mul(F, out.z, b.z2);
  sub(E, B, A);
  add(G, F, C);
  sub(F, F, C);
  add(H, B, A);
  finish(out);
}

function affine(x: bigint, y: bigint): Point {
  return { x: field(x), y: field(y), z: field(1n), t: field(x * y) };
}

/** The point that 32 bytes spell, or undefined: y below p, on the curve, and no sign of zero. */
export function decodePoint(bytes: Uint8Array): Point | undefined {
  const y = fromBytes(bytes);
  const value = toNumber(y);
  const sign = bytes[31]! >>> 7;
  if (!isCanonical(bytes)) return undefined;
  // RFC 8032 §5.1.3: x² = u/v, and the candidate root is u·v³·(u·v⁷)^((p−5)/8).
  const [yy, u, v, t, x] = Array.from({ length: 5 }, () => field()) as [Field, Field, Field, Field, Field];
  square(yy, y);
  sub(u, yy, ONE);
  mul(v, yy, D);
  add(v, v, ONE);
  square(t, v);
  mul(t, t, v);
  mul(x, u, t);
  square(t, t);
  mul(t, t, v);
  mul(t, t, u);
  rootPower(t, t);
  mul(x, x, t);
  square(t, x);
  mul(t, t, v);
  if (!equal(t, u)) {
    sub(u, field(), u);
    if (!equal(t, u)) return undefined;
    mul(x, x, ROOT_OF_MINUS_ONE);
  }
  const root = toNumber(x);
  if (root === 0n && sign === 1) return undefined;
  return affine(Number(root & 1n) === sign ? root : P - root, value);
}

/** Whether the low 255 bits are below p. */
function isCanonical(bytes: Uint8Array): boolean {
  if ((bytes[31]! & 0x7f) !== 0x7f || bytes[0]! < 0xed) return true;
  for (let i = 1; i < 31; i++) if (bytes[i] !== 0xff) return true;
  return false;
}

/** RFC 8032 §5.1.2. */
export function encodePoint(a: Point): Uint8Array {
  const [inverse, x, y] = [field(), field(), field()];
  invert(inverse, a.z);
  mul(x, a.x, inverse);
  mul(y, a.y, inverse);
  const out = toBytes(y);
  out[31]! |= Number(toNumber(x) & 1n) << 7;
  return out;
}

export function negate({ x, y, z, t }: Point): Point {
  const out = { x: field(), y, z, t: field() };
  sub(out.x, out.x, x);
  sub(out.t, out.t, t);
  return out;
}

/** The u of RFC 7748 §4.1 that a point has on Montgomery's curve: (1 + y) / (1 − y). */
export function montgomeryU(a: Point): Uint8Array {
  const [above, below] = [field(), field()];
  add(above, a.z, a.y);
  sub(below, a.z, a.y);
  invert(below, below);
  mul(above, above, below);
  return toBytes(above);
}

/** Whether eight times the point is the neutral one. */
export function isSmallOrder(a: Point): boolean {
  const out = copy(a);
  for (let i = 0; i < 3; i++) double(out, out);
  return toNumber(out.x) === 0n && equal(out.y, out.z);
}

// --- the base point, times a secret ---

const WINDOWS = 64;
const WINDOW_ENTRIES = 8;

/** 1 to 8 times 16^i times the base point, for each i. */
let comb: readonly (readonly Summand[])[] | undefined;

function baseComb(): readonly (readonly Summand[])[] {
  const base = affine(BASE.x, BASE.y);
  return Array.from({ length: WINDOWS }, () => {
    const first = summand(base);
    const entries = [first];
    const sum = copy(base);
    for (let i = 1; i < WINDOW_ENTRIES; i++) {
      addTo(sum, first);
      entries.push(summand(sum));
    }
    double(base, sum); // 16 times what it was
    return entries;
  });
}

/**
 * A scalar of 32 bytes, the least significant first, of at most 255 bits, times the base point. Every entry of a window
 * is read, and which of them counts is decided by arithmetic.
 */
export function multiplyBase(scalar: Uint8Array): Point {
  comb ??= baseComb();
  const digits = signedDigits(scalar);
  const out = point();
  const chosen = { plus: field(), minus: field(), z2: field(), t2d: field() };
  for (let i = 0; i < WINDOWS; i++) {
    select(chosen, comb[i]!, digits[i]!);
    addTo(out, chosen);
  }
  digits.fill(0);
  for (const temporary of [A, B, C, E, F, G, H, ...Object.values(chosen)]) temporary.fill(0);
  return out;
}

/** Base 16, from −8 to 7; the last one up to 8. */
function signedDigits(scalar: Uint8Array): Int8Array {
  const digits = new Int8Array(WINDOWS);
  let carry = 0;
  for (let i = 0; i < WINDOWS; i++) {
    const nibble = ((scalar[i >>> 1]! >>> (4 * (i & 1))) & 15) + carry;
    carry = i === WINDOWS - 1 ? 0 : (nibble + 8) >>> 4;
    digits[i] = nibble - 16 * carry;
  }
  return digits;
}

/** Sets `out` to digit times the window's first entry. */
function select(out: Summand, window: readonly Summand[], digit: number): void {
  const negative = digit >>> 31;
  const size = (digit ^ -negative) + negative;
  // The neutral point, unless an entry is chosen below.
  const none = isEqual(size, 0);
  out.plus.fill(0);
  out.minus.fill(0);
  out.z2.fill(0);
  out.t2d.fill(0);
  out.plus[0] = none;
  out.minus[0] = none;
  out.z2[0] = 2 * none;
  for (let i = 0; i < WINDOW_ENTRIES; i++) {
    const entry = window[i]!;
    const chosen = isEqual(size, i + 1);
    for (let j = 0; j < 12; j++) {
      const [p, m] = [entry.plus[j]!, entry.minus[j]!];
      const swap = negative * (m - p);
      out.plus[j]! += chosen * (p + swap);
      out.minus[j]! += chosen * (m - swap);
      out.z2[j]! += chosen * entry.z2[j]!;
      out.t2d[j]! += chosen * (1 - 2 * negative) * entry.t2d[j]!;
    }
  }
}

/** 1 or 0, without a branch. Both are small. */
function isEqual(a: number, b: number): 0 | 1 {
  return (((a ^ b) - 1) >>> 31) as 0 | 1;
}

// --- points that everyone sees ---

/** Odd multiples up to 15 for one point, up to 127 for the base point. */
const WIDTH = 5;
const BASE_WIDTH = 8;
const PARTS = 4;
const PART_BITS = 64;

type OddMultiples = readonly Summand[];

function oddMultiples(a: Point, width: number): OddMultiples {
  const twice = point();
  double(twice, a);
  const step = summand(twice);
  const sum = copy(a);
  const out = [summand(a)];
  for (let i = 1; i < 2 ** (width - 2); i++) {
    addTo(sum, step);
    out.push(summand(sum));
  }
  return out;
}

/** The odd multiples of a point, and of 2⁶⁴, 2¹²⁸ and 2¹⁹² times it. */
function splitMultiples(a: Point, width: number): readonly OddMultiples[] {
  const power = copy(a);
  return Array.from({ length: PARTS }, (_, part) => {
    if (part > 0) for (let i = 0; i < PART_BITS; i++) double(power, power);
    return oddMultiples(power, width);
  });
}

let baseOdd: readonly OddMultiples[] | undefined;

/** Non-adjacent form: odd digits below 2^(width−1) in size, each followed by zeros. One more digit than bits. */
function sparseDigits(value: bigint, bits: number, width: number): Int8Array {
  const bytes = new DataView(new ArrayBuffer(bits / 8));
  for (let i = 0; i < bits / 64; i++)
    bytes.setBigUint64(8 * i, BigInt.asUintN(64, value >> BigInt(64 * i)), true);
  const bitAt = (i: number) => (i < bits ? (bytes.getUint8(i >>> 3) >>> (i & 7)) & 1 : 0);
  const out = new Int8Array(bits + 1);
  let carry = 0;
  for (let at = 0; at <= bits; ) {
    if (bitAt(at) === carry) {
      at++;
      continue;
    }
    let digit = carry;
    for (let i = 0; i < width; i++) digit += bitAt(at + i) << i;
    carry = digit > 2 ** (width - 1) ? 1 : 0;
    out[at] = digit - carry * 2 ** width;
    at += width;
  }
  return out;
}

type Term = { readonly digits: Int8Array; readonly multiples: OddMultiples };

/** The sum of all terms, with one chain of doublings for all. */
function sumOf(terms: readonly Term[], bits: number): Point {
  const out = point();
  let started = false;
  for (let i = bits; i >= 0; i--) {
    if (started) double(out, out);
    for (const { digits, multiples } of terms) {
      const digit = digits[i]!;
      if (digit === 0) continue;
      started = true;
      const size = multiples[Math.abs(digit) >> 1]!;
      addTo(out, digit > 0 ? size : negated(size));
    }
  }
  return out;
}

function splitTerms(value: bigint, width: number, multiples: readonly OddMultiples[]): Term[] {
  return multiples.map((part, i) => {
    const word = BigInt.asUintN(PART_BITS, value >> BigInt(PART_BITS * i));
    return { digits: sparseDigits(word, PART_BITS, width), multiples: part };
  });
}

/** A point to be multiplied again and again, in a time that tells of the scalars. */
export class PreparedPoint {
  readonly #point: Point;
  #multiples: OddMultiples | undefined;
  #split: readonly OddMultiples[] | undefined;

  constructor(of: Point) {
    this.#point = of;
  }

  /** base times the base point plus own times this one; both below 2²⁵⁵. */
  sumWithBase(base: bigint, own: bigint): Point {
    baseOdd ??= splitMultiples(affine(BASE.x, BASE.y), BASE_WIDTH);
    const terms = splitTerms(base, BASE_WIDTH, baseOdd);
    if (this.#multiples === undefined) {
      // The first time may be the only one: a long chain, and no tables for short ones.
      this.#multiples = oddMultiples(this.#point, WIDTH);
      const digits = sparseDigits(own, PARTS * PART_BITS, WIDTH);
      return sumOf([...terms.map(padded), { digits, multiples: this.#multiples }], PARTS * PART_BITS);
    }
    this.#split ??= splitMultiples(this.#point, WIDTH);
    return sumOf([...terms, ...splitTerms(own, WIDTH, this.#split)], PART_BITS);
  }
}

function padded({ digits, multiples }: Term): Term {
  const longer = new Int8Array(PARTS * PART_BITS + 1);
  longer.set(digits);
  return { digits: longer, multiples };
}
