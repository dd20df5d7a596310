/** What is said about keys of Curve25519 without a multiplication, or remembered, is what noble would say. */

import { ed25519 as noble, x25519 } from "@noble/curves/ed25519.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fromHex } from "../../src/bytes/bytes";
import * as ed25519 from "../../src/mls/ed25519";
import { checkX25519PublicKey, x25519Agree } from "../../src/mls/x25519";
import { edgeCases } from "./ed25519Cases";
import { codeOf } from "./randomWalk";

const P = 2n ** 255n - 19n;
const SCALAR = new Uint8Array(32).fill(7);
const little = (value: bigint) =>
  Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 255n));

describe("v902, E4: X25519 keys", () => {
  it("of small order are refused, however they are spelt", () => {
    const ofOrderEight = [
      325606250916557431795983626356110631294008115727848805560023387167927233504n,
      39382357235489614581723060781553021112529911719440698176882885853963445705823n,
    ];
    for (const u of [0n, 1n, P - 1n, P, P + 1n, ...ofOrderEight]) {
      for (const top of [0, 0x80]) {
        const key = little(u);
        key[31]! |= top;
        expect(codeOf(() => checkX25519PublicKey(key))).toBe("key");
        expect(codeOf(() => x25519Agree(SCALAR, key))).toBe("key");
        expect(() => x25519.getSharedSecret(SCALAR, key)).toThrow();
      }
    }
    for (const length of [0, 31, 33]) {
      expect(codeOf(() => checkX25519PublicKey(new Uint8Array(length)))).toBe("key");
    }
  });

  it("of any other order are taken, and agree to something", () => {
    const key = fc.oneof(
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      fc.integer({ min: 2, max: 2000 }).map((u) => little(BigInt(u))),
      fc.integer({ min: 2, max: 2000 }).map((u) => little(P - BigInt(u))),
    );
    fc.assert(
      fc.property(key, (publicKey) => {
        checkX25519PublicKey(publicKey);
        expect(x25519Agree(SCALAR, publicKey)).toEqual(x25519.getSharedSecret(SCALAR, publicKey));
      }),
      { seed: 9, numRuns: 60 },
    );
  });
});

describe("an Ed25519 private key", () => {
  it("signs as noble does, byte for byte, the first time and every other", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        fc.uint8Array({ maxLength: 200 }),
        (key, message) => {
          const expected = noble.sign(message, key);
          for (let i = 0; i < 3; i++) expect(ed25519.sign(key, message)).toEqual(expected);
        },
      ),
      { seed: 8, numRuns: 40 },
    );
  });

  it("is what its array holds now, and is left as it was", () => {
    const message = new Uint8Array(5);
    const held = new Uint8Array(32).fill(1);
    for (let byte = 1; byte < 4; byte++) {
      held.fill(byte);
      const key = held.slice();
      expect(ed25519.sign(held, message)).toEqual(noble.sign(message, key));
      expect(ed25519.sign(held, message)).toEqual(noble.sign(message, key));
      expect(held).toEqual(key);
    }
  });
});

describe("an Ed25519 key that is used again and again", () => {
  const message = new Uint8Array(5);

  it("goes on to say the same, with a table of its multiples", () => {
    const seed = new Uint8Array(32).fill(3);
    const key = ed25519.publicKey(seed);
    const signature = ed25519.sign(seed, message);
    for (let i = 0; i < 8; i++) {
      expect(ed25519.verify(key, message, signature)).toBe(true);
      const bad = signature.slice();
      bad[(i * 9) % 64]! ^= 1;
      expect(ed25519.verify(key, message, bad)).toBe(false);
      expect(ed25519.verify(key, Uint8Array.of(i), signature)).toBe(false);
    }
  });

  it("keeps to the one rule at its edges, however often", () => {
    for (const { public_key, message, signature, valid } of edgeCases()) {
      const [key, bytes, signed] = [fromHex(public_key), fromHex(message), fromHex(signature)];
      for (let i = 0; i < 6; i++) expect(ed25519.verify(key, bytes, signed)).toBe(valid);
    }
  });

  it("is what its array holds now", () => {
    const [one, two] = [1, 2].map((byte) => new Uint8Array(32).fill(byte)) as [Uint8Array, Uint8Array];
    const held = ed25519.publicKey(one);
    for (let i = 0; i < 6; i++) expect(ed25519.verify(held, message, ed25519.sign(one, message))).toBe(true);
    held.set(ed25519.publicKey(two));
    expect(ed25519.verify(held, message, ed25519.sign(one, message))).toBe(false);
    expect(ed25519.verify(held, message, ed25519.sign(two, message))).toBe(true);
    held.fill(0);
    expect(ed25519.isPublicKey(held)).toBe(false);
    expect(ed25519.verify(held, message, ed25519.sign(two, message))).toBe(false);
  });
});
