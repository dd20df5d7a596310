/** v301 to v305 and v311 to v313: update paths that break one rule each, and who can see it. */

import { describe, expect, it } from "vitest";
import { EMPTY, utf8 } from "../../src/bytes/bytes";
import { InvalidError } from "../../src/mls/errors";
import { outdated, retained } from "../../src/mls/privateTree";
import type { CipherSuite, HpkeCiphertext } from "../../src/mls/suite";
import { ROOM_SUITE } from "../../src/mls/suite";
import { suiteOf } from "../../src/mls/suites";
import { treeHash } from "../../src/mls/treeHash";
import { type AppliedPath, decryptPath, pathSecretFor, privateTreeOfNewcomer } from "../../src/mls/treeKem";
import { type LeafIndex, leafIndex, type NodeIndex, nodeIndex, nodeOfLeaf } from "../../src/mls/treeMath";
import { checkMembers } from "../../src/mls/treeValidation";
import type { UpdatePath, UpdatePathNode } from "../../src/mls/updatePath";
import { seededRng } from "./seededRng";
import * as world from "./treeWorld";
import {
  addMany,
  applied,
  codeOf,
  commit,
  contextOf,
  found,
  newPerson,
  pathOf,
  type World,
  withLeaf,
} from "./treeWorld";

const NONE = "nothing thrown";
const suite = suiteOf(1);
const rng = seededRng("treekem");
const leaves = [0, 1, 2, 3, 4].map(leafIndex) as [LeafIndex, LeafIndex, LeafIndex, LeafIndex, LeafIndex];
const [zero, one, two, three, four] = leaves;

/** Five leaves under a tree full of keys. */
function five(own: CipherSuite): World {
  return leaves.reduce((now, leaf) => commit(now, leaf, [], rng), addMany(found(own, rng), 4, rng));
}

const full = five(suite);
const created = pathOf(full, one, [], rng);
const path = created.path;

function withNode(of: UpdatePath, i: number, changes: Partial<UpdatePathNode>): UpdatePath {
  return { ...of, nodes: of.nodes.map((node, at) => (at === i ? { ...node, ...changes } : node)) };
}

/** The path's leaf with changes, signed again. */
function resigned(of: UpdatePath, changes: Partial<UpdatePath["leafNode"]>): UpdatePath {
  const tree = created.tree.with(new Map([[nodeOfLeaf(one), of.leafNode]]));
  return { ...of, leafNode: withLeaf({ ...full, tree }, one, changes).leaf(one)! };
}

function applying(bad: UpdatePath, from: World = full, added: LeafIndex[] = []): string {
  return codeOf(() => applied(from, one, bad, added));
}

