/** A group's tree with everybody's private keys, driven by real paths: what the tests of the tree stand on. */

import { expect } from "vitest";
import { type Rng, utf8 } from "../../src/bytes/bytes";
import type { Capabilities } from "../../src/mls/capabilities";
import { basicCredential, type Credential } from "../../src/mls/credential";
import { MlsError } from "../../src/mls/errors";
import type { Extension } from "../../src/mls/extension";
import { freshHpkeKeys } from "../../src/mls/freshKeys";
import { createKeyPackage, type KeyPackage, type KeyPackageSecrets } from "../../src/mls/keyPackage";
import { type LeafNode, signLeafNode } from "../../src/mls/leafNode";
import { type PrivateTree, privateTreeOf, retained } from "../../src/mls/privateTree";
import { RatchetTree } from "../../src/mls/ratchetTree";
import type { CipherSuite, KeyPair } from "../../src/mls/suite";
import { treeHash } from "../../src/mls/treeHash";
import * as treeKem from "../../src/mls/treeKem";
import { type LeafIndex, leafIndex, nodeOfLeaf } from "../../src/mls/treeMath";
import { checkMembers, checkTree } from "../../src/mls/treeValidation";
import { decodeUpdatePath, encodeUpdatePath, type UpdatePath } from "../../src/mls/updatePath";

export type Person = {
  readonly signature: KeyPair;
  readonly keyPackage: KeyPackage;
  readonly bytes: Uint8Array;
  readonly secrets: KeyPackageSecrets;
};

export type PersonOptions = {
  readonly capabilities?: Capabilities;
  readonly credential?: Credential;
  readonly leafExtensions?: readonly Extension[];
};

export function newPerson(suite: CipherSuite, rng: Rng, options: PersonOptions = {}): Person {
  const signature = suite.signatureKeyPair(rng);
  const input = { signature, credential: basicCredential(rng(8)), notBefore: 0n, notAfter: 1n, ...options };
  return { signature, ...createKeyPackage(suite, input, rng) };
}

export type Seat = { readonly signature: KeyPair; readonly keys: PrivateTree };

/** Immutable, like what it tests. */
export type World = {
  readonly suite: CipherSuite;
  readonly groupId: Uint8Array;
  readonly extensions: readonly Extension[];
  readonly tree: RatchetTree;
  readonly seats: ReadonlyMap<LeafIndex, Seat>;
};

export function found(suite: CipherSuite, rng: Rng): World {
  const founder = newPerson(suite, rng);
  const leaf = leafIndex(0);
  return {
    suite,
    groupId: utf8("a group"),
    extensions: [],
    tree: RatchetTree.ofOne(founder.keyPackage.leafNode),
    seats: new Map([[leaf, seatOf(leaf, founder)]]),
  };
}

function seatOf(leaf: LeafIndex, person: Person): Seat {
  return { signature: person.signature, keys: privateTreeOf(leaf, person.secrets.encryptionPrivateKey) };
}

function withTree(world: World, tree: RatchetTree, seats: ReadonlyMap<LeafIndex, Seat>): World {
  const still = [...seats].filter(([leaf]) => tree.leaf(leaf) !== null);
  return {
    ...world,
    tree,
    seats: new Map(still.map(([at, seat]) => [at, { ...seat, keys: retained(seat.keys, world.tree, tree) }])),
  };
}

/** An Add, as a Commit without a path has it: the newcomer is unmerged wherever there is a key. */
export function add(world: World, person: Person): World & { readonly leaf: LeafIndex } {
  const { tree, leaf } = world.tree.add(person.keyPackage.leafNode);
  const after = withTree(world, tree, world.seats);
  return { ...after, seats: new Map([...after.seats, [leaf, seatOf(leaf, person)]]), leaf };
}

export function addMany(world: World, count: number, rng: Rng): World {
  let after = world;
  for (let i = 0; i < count; i++) after = add(after, newPerson(world.suite, rng));
  return after;
}

export function remove(world: World, leaf: LeafIndex): World {
  return withTree(world, world.tree.remove(leaf), world.seats);
}

