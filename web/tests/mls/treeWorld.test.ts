/** The tree invariant (RFC 9420 §4.2) over random histories, and the shapes in which implementations go wrong. */

import { describe, expect, it } from "vitest";
import { EMPTY, type Rng, systemRng, utf8 } from "../../src/bytes/bytes";
import type { RatchetTree } from "../../src/mls/ratchetTree";
import { type CipherSuite, ROOM_SUITE } from "../../src/mls/suite";
import { suiteOf } from "../../src/mls/suites";
import { decodeRatchetTree, encodeRatchetTree } from "../../src/mls/treeCodec";
import { treeHash } from "../../src/mls/treeHash";
import { createUpdatePath, decryptPath } from "../../src/mls/treeKem";
import { type LeafIndex, leafIndex, nodeIndex } from "../../src/mls/treeMath";
import { drawBelow, seededRng } from "./seededRng";
import * as world from "./treeWorld";
import { addMany, checkWorld, commit, found, newPerson, pathOf, type World } from "./treeWorld";

const suite = suiteOf(1);

/** RFC 9420 §4.2: a member knows the key of each non-blank node above it where it is not unmerged, and no others. */
function expectInvariant({ tree, seats }: World): void {
  expect([...seats.keys()].sort((a, b) => a - b)).toEqual(tree.members().map(({ leaf }) => leaf));
  for (const [leaf, { keys }] of seats) {
    const above = tree.directPath(leaf).filter((at) => {
      const node = tree.parent(at);
      return node !== null && !node.unmergedLeaves.includes(leaf);
    });
    expect([...keys.keys()].sort((a, b) => a - b)).toEqual([2 * leaf, ...above].sort((a, b) => a - b));
  }
}

/** What is sealed to each public key opens with the private key that members hold for it. */
function expectMatchingKeys({ suite: own, tree, seats }: World): void {
  for (const { keys } of seats.values()) {
    for (const [at, privateKey] of keys) {
      const sealed = own.hpkeSeal(tree.node(at)!.encryptionKey, EMPTY, EMPTY, utf8("probe"), systemRng);
      expect(own.hpkeOpen(privateKey, sealed, EMPTY, EMPTY)).toEqual(utf8("probe"));
    }
  }
}

function pick<T>(rng: Rng, items: readonly T[]): T {
  return items[drawBelow(rng, items.length)]!;
}

/** One Commit, with or without proposals before its path; or Adds without a path. */
function turn(before: World, rng: Rng, largest: number): World {
  if (before.seats.size < largest && drawBelow(rng, 4) === 0) {
    const { leaf: _, ...joined } = world.add(before, newPerson(before.suite, rng));
    return joined;
  }
  const committer = pick(rng, [...before.seats.keys()]);
  const others = () => [...after.seats.keys()].filter((leaf) => leaf !== committer);
  let after = before;
  for (let i = drawBelow(rng, 3); i > 0; i--) {
    const change = drawBelow(rng, 3);
    if (change === 0 && others().length > 0) after = world.update(after, pick(rng, others()), rng);
    if (change === 1 && others().length > 0) after = world.remove(after, pick(rng, others()));
  }
  const added: LeafIndex[] = [];
  for (let i = drawBelow(rng, 3); i > 0 && after.seats.size < largest; i--) {
    const one = world.add(after, newPerson(before.suite, rng));
    added.push(one.leaf);
    after = one;
  }
  return commit(after, committer, added, rng);
}

function history(own: CipherSuite, seed: string, turns: number, largest: number): void {
  const rng = seededRng(seed);
  let now = found(own, rng);
  for (let i = 0; i < turns; i++) {
    now = turn(now, rng, largest);
    expectInvariant(now);
    checkWorld(now);
    const bytes = encodeRatchetTree(now.tree);
    const read = decodeRatchetTree(bytes);
    expect(encodeRatchetTree(read)).toEqual(bytes);
    // Kept hashes are those that a stranger computes from nothing.
    expect(treeHash(own, now.tree)).toEqual(treeHash(own, read));
  }
  expectMatchingKeys(now);
}

