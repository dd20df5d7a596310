import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concat, EMPTY, utf8 } from "../../src/bytes/bytes";
import {
  type Bundle,
  MAX_BUNDLE_BYTES,
  MAX_NAME_BYTES,
  openBundle,
  type Pin,
  pinAllows,
  sealBundle,
} from "../../src/identity/bundle";
import { BundleError } from "../../src/identity/errors";
import { succeedRoot, supersedeIdentity } from "../../src/identity/identity";
import type { RootKeys } from "../../src/identity/rootKeys";
import { signLabelled } from "../../src/identity/signed";
import { encode } from "../../src/mls/codec";
import { UsageError } from "../../src/mls/errors";
import { ROOM_SUITE } from "../../src/mls/suite";
import { suiteOf } from "../../src/mls/suites";
import { codeOf, id, keyPair, leafOf, seeded, someone, spoilt } from "./people";

const { keys: KEYS, identity: ANNA } = someone("anna");
const { keys: BEN_KEYS, identity: BEN } = someone("ben");
const { identity: CLEO } = someone("cleo");
const suite = suiteOf(ROOM_SUITE);

const pinned = ({ accountId, rootKey }: { accountId: Uint8Array; rootKey: Uint8Array }) => ({
  accountId,
  rootKey,
});
const pin = (name: string, ...people: { accountId: Uint8Array; rootKey: Uint8Array }[]): Pin => ({
  room: id(`room ${name}`),
  accounts: people.map(pinned),
  position: 12_345_678_901,
  head: seeded(`head ${name}`)(48),
});
const BUNDLE: Bundle = {
  identity: ANNA,
  name: "Anna Weiß 🙂",
  pins: [pin("one", CLEO, ANNA, BEN), pin("two", BEN, ANNA), pin("empty")],
};
const SEALED = sealBundle(BUNDLE, seeded("seal"));

const judge = (sealed: Uint8Array, keys: Pick<RootKeys, "root" | "seal"> = KEYS) =>
  codeOf(() => openBundle(sealed, keys));

/** Seal any plaintext to Anna's code, as anybody could who knows the key. */
function sealed(plaintext: Uint8Array, accountId = ANNA.accountId, to = KEYS.seal.publicKey): Uint8Array {
  const header = concat(Uint8Array.of(1), accountId);
  const { kemOutput, ciphertext } = suite.hpkeSeal(
    to,
    utf8("Collegium 1.0 bundle"),
    header,
    plaintext,
    seeded("by hand"),
  );
  return encode((writer) => writer.bytes(header).opaque(kemOutput).opaque(ciphertext));
}

type Fields = {
  version?: number;
  accountId?: Uint8Array;
  identityKey?: Uint8Array;
  chain?: Uint8Array;
  name?: Uint8Array;
  people?: Uint8Array[];
  pins?: Uint8Array[];
  signWith?: Uint8Array;
  padding?: Uint8Array;
};

/** A bundle written out by hand, so that any one thing in it can be wrong. */
function plaintext(fields: Fields = {}): Uint8Array {
  const content = encode((writer) =>
    writer
      .uint8(fields.version ?? 1)
      .bytes(fields.accountId ?? ANNA.accountId)
      .bytes(fields.identityKey ?? ANNA.identityKey.privateKey)
      .opaque(fields.chain ?? ANNA.chain)
      .opaque(fields.name ?? utf8("Anna"))
      .vector(fields.people ?? [], (inner, person) => inner.bytes(person))
      .vector(fields.pins ?? [], (inner, one) => inner.bytes(one)),
  );
  const signature = signLabelled(fields.signWith ?? ANNA.identityKey.privateKey, "bundle", content);
  return concat(content, signature, fields.padding ?? new Uint8Array(100));
}