/** An Update of the leaf, applied. */
export function update(world: World, leaf: LeafIndex, rng: Rng): World {
  const keys = freshHpkeKeys(world.suite, rng);
  const seat = world.seats.get(leaf)!;
  const { signature: _, ...old } = world.tree.leaf(leaf)!;
  const place = { groupId: world.groupId, leaf };
  const renewed = { ...old, encryptionKey: keys.publicKey, source: { kind: "update" } as const };
  const node = signLeafNode(world.suite, renewed, seat.signature.privateKey, place);
  const after = withTree(world, world.tree.update(leaf, node), world.seats);
  return {
    ...after,
    seats: new Map(after.seats).set(leaf, { ...seat, keys: privateTreeOf(leaf, keys.privateKey) }),
  };
}

/** In place of a provisional GroupContext: whatever depends on the tree's hash. */
export function contextOf(hash: Uint8Array): Uint8Array {
  return utf8(`context of ${hash.join()}`);
}

export function pathOf(
  world: World,
  sender: LeafIndex,
  added: readonly LeafIndex[],
  rng: Rng,
): treeKem.CreatedPath {
  const { suite, tree, groupId } = world;
  const content = { ...world.tree.leaf(sender)!, signature: world.seats.get(sender)!.signature };
  const input = { tree, ownLeaf: sender, groupId, content, added, groupContext: contextOf };
  return treeKem.createUpdatePath(suite, input, rng);
}

export function applied(
  world: World,
  sender: LeafIndex,
  path: UpdatePath,
  added: readonly LeafIndex[] = [],
): treeKem.AppliedPath {
  const { suite, tree, groupId, extensions } = world;
  return treeKem.applyUpdatePath(suite, { tree, sender, path, groupId, extensions, added });
}

/** A path over the wire: everybody applies it, everybody opens it, and all come to the same secret. */
export function commit(world: World, sender: LeafIndex, added: readonly LeafIndex[], rng: Rng): World {
  const { suite } = world;
  const created = pathOf(world, sender, added, rng);
  const received = applied(world, sender, decodeUpdatePath(encodeUpdatePath(created.path)), added);
  expect(treeHash(suite, received.tree)).toEqual(treeHash(suite, created.tree));
  checkMembers(received.tree, world.extensions);
  const context = contextOf(treeHash(suite, received.tree));
  const seats = new Map<LeafIndex, Seat>();
  for (const [leaf, seat] of world.seats) {
    if (leaf === sender) seats.set(leaf, { ...seat, keys: created.privateTree });
    else if (added.includes(leaf)) {
      const pathSecret = treeKem.pathSecretFor(created.pathSecrets, sender, leaf).slice();
      const encryptionPrivateKey = seat.keys.get(nodeOfLeaf(leaf))!;
      const newcomer = {
        tree: created.tree,
        ownLeaf: leaf,
        encryptionPrivateKey,
        committer: sender,
        pathSecret,
      };
      seats.set(leaf, { ...seat, keys: treeKem.privateTreeOfNewcomer(suite, newcomer) });
    } else {
      const opened = treeKem.decryptPath(suite, received, leaf, seat.keys, context);
      expect(opened.commitSecret).toEqual(created.commitSecret);
      seats.set(leaf, { ...seat, keys: opened.privateTree });
    }
  }
  return { ...world, tree: received.tree, seats };
}

/** What a newcomer would check of the tree. */
export function checkWorld(world: World, tree: RatchetTree = world.tree): void {
  const { suite, groupId, extensions } = world;
  checkTree(suite, tree, { groupId, extensions, treeHash: treeHash(suite, tree) });
}

/** The tree with a leaf that somebody has changed and signed again. */
export function withLeaf(
  world: World,
  leaf: LeafIndex,
  changes: Partial<LeafNode>,
  signer?: KeyPair,
): RatchetTree {
  const { signature: _, ...old } = world.tree.leaf(leaf)!;
  const { privateKey } = signer ?? world.seats.get(leaf)!.signature;
  const place = { groupId: world.groupId, leaf };
  const node = signLeafNode(world.suite, { ...old, ...changes }, privateKey, place);
  return world.tree.with(new Map([[nodeOfLeaf(leaf), node]]));
}

/** The code of the error that a call ends in. */
export function codeOf(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    if (error instanceof MlsError) return error.code;
    throw error;
  }
  return "nothing thrown";
}
