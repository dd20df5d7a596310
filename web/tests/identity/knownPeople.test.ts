import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concat, EMPTY } from "../../src/bytes/bytes";
import type { LeafIdentity } from "../../src/identity/credential";
import { type Identity, succeedRoot, supersedeIdentity } from "../../src/identity/identity";
import {
  decodePeople,
  encodePeople,
  type KnownPeople,
  markVerified,
  meet,
  type News,
  NOBODY,
  standing,
} from "../../src/identity/knownPeople";
import type { RootKeys } from "../../src/identity/rootKeys";
import { encodeChain, signStatement, splitChain } from "../../src/identity/statement";
import { encodeVarint } from "../../src/mls/codec";
import { StorageError, UsageError } from "../../src/mls/errors";
import { codeOf, keyPair, leafOf, seeded, someone } from "./people";

const { keys: KEYS, identity: ANNA } = someone("anna");
const { identity: BEN } = someone("ben");
const NEXT = someone("anna's new code").keys;
const THIEF = someone("a thief's code").keys;

const first = leafOf(ANNA, "laptop");
const RENEWED = supersedeIdentity(ANNA, KEYS, seeded("renewed"));
const renewed = leafOf(RENEWED, "laptop");
const MOVED = succeedRoot(ANNA, KEYS, NEXT);
const moved = leafOf(MOVED, "laptop");
const stolen = leafOf(succeedRoot(ANNA, KEYS, THIEF), "laptop");

/** Meet one after the other: what each told, and what is known in the end. */
function meetAll(...leaves: LeafIdentity[]): { known: KnownPeople; news: News[] } {
  const news: News[] = [];
  let known = NOBODY;
  for (const leaf of leaves) {
    const met = meet(known, leaf);
    known = met.known;
    news.push(met.news);
  }
  return { known, news };
}

const shown = (known: KnownPeople) => standing(known, ANNA.accountId);

/** A statement under the current root with any serial and key. */
function restated(identity: Identity, root: RootKeys, serial: number, key: string): Identity {
  const identityKey = keyPair(key);
  const statement = signStatement(root.root.privateKey, {
    accountId: identity.accountId,
    serial,
    rootKey: root.root.publicKey,
    identityKey: identityKey.publicKey,
    newRoot: null,
  });
  const chain = encodeChain([...splitChain(identity.chain).slice(0, -1), statement]);
  return { ...identity, identityKey, serial, chain };
}

describe("e11: standing of a person", () => {
  it("introduced when first met; a second device tells nothing new", () => {
    const { known, news } = meetAll(first, leafOf(ANNA, "phone"), leafOf(BEN, "laptop"));
    expect(news).toEqual(["introduced", null, "introduced"]);
    expect(shown(known)).toBe("introduced");
    expect(standing(known, BEN.accountId)).toBe("introduced");
    expect(standing(NOBODY, ANNA.accountId)).toBeNull();
  });

  it("changed by a new identity key under the same root", () => {
    const { known, news } = meetAll(first, renewed);
    expect(news).toEqual(["introduced", "changed"]);
    expect(shown(known)).toBe("changed");
  });

  it("changed by a new root", () => {
    const { known, news } = meetAll(first, moved);
    expect(news).toEqual(["introduced", "root_changed"]);
    expect(shown(known)).toBe("changed");
  });

  it("verified by voice, until something changes", () => {
    const { known } = meetAll(first);
    const verified = markVerified(known, first);
    expect(shown(verified)).toBe("verified");
    expect(meet(verified, first)).toEqual({ known: verified, news: null });
    const changed = meet(verified, renewed);
    expect(changed.news).toBe("changed");
    expect(shown(changed.known)).toBe("changed");
    expect(shown(markVerified(changed.known, renewed))).toBe("verified");
    expect(shown(meet(verified, moved).known)).toBe("changed");
  });

  it("somebody may be verified who was never met", () => {
    expect(shown(markVerified(NOBODY, first))).toBe("verified");
  });

  it("the same key said again under a higher serial is remembered, and changes nothing that is shown", () => {
    const again = { ...first, identitySerial: 5 };
    const verified = markVerified(NOBODY, first);
    const met = meet(verified, again);
    expect(met.news).toBeNull();
    expect(shown(met.known)).toBe("verified");
    expect(meet(met.known, renewed).news).toBe("outdated");
  });
});

