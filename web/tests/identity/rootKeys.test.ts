import { createHash, hkdfSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { concat, toHex, utf8 } from "../../src/bytes/bytes";
import { accountIdOf, rootKeys } from "../../src/identity/rootKeys";
import * as ed25519 from "../../src/mls/ed25519";
import { UsageError } from "../../src/mls/errors";
import { ROOM_SUITE } from "../../src/mls/suite";
import { suiteOf } from "../../src/mls/suites";
import { seeded, someone, spoilt } from "./people";

const CODE = someone("anna").code;

/** By another implementation of HKDF. */
const derived = (purpose: string) =>
  new Uint8Array(
    hkdfSync("sha384", CODE, utf8("Collegium 1.0 recovery code"), utf8(`Collegium 1.0 code ${purpose}`), 32),
  );

describe("e6: what a recovery code makes", () => {
  it("root and recovery keys by HKDF-SHA-384, each under its own label", () => {
    const keys = rootKeys(CODE);
    expect(keys.root.privateKey).toEqual(derived("root"));
    expect(keys.root.publicKey).toEqual(ed25519.publicKey(derived("root")));
    expect(keys.recovery.privateKey).toEqual(derived("recovery"));
    expect(keys.recovery.publicKey).toEqual(ed25519.publicKey(derived("recovery")));
  });

  it("e22: the key to which bundles are sealed, by the DeriveKeyPair of E2", () => {
    const { seal } = rootKeys(CODE);
    expect(seal).toEqual(suiteOf(ROOM_SUITE).deriveKeyPair(derived("seal")));
    const sealed = suiteOf(ROOM_SUITE).hpkeSeal(
      seal.publicKey,
      utf8("i"),
      utf8("a"),
      utf8("x"),
      seeded("seal"),
    );
    expect(suiteOf(ROOM_SUITE).hpkeOpen(seal.privateKey, sealed, utf8("i"), utf8("a"))).toEqual(utf8("x"));
  });

  it("e39: the key that opens the vault", () => {
    expect(rootKeys(CODE).vaultKey).toEqual(derived("vault"));
  });

  it("no two of them are the same, and another code makes others", () => {
    const all = [CODE, spoilt(CODE, 14)].flatMap((code) => {
      const { root, recovery, seal, vaultKey } = rootKeys(code);
      return [root.privateKey, recovery.privateKey, seal.privateKey, vaultKey].map(toHex);
    });
    expect(new Set(all).size).toBe(8);
  });

  it("an account id is the first 16 bytes of the hash of its root key", () => {
    const root = rootKeys(CODE).root.publicKey;
    const hash = createHash("sha256")
      .update(concat(utf8("Collegium 1.0 account"), root))
      .digest();
    expect(toHex(accountIdOf(root))).toBe(hash.subarray(0, 16).toString("hex"));
  });

  it("threats 37: a shorter code makes nothing", () => {
    for (const length of [0, 14, 16]) expect(() => rootKeys(new Uint8Array(length))).toThrow(UsageError);
  });
});
