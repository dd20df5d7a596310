import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concat, toHex, u32, utf8 } from "../../src/bytes/bytes";
import { AsError } from "../../src/identity/errors";
import { newIdentity, succeedRoot, supersedeIdentity } from "../../src/identity/identity";
import { accountIdOf, type RootKeys } from "../../src/identity/rootKeys";
import {
  encodeChain,
  type IdentityStatement,
  MAX_CHAIN_BYTES,
  MAX_LINKS,
  readChain,
  signStatement,
  splitChain,
} from "../../src/identity/statement";
import { encodeVarint } from "../../src/mls/codec";
import * as ed25519 from "../../src/mls/ed25519";
import { DecodeError, UsageError } from "../../src/mls/errors";
import { signContent } from "../../src/mls/signLabel";
import { codeOf, keyPair, seeded, someone, spoilt } from "./people";

const ANNA = someone("anna");
const [R0, R1, R2] = ["r0", "r1", "r2"].map((name) => keyPair(name)) as [KeyPairs, KeyPairs, KeyPairs];
type KeyPairs = ReturnType<typeof keyPair>;
const ACCOUNT = accountIdOf(R0.publicKey);
const KEY = keyPair("identity").publicKey;

/** A link by a root, with anything in it changed. */
function link(
  root: KeyPairs,
  serial: number,
  next: KeyPairs | null,
  changes: Partial<IdentityStatement> = {},
) {
  return signStatement(root.privateKey, {
    accountId: ACCOUNT,
    serial,
    rootKey: root.publicKey,
    identityKey: KEY,
    newRoot: next?.publicKey ?? null,
    ...changes,
  });
}

const judge = (...links: Uint8Array[]) => codeOf(() => readChain(encodeChain(links)));

describe("e7: identity statements", () => {
  it("one statement: whose it is, and which identity key", () => {
    expect(readChain(ANNA.identity.chain)).toEqual({
      accountId: accountIdOf(ANNA.keys.root.publicKey),
      roots: [ANNA.keys.root.publicKey],
      identityKey: ANNA.identity.identityKey.publicKey,
      serial: 1,
    });
  });

  it("its bytes, signed by the root over label and content (E5)", () => {
    const content = concat(Uint8Array.of(1), ACCOUNT, u32(7), R0.publicKey, KEY, Uint8Array.of(0));
    const signature = ed25519.sign(R0.privateKey, signContent("Collegium 1.0 identity", content));
    expect(toHex(link(R0, 7, null))).toBe(toHex(concat(content, signature)));
    const whole = concat(content, signature);
    expect(encodeChain([whole])).toEqual(concat(encodeVarint(whole.length), whole));
  });

  it("the account id belongs to the first root (E6)", () => {
    expect(judge(link(R0, 1, null))).toBe("nothing was thrown");
    expect(judge(link(R0, 1, null, { accountId: spoilt(ACCOUNT, 0) }))).toBe("chain_account");
    expect(judge(link(R1, 1, null))).toBe("chain_account");
    expect(judge(link(R0, 1, R1), link(R1, 2, null, { accountId: accountIdOf(R1.publicKey) }))).toBe(
      "chain_account",
    );
  });

  it("every link is signed, by its own root", () => {
    const first = link(R0, 1, R1);
    const second = link(R1, 2, null);
    expect(judge(first, second)).toBe("nothing was thrown");
    expect(judge(spoilt(first, -1), second)).toBe("statement_signature");
    expect(judge(first, spoilt(second, -1))).toBe("statement_signature");
    expect(judge(link({ ...R0, privateKey: R1.privateKey }, 1, null))).toBe("statement_signature");
    // Any bit of what is signed.
    for (const at of [1, 17, 20, 60])
      expect(judge(spoilt(link(R0, 1, null), at))).not.toBe("nothing was thrown");
  });

  it("a signature under another label is none (E5)", () => {
    const content = link(R0, 1, null).slice(0, -64);
    const signature = ed25519.sign(R0.privateKey, signContent("Collegium 1.0 device", content));
    expect(judge(concat(content, signature))).toBe("statement_signature");
  });

  it("each link is signed by the root that the one before it names", () => {
    expect(judge(link(R0, 1, R1), link(R2, 2, null))).toBe("chain_root");
    expect(judge(link(R0, 1, null), link(R1, 2, null))).toBe("chain_root");
  });

  it("a new root has signed for itself", () => {
    expect(judge(link(R0, 1, R1))).toBe("chain_root");
  });

  it("a root that has a successor signs nothing more, not even as somebody's successor", () => {
    expect(judge(link(R0, 1, R1), link(R1, 2, R0), link(R0, 3, null))).toBe("chain_root");
    expect(judge(link(R0, 1, R0), link(R0, 2, null))).toBe("chain_root");
  });

  it("serials rise along the chain", () => {
    expect(judge(link(R0, 2, R1), link(R1, 3, null))).toBe("nothing was thrown");
    expect(judge(link(R0, 2, R1), link(R1, 2, null))).toBe("chain_serial");
    expect(judge(link(R0, 2, R1), link(R1, 1, null))).toBe("chain_serial");
  });

  it("at most eight links", () => {
    expect(MAX_LINKS).toBe(8);
    // Nine short ones are within the bytes of a chain, and too many.
    const short = concat(...Array.from({ length: 9 }, (_, i) => link(R0, i, null)));
    expect(short.length).toBeLessThan(MAX_CHAIN_BYTES);
    expect(codeOf(() => readChain(concat(encodeVarint(short.length), short)))).toBe("malformed");
    const roots = Array.from({ length: MAX_LINKS + 1 }, (_, i) => keyPair(`root ${i}`));
    const accountId = accountIdOf(roots[0]!.publicKey);
    const links = (count: number) =>
      roots
        .slice(0, count)
        .map((root, i) => link(root, i, i === count - 1 ? null : roots[i + 1]!, { accountId }));
    const eight = encodeChain(links(MAX_LINKS));
    expect(readChain(eight).roots).toEqual(roots.slice(0, MAX_LINKS).map((root) => root.publicKey));
    expect(eight.length).toBeLessThanOrEqual(MAX_CHAIN_BYTES);
    expect(() => encodeChain(links(MAX_LINKS + 1))).toThrow(UsageError);
    const inner = concat(...links(MAX_LINKS + 1));
    expect(codeOf(() => readChain(concat(encodeVarint(inner.length), inner)))).toBe("malformed");
  });

  it("other versions, missing links and bytes that follow are refused", () => {
    const good = ANNA.identity.chain;
    for (const bad of [
      encodeVarint(0),
      good.slice(0, -1),
      concat(good, utf8("x")),
      (() => {
        const other = link(R0, 1, null);
        other[0] = 2;
        return encodeChain([other]);
      })(),
      new Uint8Array(MAX_CHAIN_BYTES + 1),
    ]) {
      expect(codeOf(() => readChain(bad))).toBe("malformed");
    }
  });

  it("threats 41: what is longer than any chain is not read at all", () => {
    const read = (length: number) => {
      try {
        readChain(new Uint8Array(length));
      } catch (error) {
        return (error as AsError).cause;
      }
      return "nothing was thrown";
    };
    expect(read(MAX_CHAIN_BYTES)).toBeInstanceOf(DecodeError);
    expect(read(MAX_CHAIN_BYTES + 1)).toBeUndefined();
  });

  it("invariant: any bytes, and any change of a good chain, give a chain or AsError", {
    timeout: 60_000,
  }, () => {
    const chain = succeedRoot(ANNA.identity, ANNA.keys, someone("anna's new code").keys).chain;
    const run = (bytes: Uint8Array) => {
      try {
        readChain(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(AsError);
        return;
      }
      expect(toHex(bytes)).toBe(toHex(chain));
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 500 }), run), { seed: 7, numRuns: 300 });
    fc.assert(
      fc.property(fc.nat({ max: chain.length - 1 }), fc.nat({ max: 255 }), (at, value) => {
        const changed = chain.slice();
        changed[at] = value;
        run(changed);
      }),
      { seed: 7, numRuns: 200 },
    );
  });
});