describe("e22: the recovery bundle", () => {
  it("opens with the recovery code: identity, name and pins", () => {
    expect(openBundle(SEALED, KEYS)).toEqual(BUNDLE);
    const bare = { identity: ANNA, name: "", pins: [] };
    expect(openBundle(sealBundle(bare, seeded("bare")), KEYS)).toEqual(bare);
    expect(openBundle(sealed(plaintext()), KEYS)).toEqual({ identity: ANNA, name: "Anna", pins: [] });
  });

  it("opens after the identity was renewed, and with a new code after the root was", () => {
    const renewed = { ...BUNDLE, identity: supersedeIdentity(ANNA, KEYS, seeded("renewed")) };
    expect(openBundle(sealBundle(renewed, seeded("r")), KEYS)).toEqual(renewed);
    const next = someone("anna's new code").keys;
    const moved = { ...BUNDLE, identity: succeedRoot(ANNA, KEYS, next) };
    expect(openBundle(sealBundle(moved, seeded("m")), next)).toEqual(moved);
    // The old code opens it no more.
    expect(judge(sealBundle(moved, seeded("m")), KEYS)).toBe("bundle_sealed");
  });

  it("is sealed: another code does not open it, and no byte of it can be changed", () => {
    expect(judge(SEALED, BEN_KEYS)).toBe("bundle_sealed");
    for (const at of [1, 16, 30, 1200, 1500, -1])
      expect(judge(spoilt(SEALED, at))).not.toBe("nothing was thrown");
    expect(judge(spoilt(SEALED, -1))).toBe("bundle_sealed");
    expect(judge(spoilt(SEALED, 1))).toBe("bundle_sealed");
    const secret = ANNA.identityKey.privateKey;
    const text = Buffer.from(SEALED).toString("latin1");
    expect(text.includes(Buffer.from(secret).toString("latin1"))).toBe(false);
    expect(text.includes("Anna")).toBe(false);
  });

  it("is sealed anew every time", () => {
    expect(sealBundle(BUNDLE, seeded("other"))).not.toEqual(SEALED);
  });

  it("is signed by the identity key: whoever else seals to the code's key is refused", () => {
    expect(judge(sealed(plaintext({ signWith: BEN.identityKey.privateKey })))).toBe("bundle_signature");
    const other = plaintext();
    expect(judge(sealed(spoilt(other, other.length - 101)))).toBe("bundle_signature");
  });

  it("its chain ends in the code's root", () => {
    // Ben's whole bundle, sealed to Anna's code.
    const bens = plaintext({
      accountId: BEN.accountId,
      identityKey: BEN.identityKey.privateKey,
      chain: BEN.chain,
      signWith: BEN.identityKey.privateKey,
    });
    expect(judge(sealed(bens))).toBe("bundle_root");
    expect(judge(sealed(bens, BEN.accountId))).toBe("bundle_root");
    expect(judge(sealed(plaintext({ chain: spoilt(ANNA.chain, -1) })))).toBe("bundle_root");
    const moved = succeedRoot(ANNA, KEYS, someone("anna's new code").keys);
    expect(judge(sealed(plaintext({ chain: moved.chain })))).toBe("bundle_root");
  });

  it("it is of the account that its seal names", () => {
    expect(judge(sealed(plaintext(), BEN.accountId))).toBe("bundle_root");
    expect(judge(sealed(plaintext({ accountId: BEN.accountId })))).toBe("bundle_root");
    expect(judge(sealed(plaintext({ accountId: BEN.accountId }), BEN.accountId))).toBe("bundle_root");
  });

  it("its private key is the chain's identity key", () => {
    const other = keyPair("another identity key").privateKey;
    expect(judge(sealed(plaintext({ identityKey: other })))).toBe("bundle_identity");
  });

  it("other versions, damaged lists, names that are no text and padding that is not zero are refused", () => {
    const entry = concat(BEN.accountId, BEN.rootKey);
    const pinBytes = (position: bigint, index: number) =>
      encode((writer) =>
        writer
          .bytes(id("room"))
          .uint64(position)
          .bytes(new Uint8Array(48))
          .vector([index], (inner, one) => inner.uint16(one)),
      );
    expect(judge(sealed(plaintext({ people: [entry], pins: [pinBytes(1n, 0)] })))).toBe("nothing was thrown");
    for (const fields of [
      { version: 2 },
      { people: [entry], pins: [pinBytes(1n, 1)] },
      { people: [entry], pins: [pinBytes(2n ** 53n, 0)] },
      { people: [entry.slice(1)] },
      { name: Uint8Array.of(0xff) },
      { name: new Uint8Array(MAX_NAME_BYTES + 1) },
      { padding: Uint8Array.of(0, 0, 1) },
    ] satisfies Fields[]) {
      expect(judge(sealed(plaintext(fields))), JSON.stringify(Object.keys(fields))).toBe("bundle_malformed");
    }
    const version = SEALED.slice();
    version[0] = 2;
    for (const bad of [EMPTY, version, SEALED.slice(0, -1), concat(SEALED, EMPTY, utf8("x"))]) {
      expect(judge(bad)).toBe("bundle_malformed");
    }
  });

  it("fits into what the server takes, or says so", () => {
    const people = Array.from({ length: 256 }, (_, i) => ({
      accountId: id(`account ${i}`),
      rootKey: seeded(`root ${i}`)(32),
    }));
    // A colleague of many rooms is written once: 400 rooms with a dozen of 256 people each.
    const pins = Array.from({ length: 400 }, (_, i) =>
      pin(`${i}`, ...Array.from({ length: 12 }, (_, k) => people[(i * 12 + k) % 256]!)),
    );
    const large = sealBundle({ ...BUNDLE, pins }, seeded("large"));
    expect(large.length).toBeLessThanOrEqual(MAX_BUNDLE_BYTES);
    expect(openBundle(large, KEYS).pins).toEqual(pins);
    expect(codeOf(() => sealBundle({ ...BUNDLE, pins: [...pins, ...pins] }, seeded("x")))).toBe(
      "bundle_too_large",
    );
    const oversized = sealed(plaintext({ padding: new Uint8Array(MAX_BUNDLE_BYTES) }));
    expect(judge(oversized)).toBe("bundle_malformed");
    expect(judge(sealed(plaintext({ padding: new Uint8Array(MAX_BUNDLE_BYTES - 3000) })))).toBe(
      "nothing was thrown",
    );
    expect(() => sealBundle({ ...BUNDLE, name: "x".repeat(MAX_NAME_BYTES + 1) }, seeded("x"))).toThrow(
      UsageError,
    );
  });

  it("threats 22: one colleague or one letter more does not show in its size", () => {
    const size = (bundle: Bundle) => sealBundle(bundle, seeded("size")).length;
    const small = { ...BUNDLE, pins: [pin("one", ANNA)] };
    expect(size({ ...small, name: "A" })).toBe(size({ ...small, name: "Annabella" }));
    expect(size(small)).toBe(size({ ...small, pins: [pin("one", ANNA, BEN)] }));
  });

  it("invariant: any bytes give a bundle or BundleError", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(() => openBundle(bytes, KEYS)).toThrow(BundleError);
        expect(() => openBundle(concat(SEALED.slice(0, 17), bytes), KEYS)).toThrow(BundleError);
      }),
      { seed: 22, numRuns: 200 },
    );
    const good = plaintext();
    fc.assert(
      fc.property(fc.nat({ max: good.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, bits) => {
        const changed = good.slice();
        changed[at]! ^= bits;
        expect(() => openBundle(sealed(changed), KEYS)).toThrow(BundleError);
      }),
      { seed: 22, numRuns: 60 },
    );
  });
});

