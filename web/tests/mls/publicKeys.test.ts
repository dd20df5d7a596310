import { describe, expect, it } from "vitest";
import { EMPTY, systemRng, utf8 } from "../../src/bytes/bytes";
import { ROOM_SUITE } from "../../src/mls/suite";
import { suiteOf } from "../../src/mls/suites";
import { drawBelow, seededRng } from "./seededRng";
import { codeOf } from "./treeWorld";

describe.each([1, 2, 3, ROOM_SUITE].map(suiteOf))("checkPublicKey, $name", (suite) => {
  const rng = seededRng(`public keys of ${suite.name}`);
  const good = suite.deriveKeyPair(rng(suite.nh)).publicKey;
  const checked = (key: Uint8Array) => codeOf(() => suite.checkPublicKey(key));
  const sealed = (key: Uint8Array) => codeOf(() => suite.hpkeSeal(key, EMPTY, EMPTY, utf8("x"), systemRng));

  it("takes what was derived, and leaves it as it is", () => {
    const before = good.slice();
    expect(checked(good)).toBe("nothing thrown");
    expect(good).toEqual(before);
  });

  it("refuses exactly the keys that encrypting refuses", () => {
    const answers = new Set<string>();
    for (let i = 0; i < 60; i++) {
      const key = good.slice();
      const at = drawBelow(rng, key.length);
      // Two whole bytes: an ML-KEM coefficient of more than the modulus comes up often.
      key.set(rng(2), Math.min(at, key.length - 2));
      const answer = checked(key);
      expect(answer).toBe(sealed(key));
      answers.add(answer);
    }
    if (suite.id === ROOM_SUITE || suite.id === 2) expect(answers.has("key")).toBe(true);
    for (const key of [
      EMPTY,
      good.slice(1),
      new Uint8Array(good.length),
      new Uint8Array(good.length).fill(255),
    ]) {
      expect(checked(key)).toBe(sealed(key));
    }
    expect(checked(new Uint8Array(good.length))).toBe("key");
  });
});

describe("v903: a P-256 key", () => {
  const suite = suiteOf(2);
  const key = suite.deriveKeyPair(seededRng("p256")(32)).publicKey;
  const checked = (bytes: Uint8Array) => codeOf(() => suite.checkPublicKey(bytes));

  it("has one spelling: uncompressed", () => {
    expect(checked(key)).toBe("nothing thrown");
    const odd = key[64]! & 1;
    // Compressed, the hybrid of both, and a compressed one with more behind it.
    expect(checked(Uint8Array.of(2 + odd, ...key.subarray(1, 33)))).toBe("key");
    expect(checked(Uint8Array.of(6 + odd, ...key.subarray(1)))).toBe("key");
    expect(checked(Uint8Array.of(2 + odd, ...key.subarray(1)))).toBe("key");
  });

  it("is a point of the curve", () => {
    for (const at of [1, 32, 33, 64]) {
      const off = key.slice();
      off[at]! ^= 1;
      expect(checked(off)).toBe("key");
    }
  });
});
