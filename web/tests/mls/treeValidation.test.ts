/** v201 to v209: trees that break one rule each. */

import { describe, expect, it } from "vitest";
import { EMPTY, utf8 } from "../../src/bytes/bytes";
import { ownCapabilities } from "../../src/mls/capabilities";
import { ExtensionType } from "../../src/mls/extension";
import { KeySet } from "../../src/mls/keySet";
import { type ParentNode, RatchetTree } from "../../src/mls/ratchetTree";
import { suiteOf } from "../../src/mls/suites";
import { treeHash } from "../../src/mls/treeHash";
import { type LeafIndex, leafIndex, type NodeIndex, nodeIndex, nodeOfLeaf } from "../../src/mls/treeMath";
import { checkMembers, checkTree } from "../../src/mls/treeValidation";
import { seededRng } from "./seededRng";
import * as world from "./treeWorld";
import {
  add,
  addMany,
  checkWorld,
  codeOf,
  commit,
  found,
  newPerson,
  type World,
  withLeaf,
} from "./treeWorld";

const suite = suiteOf(1);
const rng = seededRng("validation");
const NONE = "nothing thrown";
const leaves = [0, 1, 2, 3, 4].map(leafIndex) as [LeafIndex, LeafIndex, LeafIndex, LeafIndex, LeafIndex];
const [zero, one, two, three, four] = leaves;
const ROOT_OF_EIGHT = nodeIndex(7);

/** Five leaves and no parent: what is wrong with one leaf is wrong with nothing else. */
const flat = addMany(found(suite, rng), 4, rng);
/** Five leaves that have all committed, so that the tree is full of keys. */
const full = leaves.reduce((now, leaf) => commit(now, leaf, [], rng), flat);
/** One of them gone, and somebody new in the place: unmerged at node 3 and at the root, with a blank between. */
const unmerged = add(commit(world.remove(full, two), zero, [], rng), newPerson(suite, rng));

function codeOfTree(tree: RatchetTree, from: World = flat): string {
  return codeOf(() => checkWorld(from, tree));
}

function withParent(from: World, at: NodeIndex, changes: Partial<ParentNode>): RatchetTree {
  return from.tree.with(new Map([[at, { ...from.tree.parent(at)!, ...changes }]]));
}

it("v206, v207: keys that begin alike are different keys", () => {
  const [one, other] = [1, 2].map((last) => new Uint8Array(32).with(31, last)) as [Uint8Array, Uint8Array];
  const keys = new KeySet();
  expect([one, other, one.slice(), other].map((key) => keys.add(key))).toEqual([true, true, false, false]);
});