describe("what everyone can check of a path", () => {
  it("is right when it is as it was made, and where it was made", () => {
    expect(applying(path)).toBe(NONE);
    expect(path.nodes.map(({ encryptedPathSecrets }) => encryptedPathSecrets.length)).toEqual([1, 1, 1]);
    expect(codeOf(() => applied(full, two, path))).toBe("v101_leaf_signature");
    expect(applying(path, { ...full, groupId: utf8("another group") })).toBe("v101_leaf_signature");
  });

  it("v101: the leaf is signed anew, over its new key and its parent hash", () => {
    const { signature } = full.tree.leaf(one)!;
    expect(applying({ ...path, leafNode: { ...path.leafNode, signature } })).toBe("v101_leaf_signature");
    // Everything of the old leaf but the parent hash, which is right, and which the signature does not cover.
    const { leafNode } = pathOf(full, one, [], rng).path;
    const mixed = { ...leafNode, source: path.leafNode.source };
    expect(applying({ ...path, leafNode: mixed })).toBe("v101_leaf_signature");
  });

  it("v102: the leaf says that a Commit brought it", () => {
    expect(applying(resigned(path, { source: { kind: "update" } }))).toBe("v102_leaf_source");
    const source = { kind: "key_package", notBefore: 0n, notAfter: 1n } as const;
    expect(applying(resigned(path, { source }))).toBe("v102_leaf_source");
  });

  it("v106: the leaf can do what the group does from now on", () => {
    const extensions = [{ type: 0xf777, data: EMPTY }];
    expect(applying(path, { ...full, extensions })).toBe("v106_group_extension");
  });

  it("v109: the leaf has a new encryption key", () => {
    const { encryptionKey } = full.tree.leaf(one)!;
    expect(applying(resigned(path, { encryptionKey }))).toBe("v109_encryption_key_kept");
  });

  it("v301: as many nodes as the filtered direct path has", () => {
    expect(applying({ ...path, nodes: path.nodes.slice(1) })).toBe("v301_path_length");
    expect(applying({ ...path, nodes: [...path.nodes, path.nodes[0]!] })).toBe("v301_path_length");
    expect(applying({ ...path, nodes: [] })).toBe("v301_path_length");
  });

  it("v302: as many ciphertexts as each resolution has nodes", () => {
    for (const [i, { encryptedPathSecrets }] of path.nodes.entries()) {
      for (const secrets of [[], [...encryptedPathSecrets, ...encryptedPathSecrets]]) {
        expect(applying(withNode(path, i, { encryptedPathSecrets: secrets }))).toBe("v302_path_ciphertexts");
      }
    }
  });

  it("v302: … without the leaves that the same Commit adds", () => {
    const { leaf, ...more } = world.add(full, newPerson(suite, rng));
    const { path: excluding } = pathOf(more, one, [leaf], rng);
    expect(applying(excluding, more, [leaf])).toBe(NONE);
    expect(applying(excluding, more)).toBe("v302_path_ciphertexts");
    expect(applying(pathOf(more, one, [], rng).path, more, [leaf])).toBe("v302_path_ciphertexts");
  });

  it("v303: no key that is in the tree, also not one that the path replaces", () => {
    for (const at of [nodeIndex(5), nodeIndex(8), nodeIndex(1), nodeIndex(7)]) {
      const node = full.tree.node(at) ?? full.tree.leaf(three)!;
      const encryptionKey = node.encryptionKey.slice();
      expect(applying(withNode(path, 1, { encryptionKey }))).toBe("v303_path_key_reused");
    }
    const { encryptionKey } = full.tree.leaf(four)!;
    expect(applying(resigned(path, { encryptionKey }))).toBe("v303_path_key_reused");
  });

  it("v303: no key twice in the path", () => {
    const { encryptionKey } = path.nodes[2]!;
    expect(applying(withNode(path, 0, { encryptionKey }))).toBe("v303_path_key_reused");
    expect(applying(resigned(path, { encryptionKey }))).toBe("v303_path_key_reused");
  });

  it("v304, v108: no key that nobody could encrypt to", () => {
    for (const encryptionKey of [new Uint8Array(32), EMPTY]) {
      expect(applying(withNode(path, 1, { encryptionKey }))).toBe("v304_path_key");
      expect(applying(resigned(path, { encryptionKey }))).toBe("v108_encryption_key");
    }
  });

  it("v305: the parent hash is that of the path, in its place", () => {
    const source = { kind: "commit", parentHash: utf8("wrong") } as const;
    expect(applying(resigned(path, { source }))).toBe("v305_path_parent_hash");
    const { encryptionKey } = newPerson(suite, rng).keyPackage.leafNode;
    for (const i of [0, 1, 2]) {
      expect(applying(withNode(path, i, { encryptionKey }))).toBe("v305_path_parent_hash");
    }
    const renewed = { ...full, tree: withLeaf(full, four, { extensions: [] }) };
    expect(applying(path, renewed)).toBe("v305_path_parent_hash");
  });

  it("v207: is not all: how the new leaf gets on with the others is checkMembers' to say", () => {
    const { signature } = full.seats.get(three)!;
    const tree = { ...full, tree: created.tree };
    const leafNode = withLeaf(tree, one, { signatureKey: signature.publicKey }, signature).leaf(one)!;
    const after = applied(full, one, { ...path, leafNode }).tree;
    expect(codeOf(() => checkMembers(after, []))).toBe("v207_duplicate_signature_key");
  });
});

describe.each([suite, suiteOf(ROOM_SUITE)])("what one member can check of a path, $name", (own) => {
  const from = own === suite ? full : five(own);
  const made = own === suite ? created : pathOf(from, one, [], rng);
  const context = contextOf(treeHash(own, made.tree));
  const received = applied(from, one, made.path);

  const opening = (path: AppliedPath, leaf: LeafIndex = three, with_ = context) =>
    codeOf(() => decryptPath(own, path, leaf, from.seats.get(leaf)!.keys, with_));

  /** The path with another ciphertext for leaf 3, who reads the second node of leaf 1's path. */
  function withCiphertext(change: (ct: HpkeCiphertext) => HpkeCiphertext): AppliedPath {
    const [ct] = received.path.nodes[1]!.encryptedPathSecrets;
    return { ...received, path: withNode(received.path, 1, { encryptedPathSecrets: [change(ct!)] }) };
  }

  function sealed(secret: Uint8Array, label = "UpdatePathNode"): AppliedPath {
    const key = from.tree.node(nodeIndex(5))!.encryptionKey;
    return withCiphertext(() => own.encrypterWithLabel(label, context)(key, secret, rng));
  }

  it("is right when it is as it was made", () => {
    const ends = new Set<string>();
    for (const leaf of [zero, two, three, four]) {
      ends.add(decryptPath(own, received, leaf, from.seats.get(leaf)!.keys, context).commitSecret.join());
    }
    expect([...ends]).toEqual([made.commitSecret.join()]);
    expect(codeOf(() => decryptPath(own, received, one, from.seats.get(one)!.keys, context))).toBe(
      "own_path",
    );
  });

  it("v311: the path secret opens", () => {
    const flip = (bytes: Uint8Array) => bytes.map((byte, i) => (i === 5 ? byte ^ 1 : byte));
    const spoilt = [
      withCiphertext((ct) => ({ ...ct, ciphertext: flip(ct.ciphertext) })),
      withCiphertext((ct) => ({ ...ct, ciphertext: EMPTY })),
      withCiphertext((ct) => ({ ...ct, kemOutput: flip(ct.kemOutput) })),
      withCiphertext((ct) => ({ ...ct, kemOutput: EMPTY })),
      withCiphertext(() => received.path.nodes[0]!.encryptedPathSecrets[0]!),
      sealed(new Uint8Array(own.nh), "Welcome"),
    ];
    for (const bad of spoilt) {
      expect(opening(bad)).toBe("v311_path_secret");
      // The others' part is as good as it was: only leaf 3 is stuck (E18).
      expect(opening(bad, zero)).toBe(NONE);
      expect(() => decryptPath(own, bad, three, from.seats.get(three)!.keys, context)).toThrow(InvalidError);
    }
    expect(opening(received, three, utf8("another context"))).toBe("v311_path_secret");
  });

  it("v311: there is one for each member", () => {
    const keys = new Map<NodeIndex, Uint8Array>();
    expect(codeOf(() => decryptPath(own, received, three, keys, context))).toBe("v311_path_secret");
  });

  it("v311: it is as long as a secret is", () => {
    const good = made.pathSecrets.get(nodeIndex(3))!;
    expect(opening(sealed(good))).toBe(NONE);
    expect(opening(sealed(good.slice(1)))).toBe("v311_path_secret");
    expect(opening(sealed(EMPTY))).toBe("v311_path_secret");
  });

  it("v312: it leads to the public keys of the path", () => {
    expect(opening(sealed(new Uint8Array(own.nh)))).toBe("v312_path_keys");
    // The secret of the node below, and the one of the node above.
    expect(opening(sealed(made.pathSecrets.get(nodeIndex(1))!))).toBe("v312_path_keys");
    expect(opening(sealed(made.pathSecrets.get(nodeIndex(7))!))).toBe("v312_path_keys");
  });
});

