/** A stored group is read as what it was, or not at all. That it goes on from there is the random walk's to show. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EMPTY, utf8, wipe } from "../../src/bytes/bytes";
import { proposeUpdate, protectApplication, unprotect } from "../../src/mls/application";
import { StorageError } from "../../src/mls/errors";
import { type Group, groupSecrets, supersededSecrets } from "../../src/mls/group";
import { decodeGroup, encodeGroup, encodeRatchets, inSameEpoch } from "../../src/mls/groupState";
import type { LeafRatchets } from "../../src/mls/secretTree";
import { ROOM_SUITE } from "../../src/mls/suite";
import { suiteOf } from "../../src/mls/suites";
import { type LeafIndex, leafIndex } from "../../src/mls/treeMath";
import { codeOf } from "./randomWalk";
import { seededRng } from "./seededRng";
import { type Client, commitAll, Person, remove, roomOf } from "./simulation";

const rng = seededRng("group state");

/** Two members in the middle of an epoch: messages read out of order, an Update proposed. */
function busy(): [Client, Client] {
  const [a, b] = roomOf(ROOM_SUITE, ["ada", "ben"], rng) as [Client, Client];
  commitAll([b, a]);
  const sent = [0, 1, 2].map(
    () =>
      a.send((group) => protectApplication(group, { data: EMPTY, authenticatedData: EMPTY, rng })).message,
  );
  b.receive(sent[2]!);
  a.receive(b.send((group) => proposeUpdate(group, { authenticatedData: EMPTY, rng })).message);
  return [a, b];
}

const [ada, ben] = busy();
const stored = encodeGroup(ben.group);

