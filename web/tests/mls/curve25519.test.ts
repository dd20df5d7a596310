/** The arithmetic under Ed25519 and X25519, against big integers and against noble's. */

import { ed25519, x25519 } from "@noble/curves/ed25519.js";
import { sha512 } from "@noble/hashes/sha2.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concat } from "../../src/bytes/bytes";
import * as ed from "../../src/mls/ed25519";
import {
  decodePoint,
  encodePoint,
  isSmallOrder,
  multiplyBase,
  ORDER,
  PreparedPoint,
} from "../../src/mls/edwards25519";
import * as f from "../../src/mls/field25519";
import { checkX25519PublicKey, x25519Agree, x25519PublicKey } from "../../src/mls/x25519";
import { codeOf } from "./randomWalk";
import { seededRng } from "./seededRng";

/** `./run soak` and `./run fuzz` try more. */
const RUNS = Number(process.env.COLLEGIUM_FUZZ_RUNS ?? (process.env.COLLEGIUM_SOAK === "1" ? 20_000 : 100));
const P = 2n ** 255n - 19n;
const { Point } = ed25519;
const EDGES = [
  0n,
  1n,
  2n,
  18n,
  19n,
  20n,
  P - 1n,
  P - 2n,
  P - 19n,
  2n ** 254n,
  2n ** 255n - 20n,
  2n ** 128n - 1n,
];
const LIMB_EDGES = [22, 43, 64, 85, 107, 128, 149, 170, 192, 213, 234].flatMap((at) => [
  2n ** BigInt(at) - 1n,
  2n ** BigInt(at),
]);
const number = fc.oneof(fc.constantFrom(...EDGES, ...LIMB_EDGES), fc.bigInt({ min: 0n, max: P - 1n }));
const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 });
const scalar = fc.oneof(
  fc.constantFrom(0n, 1n, 8n, ORDER - 1n, 2n ** 252n),
  fc.bigInt({ min: 0n, max: ORDER - 1n }),
);
const numberOf = (bytes: Uint8Array) => bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
const little = (value: bigint) =>
  Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 255n));

function applied(run: (out: f.Field) => void): bigint {
  const out = f.field();
  run(out);
  return f.toNumber(out);
}

describe("numbers modulo p", () => {
  it("are multiplied, squared and inverted as big integers are", () => {
    fc.assert(
      fc.property(number, number, (a, b) => {
        const [x, y] = [f.field(a), f.field(b)];
        expect(applied((out) => f.mul(out, x, y))).toBe((a * b) % P);
        expect(applied((out) => f.square(out, x))).toBe((a * a) % P);
        const inverse = applied((out) => f.invert(out, x));
        expect((inverse * a) % P).toBe(a === 0n ? 0n : 1n);
      }),
      { seed: 1, numRuns: RUNS },
    );
  });

  it("may be as large as is said: sums of sums in both factors lose nothing", () => {
    const most = f.fromBytes(new Uint8Array(32).fill(0xff));
    const [sum, negative] = [f.field(), f.field()];
    f.add(sum, most, most);
    f.sub(negative, negative, sum);
    const value = 2n * (2n ** 255n - 1n);
    for (const [factor, sign] of [
      [sum, 1n],
      [negative, -1n],
    ] as const) {
      expect(applied((out) => f.mul(out, sum, factor))).toBe((((sign * value * value) % P) + P) % P);
    }
    expect(applied((out) => f.square(out, sum))).toBe((value * value) % P);
    fc.assert(
      fc.property(number, number, number, number, (a, b, c, d) => {
        const [x, y] = [f.field(), f.field()];
        f.add(x, f.field(a), f.field(b));
        f.sub(y, f.field(c), f.field(d));
        expect(applied((out) => f.mul(out, x, y))).toBe(((((a + b) * (c - d)) % P) + P) % P);
      }),
      { seed: 2, numRuns: RUNS },
    );
  });

  it("come from bytes and go there, and are exchanged or not", () => {
    fc.assert(
      fc.property(bytes32, number, (bytes, a) => {
        const low = numberOf(bytes) & (2n ** 255n - 1n);
        expect(f.toNumber(f.fromBytes(bytes))).toBe(low % P);
        expect(f.toBytes(f.field(a))).toEqual(little(a));
        const [x, y] = [f.fromBytes(bytes), f.field(a)];
        f.swapIf(0, x, y);
        expect([f.toNumber(x), f.toNumber(y)]).toEqual([low % P, a]);
        f.swapIf(1, x, y);
        expect([f.toNumber(x), f.toNumber(y)]).toEqual([a, low % P]);
      }),
      { seed: 3, numRuns: RUNS },
    );
  });
});