describe("random histories keep the tree invariant and end in valid trees", () => {
  for (const seed of ["anna", "berta", "clara", "dora", "emil", "fritz"]) {
    it(seed, () => history(suite, seed, 25, 11));
  }
  it("in the suite of rooms", () => history(suiteOf(ROOM_SUITE), "rooms", 12, 6));
});

describe("update paths", () => {
  const rng = seededRng("paths");
  const [zero, one, two, three] = [0, 1, 2, 3].map(leafIndex) as [LeafIndex, LeafIndex, LeafIndex, LeafIndex];

  it("of the only member have no nodes, and a secret nonetheless", () => {
    const alone = found(suite, rng);
    const [a, b] = [pathOf(alone, zero, [], rng), pathOf(alone, zero, [], rng)];
    expect(a.path.nodes).toEqual([]);
    expect(a.path.leafNode.source).toEqual({ kind: "commit", parentHash: EMPTY });
    expect(a.commitSecret).toHaveLength(suite.nh);
    expect(a.commitSecret).not.toEqual(b.commitSecret);
    checkWorld(commit(alone, zero, [], rng));
  });

  it("go up one step only when the other half is blank, and end in one secret", () => {
    let half = commit(addMany(found(suite, rng), 3, rng), three, [], rng);
    half = world.remove(world.remove(half, zero), one);
    expect(half.tree.leafCount).toBe(4);
    const after = commit(half, two, [], rng);
    expect(after.tree.isBlank(nodeIndex(3))).toBe(true);
    expect(after.tree.parent(nodeIndex(5))?.parentHash).toEqual(EMPTY);
    expectInvariant(after);
    checkWorld(after);
  });

  it("follow an Update of leaf 0", () => {
    const before = commit(addMany(found(suite, rng), 3, rng), zero, [], rng);
    const updated = world.update(before, zero, rng);
    expect(updated.tree.leaf(zero)?.source.kind).toBe("update");
    expect(updated.tree.directPath(zero).every((at) => updated.tree.isBlank(at))).toBe(true);
    const after = commit(updated, two, [], rng);
    expectInvariant(after);
    checkWorld(after);
  });

  it("send nothing to leaves that the same Commit adds, though their nodes count", () => {
    const pair = add1(found(suite, rng));
    const { path } = pathOf(pair.now, zero, [pair.leaf], rng);
    expect(path.nodes.map(({ encryptedPathSecrets }) => encryptedPathSecrets.length)).toEqual([0]);
    const after = commit(pair.now, zero, [pair.leaf], rng);
    expectInvariant(after);
    checkWorld(after);
  });

  it("send to a node and to each leaf unmerged there", () => {
    const four = commit(addMany(found(suite, rng), 3, rng), three, [], rng);
    const gone = commit(world.remove(four, two), three, [], rng);
    const { now, leaf } = add1(gone);
    expect(leaf).toBe(two);
    expect(now.tree.parent(nodeIndex(3))?.unmergedLeaves).toEqual([two]);
    const { path } = pathOf(now, zero, [], rng);
    expect(path.nodes.map(({ encryptedPathSecrets }) => encryptedPathSecrets.length)).toEqual([1, 2]);
    const after = commit(now, zero, [], rng);
    expectInvariant(after);
    checkWorld(after);
  });

  it("leave a tree that newcomers can check though somebody is unmerged beside them (RFC 9420 §7.9)", () => {
    const [e, f] = [leafIndex(4), leafIndex(5)];
    // Seven members, F removed by A; E and then A commit; somebody new at F.
    const removed = world.remove(commit(addMany(found(suite, rng), 6, rng), zero, [], rng), f);
    const both = commit(commit(commit(removed, zero, [], rng), e, [], rng), zero, [], rng);
    const after = add1(both);
    expect(after.leaf).toBe(f);
    const unmergedAt = after.now.tree.parents().filter(({ node }) => node.unmergedLeaves.includes(f));
    expect(unmergedAt.map(({ at }) => at as number)).toEqual([7, 11]);
    checkWorld(after.now);
    expectInvariant(after.now);
  });

  it("blank a node with nobody on its other side, and forget its key", () => {
    // Leaves 0, 1 and 4, and a key at node 3 that no honest path would have set.
    const before = [two, three].reduce(world.remove, addMany(found(suite, rng), 4, rng));
    const keys = newPerson(suite, rng);
    const stray = { encryptionKey: keys.keyPackage.initKey, parentHash: EMPTY, unmergedLeaves: [] };
    const tree = before.tree.with(new Map([[nodeIndex(3), stray]]));
    const own = new Map(before.seats.get(one)!.keys).set(nodeIndex(3), keys.secrets.initPrivateKey);
    const created = pathOf({ ...before, tree }, zero, [], rng);
    const received = world.applied({ ...before, tree }, zero, created.path);
    for (const after of [created.tree, received.tree]) expect(after.isBlank(nodeIndex(3))).toBe(true);
    const context = world.contextOf(treeHash(suite, received.tree));
    const opened = decryptPath(suite, received, one, own, context);
    expect([...opened.privateTree.keys()].sort((a, b) => a - b)).toEqual([1, 2, 7]);
  });

  it("bring somebody in who was not there: an external Commit", () => {
    const three4 = commit(addMany(found(suite, rng), 2, rng), one, [], rng);
    const { tree, leaf } = three4.tree.withRoom();
    const person = newPerson(suite, rng);
    const content = { ...person.keyPackage.leafNode, signature: person.signature };
    const input = { tree, ownLeaf: leaf, groupId: three4.groupId, content, added: [] };
    const created = createUpdatePath(suite, { ...input, groupContext: world.contextOf }, rng);
    const received = world.applied({ ...three4, tree }, leaf, created.path);
    expect(encodeRatchetTree(received.tree)).toEqual(encodeRatchetTree(created.tree));
    checkWorld(three4, received.tree);
  });

  function add1(before: World): { now: World; leaf: LeafIndex } {
    const { leaf, ...now } = world.add(before, newPerson(suite, rng));
    return { now, leaf };
  }
});