describe("a tree", () => {
  it("is valid in each of the shapes that the tests below start from", () => {
    for (const from of [flat, full, unmerged]) expect(codeOfTree(from.tree, from)).toBe(NONE);
    expect(full.tree.parents().map(({ at }) => at as number)).toEqual([1, 3, 5, 7]);
    expect(unmerged.leaf).toBe(two);
    expect(unmerged.tree.parents().map(({ at, node }) => [at, node.unmergedLeaves])).toEqual([
      [1, []],
      [3, [two]],
      [7, [two]],
    ]);
  });

  it("v101: holds valid signatures alone, of leaves that stand where they were signed", () => {
    const forged = { ...flat.tree.leaf(one)!, extensions: [] };
    expect(codeOfTree(flat.tree.with(new Map([[nodeOfLeaf(one), forged]])))).toBe("v101_leaf_signature");
    const claims = { treeHash: treeHash(suite, full.tree), extensions: [] };
    const elsewhere = { ...claims, groupId: utf8("another group") };
    expect(codeOf(() => checkTree(suite, full.tree, elsewhere))).toBe("v101_leaf_signature");
    // A leaf of source `update`, which no parent hash holds in its place.
    const updated = world.update(flat, four, rng);
    const moved = updated.tree.with(
      new Map([
        [nodeOfLeaf(three), updated.tree.leaf(four)],
        [nodeOfLeaf(four), updated.tree.leaf(three)],
      ]),
    );
    expect(codeOfTree(moved)).toBe("v101_leaf_signature");
  });

  it("v105, v106: holds nobody who lacks what the group has", () => {
    const extensions = [{ type: 0xf777, data: EMPTY }];
    expect(codeOfTree(flat.tree, { ...flat, extensions })).toBe("v106_group_extension");
    const room = [{ type: ExtensionType.collegiumRoom, data: EMPTY }];
    expect(codeOfTree(flat.tree, { ...flat, extensions: room })).toBe(NONE);
    expect(codeOf(() => checkMembers(flat.tree, extensions))).toBe("v106_group_extension");
  });

  it("v201: has the hash that the GroupContext says", () => {
    const claims = { groupId: flat.groupId, treeHash: treeHash(suite, full.tree), extensions: [] };
    expect(codeOf(() => checkTree(suite, flat.tree, claims))).toBe("v201_tree_hash");
  });

  it("v202: is no larger than it must be", () => {
    const nodes = flat.tree.nodes();
    const blanks = Array.from({ length: nodes.length + 1 }, () => null);
    expect(codeOfTree(RatchetTree.of([...nodes, ...blanks]))).toBe("v202_not_truncated");
    expect(codeOfTree(RatchetTree.of([null]))).toBe("v202_not_truncated");
    // A key over a blank half, as only a tree that was never cut could have it.
    const alone = commit(found(suite, rng), zero, [], rng);
    const key: ParentNode = {
      encryptionKey: newPerson(suite, rng).keyPackage.initKey,
      parentHash: EMPTY,
      unmergedLeaves: [],
    };
    expect(codeOfTree(RatchetTree.of([alone.tree.leaf(zero), key, null]), alone)).toBe("v202_not_truncated");
  });

  it("v203: holds no key that a member below did not choose", () => {
    const key = newPerson(suite, rng).keyPackage.initKey;
    for (const { at } of full.tree.parents()) {
      expect(codeOfTree(withParent(full, at, { encryptionKey: key }), full)).toBe("v203_parent_hash");
      expect(codeOfTree(withParent(full, at, { parentHash: utf8("wrong") }), full)).toBe("v203_parent_hash");
    }
    const planted: ParentNode = { encryptionKey: key, parentHash: EMPTY, unmergedLeaves: [] };
    expect(codeOfTree(flat.tree.with(new Map([[ROOT_OF_EIGHT, planted]])))).toBe("v203_parent_hash");
  });

  it("v203: binds a path to the siblings it was made with", () => {
    // Leaf 4 was the last to commit. Whoever stands beside its path is covered by its parent hash.
    const renewed = withLeaf(full, zero, { credential: { type: 1, identity: utf8("somebody else") } });
    expect(codeOfTree(renewed, full)).toBe("v203_parent_hash");
    expect(codeOfTree(full.tree.with(new Map([[nodeOfLeaf(zero), null]])), full)).toBe("v203_parent_hash");
  });

  it("v203: does not take a member for unmerged who was there when the path was made", () => {
    const tree = withParent(full, ROOT_OF_EIGHT, { unmergedLeaves: [zero] });
    const everywhere = [nodeIndex(1), nodeIndex(3)].reduce(
      (now, at) => now.with(new Map([[at, { ...now.parent(at)!, unmergedLeaves: [zero] }]])),
      tree,
    );
    expect(codeOfTree(everywhere, full)).toBe("v203_parent_hash");
  });

  it("v203: does not take a newcomer for merged: nobody gave it the keys above", () => {
    const pair = commit(addMany(found(suite, rng), 1, rng), zero, [], rng);
    const three4 = addMany(commit(world.remove(addMany(pair, 2, rng), one), zero, [], rng), 1, rng);
    const root = three4.tree.parent(nodeIndex(3))!;
    expect(root.unmergedLeaves).toEqual([one]);
    expect(codeOfTree(three4.tree, three4)).toBe(NONE);
    // Leaf 1 stands beside leaf 0 under the blank node 1, and the parent hash of leaf 0 covers neither.
    expect(three4.tree.isBlank(nodeIndex(1))).toBe(true);
    expect(codeOfTree(withParent(three4, nodeIndex(3), { unmergedLeaves: [] }), three4)).toBe(
      "v203_parent_hash",
    );
  });

  it("v204: has unmerged leaves that are members below the node", () => {
    const blank = withParent(full, ROOT_OF_EIGHT, { unmergedLeaves: [leafIndex(6)] });
    expect(codeOfTree(blank, full)).toBe("v204_unmerged_leaf");
    const beside = withParent(full, nodeIndex(1), { unmergedLeaves: [three] });
    expect(codeOfTree(beside, full)).toBe("v204_unmerged_leaf");
    const beyond = withParent(full, nodeIndex(1), { unmergedLeaves: [leafIndex(2 ** 32 - 1)] });
    expect(codeOfTree(beyond, full)).toBe("v204_unmerged_leaf");
  });

  it("v205: has a leaf unmerged at every key between", () => {
    const between = withParent(unmerged, nodeIndex(3), { unmergedLeaves: [] });
    expect(codeOfTree(between, unmerged)).toBe("v205_unmerged_between");
  });

  it("v206: holds no encryption key twice", () => {
    const encryptionKey = flat.tree.leaf(three)!.encryptionKey.slice();
    const twice = withLeaf(flat, one, { encryptionKey });
    expect(codeOfTree(twice)).toBe("v206_duplicate_encryption_key");
    expect(codeOf(() => checkMembers(twice, []))).toBe("v206_duplicate_encryption_key");
  });

  it("v206: … in a leaf and a parent neither", () => {
    const newcomer = add(full, newPerson(suite, rng));
    const { encryptionKey } = full.tree.parent(nodeIndex(3))!;
    const tree = withLeaf(newcomer, newcomer.leaf, { encryptionKey: encryptionKey.slice() });
    expect(codeOfTree(tree, newcomer)).toBe("v206_duplicate_encryption_key");
  });

  it("v207: holds no signature key twice", () => {
    const { signature } = flat.seats.get(three)!;
    const twice = withLeaf(flat, one, { signatureKey: signature.publicKey.slice() }, signature);
    expect(codeOfTree(twice)).toBe("v207_duplicate_signature_key");
    expect(codeOf(() => checkMembers(twice, []))).toBe("v207_duplicate_signature_key");
  });

  it("v208: has no credential that some member does not know", () => {
    const credential = { type: 2 as const, certificates: [utf8("certificate")] };
    const capabilities = { ...ownCapabilities(suite), credentials: [1, 2] };
    const tree = withLeaf(flat, one, { credential, capabilities, extensions: [] });
    expect(codeOfTree(tree)).toBe("v208_credential_in_use");
    // The other way round: who comes must know what is in use.
    const narrow = withLeaf(flat, one, {
      credential,
      capabilities: { ...capabilities, credentials: [2] },
      extensions: [],
    });
    const rest = [zero, two, three, four].reduce(
      (now, leaf) =>
        withLeaf({ ...flat, tree: now }, leaf, {
          capabilities: { ...flat.tree.leaf(leaf)!.capabilities, credentials: [1, 2] },
        }),
      narrow,
    );
    expect(codeOfTree(rest)).toBe("v208_credential_in_use");
    expect(codeOfTree(withLeaf({ ...flat, tree: rest }, one, { capabilities }))).toBe(NONE);
  });

  it("v209: has parents' keys that others can encrypt to", () => {
    const tree = withParent(full, ROOT_OF_EIGHT, { encryptionKey: new Uint8Array(32) });
    expect(codeOfTree(tree, full)).toBe("v209_parent_key");
  });
});