describe("e7: new keys of an account", () => {
  const NEXT = someone("anna's new code");

  it("a new identity key under the same root has a higher serial", () => {
    const renewed = supersedeIdentity(ANNA.identity, ANNA.keys, seeded("renewed"));
    const chain = readChain(renewed.chain);
    expect(chain.serial).toBe(2);
    expect(renewed.serial).toBe(2);
    expect(chain.roots).toEqual([ANNA.keys.root.publicKey]);
    expect(chain.identityKey).toEqual(renewed.identityKey.publicKey);
    expect(chain.identityKey).not.toEqual(ANNA.identity.identityKey.publicKey);
    expect(renewed.accountId).toEqual(ANNA.identity.accountId);
  });

  it("a new recovery code: the old root names the new one, account and identity key stay", () => {
    const moved = succeedRoot(ANNA.identity, ANNA.keys, NEXT.keys);
    const chain = readChain(moved.chain);
    expect(chain).toEqual({
      accountId: ANNA.identity.accountId,
      roots: [ANNA.keys.root.publicKey, NEXT.keys.root.publicKey],
      identityKey: ANNA.identity.identityKey.publicKey,
      serial: 3,
    });
    expect(moved.rootKey).toEqual(NEXT.keys.root.publicKey);
    expect(moved.sealKey).toEqual(NEXT.keys.seal.publicKey);
    const again = supersedeIdentity(moved, NEXT.keys, seeded("again"));
    expect(readChain(again.chain).serial).toBe(4);
    expect(splitChain(again.chain)).toHaveLength(2);
  });

  it("only the root in force can do either", () => {
    const moved = succeedRoot(ANNA.identity, ANNA.keys, NEXT.keys);
    expect(() => supersedeIdentity(moved, ANNA.keys, seeded("x"))).toThrow(UsageError);
    expect(() => succeedRoot(moved, ANNA.keys, someone("third").keys)).toThrow(UsageError);
  });

  it("after seven successors the chain is at its end", () => {
    let identity = newIdentity(ANNA.keys, seeded("many"));
    let keys: RootKeys = ANNA.keys;
    for (let i = 1; i < MAX_LINKS; i++) {
      const next = someone(`code ${i}`).keys;
      identity = succeedRoot(identity, keys, next);
      keys = next;
    }
    expect(readChain(identity.chain).roots).toHaveLength(MAX_LINKS);
    expect(() => succeedRoot(identity, keys, someone("one more").keys)).toThrow(UsageError);
  });
});