describe("trees", () => {
  const rng = seededRng("trees");
  const five = addMany(found(suite, rng), 4, rng).tree;

  it("double when a fifth and a ninth leaf find no room, and are cut back when they leave", () => {
    expect(five.leafCount).toBe(8);
    let tree: RatchetTree = five;
    for (let i = 5; i < 9; i++) tree = tree.add(newPerson(suite, rng).keyPackage.leafNode).tree;
    expect(tree.leafCount).toBe(16);
    expect(tree.remove(leafIndex(8)).leafCount).toBe(8);
    expect(five.remove(leafIndex(4)).leafCount).toBe(4);
    // The leftmost blank first, whoever was there.
    expect(tree.remove(leafIndex(3)).add(newPerson(suite, rng).keyPackage.leafNode).leaf).toBe(3);
    expect(tree.leafCount).toBe(16);
  });

  it("keep unmerged leaves in order, whatever order they come in", () => {
    const key = { encryptionKey: five.leaf(leafIndex(0))!.encryptionKey, parentHash: EMPTY };
    const gap = five
      .remove(leafIndex(1))
      .with(new Map([[nodeIndex(7), { ...key, unmergedLeaves: [leafIndex(4)] }]]));
    const { tree, leaf } = gap.add(newPerson(suite, rng).keyPackage.leafNode);
    expect(leaf).toBe(1);
    expect(tree.parent(nodeIndex(7))?.unmergedLeaves).toEqual([1, 4]);
  });

  it("are never changed by what is made of them", () => {
    const bytes = encodeRatchetTree(five);
    const hash = treeHash(suite, five);
    five.remove(leafIndex(0));
    five.add(newPerson(suite, rng).keyPackage.leafNode);
    five.update(leafIndex(1), five.leaf(leafIndex(2))!);
    expect(encodeRatchetTree(five)).toEqual(bytes);
    expect(treeHash(suite, five)).toEqual(hash);
  });

  it("hash again only what is above a change", () => {
    let hashed = 0;
    const counting: CipherSuite = {
      ...suite,
      hash: (data) => {
        hashed++;
        return suite.hash(data);
      },
    };
    treeHash(counting, five);
    expect(hashed).toBe(15);
    const changed = five.with(new Map([[nodeIndex(2), five.leaf(leafIndex(0))]]));
    treeHash(counting, changed);
    treeHash(counting, changed);
    expect(hashed).toBe(15 + 4);
    treeHash(counting, five);
    expect(hashed).toBe(15 + 4);
  });
});