describe("e7: what supersedes", () => {
  it("a statement with a lower serial supersedes nothing", () => {
    const { known, news } = meetAll(first, renewed, first);
    expect(news).toEqual(["introduced", "changed", "outdated"]);
    expect(meet(known, renewed).news).toBeNull();
  });

  it("a statement of the same serial with another key supersedes nothing", () => {
    const other = leafOf(restated(ANNA, KEYS, 1, "contradiction"), "laptop");
    const { known, news } = meetAll(first, other);
    expect(news).toEqual(["introduced", "outdated"]);
    expect(shown(known)).toBe("introduced");
    expect(meet(known, first).news).toBeNull();
  });

  it("who has seen a root's successor refuses all else that the old root signs, whatever its serial", () => {
    const late = leafOf(restated(ANNA, KEYS, 1000, "old root, new key"), "laptop");
    const { known, news } = meetAll(first, moved, late, renewed);
    expect(news).toEqual(["introduced", "root_changed", "outdated", "outdated"]);
    expect(meet(known, moved).news).toBeNull();
    expect(() => markVerified(known, late)).toThrow(UsageError);
  });

  it("a device that still shows the older chain of the same identity key is no news, and takes nothing back", () => {
    const { known, news } = meetAll(first, moved, first);
    expect(news).toEqual(["introduced", "root_changed", null]);
    expect(meet(known, moved)).toEqual({ known, news: null });
    const verified = markVerified(known, first);
    expect(shown(verified)).toBe("verified");
    expect(meet(verified, moved)).toEqual({ known: verified, news: null });
  });

  it("two successors of a root block the account, in either order", () => {
    for (const [one, other] of [
      [moved, stolen],
      [stolen, moved],
    ] as const) {
      const { known, news } = meetAll(first, one, other);
      expect(news).toEqual(["introduced", "root_changed", "blocked"]);
      expect(shown(known)).toBe("blocked");
      // Told once; nothing that either signs ends it.
      const onward = supersedeIdentity(MOVED, NEXT, seeded("onward"));
      for (const leaf of [one, other, first, leafOf(onward, "laptop")]) {
        const again = meet(known, leaf);
        expect(again.news).toBeNull();
        expect(shown(again.known)).toBe("blocked");
      }
    }
  });

  it("a comparison by voice ends the block for either side, and the other counts no more", () => {
    const { known } = meetAll(first, moved, stolen);
    for (const [kept, lost] of [
      [moved, stolen],
      [stolen, moved],
    ] as const) {
      const settled = markVerified(known, kept);
      expect(shown(settled)).toBe("verified");
      expect(meet(settled, kept).news).toBeNull();
      expect(() => markVerified(known, first)).toThrow(UsageError);
      const met = meet(settled, lost);
      expect(met.news).toBe("outdated");
      expect(shown(met.known)).toBe("verified");
    }
    // A third successor blocks again.
    const third = leafOf(succeedRoot(ANNA, KEYS, someone("third").keys), "laptop");
    expect(meet(markVerified(known, moved), third).news).toBe("blocked");
  });

  it("what follows the successor that lost is refused as well", () => {
    const settled = markVerified(meetAll(first, moved, stolen).known, moved);
    const thief = succeedRoot(ANNA, KEYS, THIEF);
    const further = succeedRoot(thief, THIEF, someone("a thief's second code").keys);
    expect(meet(settled, leafOf(further, "laptop")).news).toBe("outdated");
  });

  it("a successor below what its own root has said since is a conflict", () => {
    const ahead = leafOf(restated(ANNA, KEYS, 50, "ahead"), "laptop");
    const { known, news } = meetAll(ahead, moved);
    expect(news).toEqual(["introduced", "blocked"]);
    expect(shown(markVerified(known, moved))).toBe("verified");
  });

  it("what it remembers of a dispute is bounded", () => {
    let { known } = meetAll(first, moved);
    for (let i = 0; i < 40; i++) {
      const roots = [...first.roots, keyPair(`flood ${i}`).publicKey];
      known = meet(known, { ...first, roots, rootKey: roots[1]!, identitySerial: 9 }).known;
    }
    expect([...known.values()][0]!.disputed).toHaveLength(16);
    expect(shown(known)).toBe("blocked");
  });

  it("nobody else is touched", () => {
    const { known } = meetAll(first, leafOf(BEN, "laptop"), moved, stolen);
    expect(standing(known, BEN.accountId)).toBe("introduced");
  });
});

describe("known people in the vault", () => {
  it("round trip", () => {
    const settled = markVerified(meetAll(first, moved, stolen).known, moved);
    for (const known of [NOBODY, settled, meetAll(leafOf(BEN, "laptop"), first, moved, stolen).known]) {
      expect(decodePeople(encodePeople(known))).toEqual(known);
      expect(encodePeople(decodePeople(encodePeople(known)))).toEqual(encodePeople(known));
    }
  });

  it("damage is named", () => {
    const bytes = encodePeople(meetAll(first).known);
    // After version, length, account, identity key and serial: what the person counts as.
    const standingAt = 1 + encodeVarint(bytes.length).length + 16 + 32 + 4;
    const verified = decodePeople(bytes.with(standingAt, 2));
    expect(standing(verified, ANNA.accountId)).toBe("verified");
    for (const bad of [EMPTY, bytes.slice(0, -1), concat(bytes, bytes), bytes.with(standingAt, 4)]) {
      expect(codeOf(() => decodePeople(bad))).toBe("people");
    }
  });

  it("invariant: any bytes are people or raise StorageError", () => {
    const bytes = encodePeople(meetAll(first, moved, stolen, leafOf(BEN, "laptop")).known);
    const run = (changed: Uint8Array) => {
      try {
        decodePeople(changed);
      } catch (error) {
        expect(error).toBeInstanceOf(StorageError);
      }
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), run), { seed: 11 });
    fc.assert(
      fc.property(fc.nat({ max: bytes.length - 1 }), fc.nat({ max: 255 }), (at, value) => {
        const changed = bytes.slice();
        changed[at] = value;
        run(changed);
      }),
      { seed: 11 },
    );
  });
});