describe("a newcomer", () => {
  const { leaf, ...more } = world.add(full, newPerson(suite, rng));
  const made = pathOf(more, one, [leaf], rng);
  const encryptionPrivateKey = more.seats.get(leaf)!.keys.get(nodeOfLeaf(leaf))!;

  const joining = (pathSecret: Uint8Array | null, tree = made.tree) =>
    privateTreeOfNewcomer(suite, { tree, ownLeaf: leaf, encryptionPrivateKey, committer: one, pathSecret });
  const secret = () => pathSecretFor(made.pathSecrets, one, leaf).slice();

  it("knows the keys of the path from where it meets the committer's", () => {
    expect(leaf).toBe(5);
    expect([...joining(secret()).keys()]).toEqual([10, 7]);
    expect(joining(secret()).get(nodeIndex(7))).toEqual(made.privateTree.get(nodeIndex(7)));
  });

  it("knows its leaf alone after a Commit without a path", () => {
    expect([...joining(null, more.tree).keys()]).toEqual([10]);
  });

  it("v311: gets a secret that belongs to a node", () => {
    expect(codeOf(() => joining(secret().slice(1)))).toBe("v311_path_secret");
    const blank = made.tree.with(new Map([[nodeIndex(7), null]]));
    expect(codeOf(() => joining(secret(), blank))).toBe("v311_path_secret");
  });

  it("v312: gets the secret of that node", () => {
    expect(codeOf(() => joining(new Uint8Array(suite.nh)))).toBe("v312_path_keys");
    expect(codeOf(() => joining(made.pathSecrets.get(nodeIndex(1))!.slice()))).toBe("v312_path_keys");
  });

  it("v313: is not kept out of a node where it counts as merged", () => {
    expect(codeOf(() => joining(null))).toBe("v313_path_secret_missing");
  });

  it("has a node on the committer's path, whoever else has none", () => {
    expect(codeOf(() => pathSecretFor(made.pathSecrets, one, one))).toBe("path_secret");
  });
});

describe("private keys", () => {
  it("of a removed path are outdated, and named to be wiped", () => {
    const { keys } = full.seats.get(one)!;
    expect([...keys.keys()].sort((a, b) => a - b)).toEqual([1, 2, 3, 7]);
    const after = retained(keys, full.tree, full.tree.remove(two));
    expect([...after.keys()].sort((a, b) => a - b)).toEqual([1, 2]);
    expect(new Set(outdated(keys, after))).toEqual(new Set([keys.get(nodeIndex(3)), keys.get(nodeIndex(7))]));
    expect(retained(keys, full.tree, created.tree).size).toBe(0);
    expect(retained(keys, full.tree, full.tree.remove(four)).has(nodeIndex(7))).toBe(false);
  });

  it("survive what is decrypted with them", () => {
    const before = new Map([...full.seats.get(three)!.keys].map(([at, key]) => [at, key.slice()]));
    const context = contextOf(treeHash(suite, created.tree));
    decryptPath(suite, applied(full, one, path), three, full.seats.get(three)!.keys, context);
    expect(full.seats.get(three)!.keys).toEqual(before);
  });
});