describe("a stored group", () => {
  it("is read as what it was", () => {
    const { tree, ...rest } = decodeGroup(stored, suiteOf);
    const { tree: treeBefore, ...before } = ben.group;
    expect(rest).toEqual(before);
    expect(tree.nodes()).toEqual(treeBefore.nodes());
    expect(encodeGroup(decodeGroup(stored, suiteOf))).toEqual(stored);
  });

  it("changes in its epoch with commits alone", () => {
    const [a, b] = busy();
    const before = { group: a.group, stored: encodeGroup(a.group) };
    const { message } = a.send((group) =>
      protectApplication(group, { data: utf8("x"), authenticatedData: EMPTY, rng }),
    );
    expect(inSameEpoch(before.group, a.group)).toBe(true);
    expect(encodeGroup(a.group).epoch).toEqual(before.stored.epoch);
    expect(encodeRatchets(a.group)).not.toEqual(before.stored.ratchets);
    b.receive(message);
    commitAll([a, b]);
    expect(inSameEpoch(before.group, a.group)).toBe(false);
    expect(encodeGroup(a.group).epoch).not.toEqual(before.stored.epoch);
  });

  it("group_ratchets: is not put together from two epochs or two rooms", () => {
    const [a, b] = busy();
    const early = encodeGroup(a.group);
    commitAll([a, b]);
    const late = encodeGroup(a.group);
    expect(codeOf(() => decodeGroup({ epoch: late.epoch, ratchets: early.ratchets }, suiteOf))).toBe(
      "group_ratchets",
    );
    expect(codeOf(() => decodeGroup({ epoch: early.epoch, ratchets: late.ratchets }, suiteOf))).toBe(
      "group_ratchets",
    );
    expect(codeOf(() => decodeGroup({ ...late, ratchets: stored.ratchets }, suiteOf))).toBe("group_ratchets");
    // Two members of one epoch share its ratchets, but the own leaf is in `epoch`: theirs is the row's key to tell.
    expect(codeOf(() => decodeGroup(late, suiteOf))).toBe("nothing thrown");
  });

  it("is the store's fault when it is damaged, whatever the damage", () => {
    const damaged = (bytes: Uint8Array, from: number, gone: number, put: Uint8Array): Uint8Array =>
      Uint8Array.of(...bytes.subarray(0, from), ...put, ...bytes.subarray(from + gone));
    let refused = 0;
    fc.assert(
      fc.property(
        fc.constantFrom("epoch" as const, "ratchets" as const),
        fc.nat(),
        fc.nat(6),
        fc.uint8Array({ maxLength: 6 }),
        (part, at, gone, put) => {
          const bytes = damaged(stored[part], at % stored[part].length, gone, put);
          try {
            decodeGroup({ ...stored, [part]: bytes }, suiteOf);
          } catch (error) {
            expect(error).toBeInstanceOf(StorageError);
            refused++;
          }
        },
      ),
      { seed: 6, numRuns: 300 },
    );
    expect(refused).toBeGreaterThan(200);
  });

  it("group_secret, group_leaf, group_reinit, group_ratchets: holds what such a state has", () => {
    const { group } = ben;
    const code = (change: Partial<Group>): string =>
      codeOf(() => decodeGroup(encodeGroup({ ...group, ...change })));
    const short = { ...group.secrets, init: group.secrets.init.subarray(1) };
    expect(code({ secrets: short })).toBe("group_secret");
    expect(code({ ownLeaf: leafIndex(2) })).toBe("group_leaf");
    expect(code({ reinit: remove(ada) as never })).toBe("group_reinit");
    const { secretTree } = group;
    expect(code({ secretTree: { ...secretTree, ratchets: new Map() } })).toBe("group_ratchets");
    expect(code({ secretTree: { ...secretTree, subtrees: new Map([[1, short.exporter]]) } })).toBe(
      "group_ratchets",
    );
    const [[leaf, ratchets]] = [...secretTree.ratchets] as [[LeafIndex, LeafRatchets]];
    const worn = { ...ratchets, handshake: { ...ratchets.handshake, next: 2 ** 32 + 1 } };
    const beyond = { ...secretTree, ratchets: new Map(secretTree.ratchets).set(leaf, worn) };
    expect(code({ secretTree: beyond })).toBe("group_ratchets");
  });

  it("group_format: of a later format is not guessed at", () => {
    const later = (bytes: Uint8Array) => Uint8Array.of(2, ...bytes.subarray(1));
    expect(codeOf(() => decodeGroup({ ...stored, epoch: later(stored.epoch) }, suiteOf))).toBe(
      "group_format",
    );
    expect(codeOf(() => decodeGroup({ ...stored, ratchets: later(stored.ratchets) }, suiteOf))).toBe(
      "group_format",
    );
  });

  it("keeps used keys used", () => {
    const [a, b] = busy();
    const { message } = a.send((group) =>
      protectApplication(group, { data: utf8("once"), authenticatedData: EMPTY, rng }),
    );
    b.receive(message);
    b.reload();
    expect(codeOf(() => b.receive(message))).toBe("v604_generation_used");
  });
});

describe("secrets that are no longer needed", () => {
  it("are all named: the new state holds none of them, and the old one no others that are gone", () => {
    const [a, b] = busy();
    const { message } = protectApplication(a.group, { data: EMPTY, authenticatedData: EMPTY, rng });
    const opened = unprotect(b.group, message);
    const held = new Set(groupSecrets(opened.group));
    const gone = groupSecrets(b.group).filter((secret) => !held.has(secret));
    for (const secret of gone) expect(opened.consumed).toContain(secret);
    for (const secret of opened.consumed) expect(held.has(secret)).toBe(false);

    const staged = a.stage();
    const next = new Set(groupSecrets(staged.next));
    const superseded = supersededSecrets(a.group, staged.next);
    for (const secret of superseded) expect(next.has(secret)).toBe(false);
    expect(superseded.length).toBe(groupSecrets(a.group).length - 1);
    expect(supersededSecrets(a.group, null)).toEqual(groupSecrets(a.group));
  });

  it("are never those that a caller still has: a leaf's signature key is copied", () => {
    const person = new Person(suiteOf(ROOM_SUITE), "ada", rng);
    const key = person.signature.privateKey.slice();
    const client = person.found();
    const signature = person.suite.signatureKeyPair(rng);
    const another = signature.privateKey.slice();
    client.merge(client.stage({ newLeaf: { signature, credential: person.credential } }));
    wipe(...supersededSecrets(client.group, null));
    expect([person.signature.privateKey, signature.privateKey]).toEqual([key, another]);
  });
});