describe("e22: who may let a recovered device in", () => {
  const one = BUNDLE.pins[0]!;

  it("an adder whose account and root are on the list", () => {
    expect(pinAllows(one, leafOf(BEN, "laptop"))).toBe(true);
    expect(pinAllows(one, leafOf(supersedeIdentity(BEN, BEN_KEYS, seeded("renewed")), "phone"))).toBe(true);
  });

  it("also after the adder's root was followed by another", () => {
    const moved = succeedRoot(BEN, BEN_KEYS, someone("ben's new code").keys);
    expect(pinAllows(one, leafOf(moved, "laptop"))).toBe(true);
  });

  it("nobody else", () => {
    expect(pinAllows(one, leafOf(someone("dora").identity, "laptop"))).toBe(false);
    expect(pinAllows(BUNDLE.pins[1]!, leafOf(CLEO, "laptop"))).toBe(false);
    expect(pinAllows(BUNDLE.pins[2]!, leafOf(BEN, "laptop"))).toBe(false);
  });

  it("not an account on the list whose pinned root is another, nor a pinned root under another account", () => {
    const leaf = leafOf(BEN, "laptop");
    const otherRoot = { ...one, accounts: [{ accountId: BEN.accountId, rootKey: CLEO.rootKey }] };
    expect(pinAllows(otherRoot, leaf)).toBe(false);
    const otherAccount = { ...one, accounts: [{ accountId: CLEO.accountId, rootKey: BEN.rootKey }] };
    expect(pinAllows(otherAccount, leaf)).toBe(false);
    // Ben's pin with his newer root does not let the older one in.
    const moved = succeedRoot(BEN, BEN_KEYS, someone("ben's new code").keys);
    expect(pinAllows(pin("moved", moved), leaf)).toBe(false);
  });
});