describe("points", () => {
  it("are decoded where noble decodes them, and encoded again", () => {
    let decoded = 0;
    fc.assert(
      fc.property(bytes32, fc.boolean(), (bytes, small) => {
        // Small numbers and large ones are where spellings are not canonical.
        if (small) bytes.fill(bytes[31]! & 1 ? 0xff : 0, 1, 31);
        let theirs: InstanceType<typeof Point> | undefined;
        try {
          theirs = Point.fromBytes(bytes, false);
        } catch {
          theirs = undefined;
        }
        const ours = decodePoint(bytes);
        expect(ours === undefined).toBe(theirs === undefined);
        if (ours === undefined || theirs === undefined) return;
        decoded++;
        expect(encodePoint(ours)).toEqual(bytes);
        expect(isSmallOrder(ours)).toBe(theirs.isSmallOrder());
      }),
      { seed: 4, numRuns: RUNS },
    );
    expect(decoded).toBeGreaterThan(RUNS / 8);
  });

  it("times a secret, the base point is noble's", () => {
    fc.assert(
      fc.property(scalar, (k) => {
        expect(encodePoint(multiplyBase(little(k)))).toEqual(
          k === 0n ? Point.ZERO.toBytes() : Point.BASE.multiplyUnsafe(k).toBytes(),
        );
      }),
      { seed: 5, numRuns: RUNS },
    );
  });

  it("are summed as noble sums them, the first time and every other, whatever their order", () => {
    const torsion = Point.fromHex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a");
    fc.assert(
      fc.property(scalar, scalar, scalar, fc.nat(7), (at, s, k, t) => {
        const theirs = Point.BASE.multiplyUnsafe(at).add(torsion.multiplyUnsafe(BigInt(t)));
        const prepared = new PreparedPoint(decodePoint(theirs.toBytes())!);
        const expected = Point.BASE.multiplyUnsafe(s).add(theirs.multiplyUnsafe(k)).toBytes();
        for (let i = 0; i < 3; i++) expect(encodePoint(prepared.sumWithBase(s, k))).toEqual(expected);
      }),
      { seed: 6, numRuns: Math.ceil(RUNS / 4) },
    );
  });
});

describe("Ed25519", () => {
  it("signs as noble does, byte for byte", () => {
    fc.assert(
      fc.property(bytes32, fc.uint8Array({ maxLength: 200 }), (key, message) => {
        expect(ed.publicKey(key)).toEqual(ed25519.getPublicKey(key));
        const signature = ed.sign(key, message);
        expect(signature).toEqual(ed25519.sign(message, key));
        expect(ed.verify(ed.publicKey(key), message, signature)).toBe(true);
      }),
      { seed: 7, numRuns: RUNS },
    );
  });

  it("verifies by noble's points, whatever the three are", () => {
    const rng = seededRng("verify");
    /** The rule of E3, with noble's points. */
    const byPoints = (key: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean => {
      const [r, s] = [signature.subarray(0, 32), numberOf(signature.subarray(32))];
      let a: InstanceType<typeof Point>;
      try {
        a = Point.fromBytes(key, false);
      } catch {
        return false;
      }
      if (a.isSmallOrder() || s >= ORDER) return false;
      const k = numberOf(sha512(concat(r, key, message))) % ORDER;
      const expected = Point.BASE.multiplyUnsafe(s).subtract(a.multiplyUnsafe(k)).toBytes();
      return Buffer.from(expected).equals(r);
    };
    fc.assert(
      fc.property(fc.nat(127), fc.nat(255), fc.boolean(), (at, bit, ofKey) => {
        const key = rng(32);
        const message = rng(20);
        const publicKey = ed.publicKey(key);
        const signature = ed.sign(key, message);
        if (ofKey) publicKey[at % 32]! ^= bit;
        else signature[at % 64]! ^= bit;
        expect(ed.verify(publicKey, message, signature)).toBe(byPoints(publicKey, message, signature));
      }),
      { seed: 8, numRuns: RUNS },
    );
  });

  it("knows a key by what its array holds now", () => {
    const [one, two] = [1, 2].map((byte) => new Uint8Array(32).fill(byte)) as [Uint8Array, Uint8Array];
    const message = new Uint8Array(5);
    const held = ed.publicKey(one);
    expect(ed.verify(held, message, ed.sign(one, message))).toBe(true);
    held.set(ed.publicKey(two));
    expect(ed.verify(held, message, ed.sign(one, message))).toBe(false);
    expect(ed.verify(held, message, ed.sign(two, message))).toBe(true);
    held.fill(0);
    expect(ed.isPublicKey(held)).toBe(false);
    expect(ed.verify(held, message, ed.sign(two, message))).toBe(false);
  });
});

describe("X25519", () => {
  it("agrees as noble does, with any bytes", () => {
    fc.assert(
      fc.property(bytes32, bytes32, (key, other) => {
        expect(x25519PublicKey(key)).toEqual(x25519.getPublicKey(key));
        expect(x25519Agree(key, other)).toEqual(x25519.getSharedSecret(key, other));
      }),
      { seed: 9, numRuns: RUNS },
    );
  });

  it("RFC 7748 §5.2: after one step and after a thousand", () => {
    let k = Uint8Array.of(9, ...new Uint8Array(31));
    let u = k;
    for (let i = 0; i < 1000; i++) {
      [k, u] = [x25519Agree(k, u) as Uint8Array<ArrayBuffer>, k];
      if (i === 0) {
        expect(Buffer.from(k).toString("hex")).toBe(
          "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079",
        );
      }
    }
    expect(Buffer.from(k).toString("hex")).toBe(
      "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51",
    );
  });

  it("v902, E4: refuses every key of small order, however it is spelt", () => {
    const orders8 = [
      325606250916557431795983626356110631294008115727848805560023387167927233504n,
      39382357235489614581723060781553021112529911719440698176882885853963445705823n,
    ];
    for (const u of [0n, 1n, P - 1n, P, P + 1n, ...orders8]) {
      for (const top of [0, 0x80]) {
        const key = little(u);
        key[31]! |= top;
        expect(codeOf(() => checkX25519PublicKey(key))).toBe("key");
        expect(codeOf(() => x25519Agree(new Uint8Array(32).fill(7), key))).toBe("key");
        expect(() => x25519.getSharedSecret(new Uint8Array(32).fill(7), key)).toThrow();
      }
    }
    expect(codeOf(() => checkX25519PublicKey(little(9n)))).toBe("nothing thrown");
    for (const length of [0, 31, 33]) {
      expect(codeOf(() => x25519PublicKey(new Uint8Array(length)))).toBe("key");
      expect(codeOf(() => checkX25519PublicKey(new Uint8Array(length)))).toBe("key");
    }
  });
});
