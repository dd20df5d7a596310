import { ED25519_TORSION_SUBGROUP, ed25519 } from "@noble/curves/ed25519.js";
import { shake256 } from "@noble/hashes/sha3.js";
import { describe, expect, it } from "vitest";
import { fromHex, systemRng, toHex } from "../../src/bytes/bytes";
import { KeyError } from "../../src/mls/errors";
import { x25519Agree } from "../../src/mls/x25519";
import { MLKEM768_X25519 as kem, keyPairOfSeed } from "../../src/mls/xwing";
import { eachVectorFile } from "../vectors";

type XWingVector = { seed: string; eseed: string; ss: string; sk: string; pk: string; ct: string };

eachVectorFile<XWingVector>("xwing", (entries) => {
  for (const vector of entries) {
    const keys = keyPairOfSeed(fromHex(vector.seed));
    expect(toHex(keys.privateKey)).toBe(vector.sk);
    expect(toHex(keys.publicKey)).toBe(vector.pk);
    const { kemOutput, sharedSecret } = kem.encapsulate(keys.publicKey, fromHex(vector.eseed));
    expect(toHex(kemOutput)).toBe(vector.ct);
    expect(toHex(sharedSecret)).toBe(vector.ss);
    expect(toHex(kem.decapsulate(fromHex(vector.ct), fromHex(vector.sk)))).toBe(vector.ss);
  }
  return { checked: entries.length };
});

/** The Montgomery u of every Edwards point of small order, −1 on the twist, and two spellings above the prime. */
const SMALL_ORDER_U = [
  ...new Set(
    ED25519_TORSION_SUBGROUP.map((hex) => {
      const { y } = ed25519.Point.fromHex(hex);
      const { Fp } = ed25519.Point;
      return toHex(Fp.toBytes(Fp.is0(Fp.sub(Fp.ONE, y)) ? 0n : Fp.div(Fp.add(Fp.ONE, y), Fp.sub(Fp.ONE, y))));
    }),
  ),
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
];

describe("X-Wing", () => {
  const keys = keyPairOfSeed(new Uint8Array(32).fill(3));

  it("e2: derives its seed with the labels of HPKE, not by plain SHAKE256", () => {
    const ikm = new Uint8Array(32).fill(9);
    expect(kem.deriveKeyPair(ikm).privateKey).not.toEqual(shake256(ikm, { dkLen: 32 }));
    expect(kem.deriveKeyPair(ikm).privateKey.length).toBe(32);
  });

  it.each(SMALL_ORDER_U)("e4: refuses an X25519 result of zero (%s)", (hex) => {
    const u = fromHex(hex);
    expect(() => x25519Agree(new Uint8Array(32).fill(1), u)).toThrow(KeyError);
    const publicKey = keys.publicKey.slice();
    publicKey.set(u, publicKey.length - 32);
    expect(() => kem.encapsulate(publicKey, systemRng(64))).toThrow(KeyError);
    const { kemOutput } = kem.encapsulate(keys.publicKey, systemRng(64));
    kemOutput.set(u, kemOutput.length - 32);
    expect(() => kem.decapsulate(kemOutput, keys.privateKey)).toThrow(KeyError);
  });

  it("e4: all five values of u of small order and two other spellings are among those", () => {
    expect(SMALL_ORDER_U.length).toBe(7);
  });

  it("refuses an ML-KEM key with a coefficient that is not reduced", () => {
    const publicKey = keys.publicKey.slice();
    publicKey.fill(0xff, 0, 3);
    expect(() => kem.encapsulate(publicKey, systemRng(64))).toThrow(KeyError);
  });

  it("refuses keys, outputs and randomness of another length", () => {
    const { kemOutput } = kem.encapsulate(keys.publicKey, systemRng(64));
    expect(() => kem.encapsulate(keys.publicKey.slice(1), systemRng(64))).toThrow(KeyError);
    expect(() => kem.encapsulate(keys.publicKey, systemRng(32))).toThrow(KeyError);
    expect(() => kem.decapsulate(kemOutput.slice(1), keys.privateKey)).toThrow(KeyError);
    expect(() => kem.decapsulate(kemOutput, new Uint8Array(31))).toThrow(KeyError);
  });

  it.each([0, 1087, 1090])("makes another secret of a ciphertext spoilt at byte %i", (at) => {
    const { kemOutput, sharedSecret } = kem.encapsulate(keys.publicKey, systemRng(64));
    expect(kem.decapsulate(kemOutput, keys.privateKey)).toEqual(sharedSecret);
    const spoilt = kemOutput.slice();
    spoilt[at] = spoilt[at]! ^ 1;
    expect(kem.decapsulate(spoilt, keys.privateKey)).not.toEqual(sharedSecret);
  });
});
