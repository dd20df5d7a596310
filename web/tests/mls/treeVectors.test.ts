import { expect } from "vitest";
import { fromHex, systemRng, toHex } from "../../src/bytes/bytes";
import { MLS_10 } from "../../src/mls/capabilities";
import { encodeGroupContext } from "../../src/mls/groupContext";
import { leafSignatureIsValid } from "../../src/mls/leafNode";
import { checkParentHashes } from "../../src/mls/parentHash";
import { type PrivateTree, privateTreeOf } from "../../src/mls/privateTree";
import { decodeProposal, type Proposal } from "../../src/mls/proposal";
import type { RatchetTree } from "../../src/mls/ratchetTree";
import { type CipherSuite, ROOM_SUITE } from "../../src/mls/suite";
import { suiteOf } from "../../src/mls/suites";
import { decodeRatchetTree, encodeRatchetTree } from "../../src/mls/treeCodec";
import { treeHash } from "../../src/mls/treeHash";
import { applyUpdatePath, createUpdatePath, decryptPath, type ReceivedPath } from "../../src/mls/treeKem";
import * as math from "../../src/mls/treeMath";
import { type LeafIndex, leafIndex, nodeIndex, nodeOfLeaf } from "../../src/mls/treeMath";
import { checkTree } from "../../src/mls/treeValidation";
import { decodeUpdatePath } from "../../src/mls/updatePath";
import { eachVectorFile } from "../vectors";

const SUITES = [1, 2, 3, ROOM_SUITE];

/** Runs what is written for one entry on every entry of a suite that we have. */
function each<T extends { cipher_suite: number }>(
  entries: readonly T[],
  check: (s: CipherSuite, e: T) => void,
) {
  const ours = entries.filter((entry) => SUITES.includes(entry.cipher_suite));
  for (const entry of ours) check(suiteOf(entry.cipher_suite), entry);
  return { checked: ours.length, outOfScope: entries.length - ours.length };
}

type TreeMath = {
  n_leaves: number;
  n_nodes: number;
  root: number;
  left: (number | null)[];
  right: (number | null)[];
  parent: (number | null)[];
  sibling: (number | null)[];
};

eachVectorFile<TreeMath>("mls/tree-math", (entries) => {
  for (const entry of entries) {
    const { n_leaves: leaves } = entry;
    expect(math.nodeWidth(leaves)).toBe(entry.n_nodes);
    expect(math.root(leaves)).toBe(entry.root);
    for (let i = 0; i < entry.n_nodes; i++) {
      const node = nodeIndex(i);
      const top = i === entry.root;
      expect(math.isLeaf(node) ? null : math.left(node)).toBe(entry.left[i]);
      expect(math.isLeaf(node) ? null : math.right(node)).toBe(entry.right[i]);
      expect(top ? null : math.parent(node, leaves)).toBe(entry.parent[i]);
      expect(top ? null : math.sibling(node, leaves)).toBe(entry.sibling[i]);
    }
  }
  return { checked: entries.length };
});

type TreeOperation = {
  cipher_suite: number;
  tree_before: string;
  proposal: string;
  proposal_sender: number;
  tree_hash_before: string;
  tree_after: string;
  tree_hash_after: string;
};

function applied(tree: RatchetTree, proposal: Proposal, sender: LeafIndex): RatchetTree {
  switch (proposal.type) {
    case "add":
      return tree.add(proposal.keyPackage.leafNode).tree;
    case "update":
      return tree.update(sender, proposal.leafNode);
    case "remove":
      return tree.remove(proposal.removed);
    default:
      throw new Error(`a ${proposal.type} does not change a tree`);
  }
}

eachVectorFile<TreeOperation>("mls/tree-operations", (entries) =>
  each(entries, (suite, entry) => {
    const before = decodeRatchetTree(fromHex(entry.tree_before));
    expect(toHex(encodeRatchetTree(before))).toBe(entry.tree_before);
    expect(toHex(treeHash(suite, before))).toBe(entry.tree_hash_before);
    const after = applied(before, decodeProposal(fromHex(entry.proposal)), leafIndex(entry.proposal_sender));
    expect(toHex(encodeRatchetTree(after))).toBe(entry.tree_after);
    expect(toHex(treeHash(suite, after))).toBe(entry.tree_hash_after);
    // The tree that was changed is what it was.
    expect(toHex(encodeRatchetTree(before))).toBe(entry.tree_before);
    expect(toHex(treeHash(suite, before))).toBe(entry.tree_hash_before);
  }),
);

type TreeValidation = {
  cipher_suite: number;
  tree: string;
  group_id: string;
  resolutions: number[][];
  tree_hashes: string[];
};

eachVectorFile<TreeValidation>("mls/tree-validation", (entries) =>
  each(entries, (suite, entry) => {
    const tree = decodeRatchetTree(fromHex(entry.tree));
    const groupId = fromHex(entry.group_id);
    expect(tree.nodeCount).toBe(entry.tree_hashes.length);
    for (let i = 0; i < tree.nodeCount; i++) {
      expect(tree.resolution(nodeIndex(i))).toEqual(entry.resolutions[i]);
      expect(toHex(treeHash(suite, tree, nodeIndex(i)))).toBe(entry.tree_hashes[i]);
    }
    checkParentHashes(suite, tree);
    for (const { leaf, node } of tree.members()) {
      expect(leafSignatureIsValid(suite, node, { groupId, leaf })).toBe(true);
    }
    checkTree(suite, tree, { groupId, treeHash: treeHash(suite, tree), extensions: [] });
  }),
);

type TreeKem = {
  cipher_suite: number;
  group_id: string;
  epoch: number;
  confirmed_transcript_hash: string;
  ratchet_tree: string;
  leaves_private: {
    index: number;
    encryption_priv: string;
    signature_priv: string;
    path_secrets: { node: number; path_secret: string }[];
  }[];
  update_paths: {
    sender: number;
    update_path: string;
    path_secrets: (string | null)[];
    commit_secret: string;
    tree_hash_after: string;
  }[];
};

type Private = { readonly keys: PrivateTree; readonly signaturePrivateKey: Uint8Array };

function privateTrees(suite: CipherSuite, tree: RatchetTree, entry: TreeKem): Map<LeafIndex, Private> {
  return new Map(
    entry.leaves_private.map((one) => {
      const leaf = leafIndex(one.index);
      const keys = new Map(privateTreeOf(leaf, fromHex(one.encryption_priv)));
      for (const { node, path_secret } of one.path_secrets) {
        const pair = suite.deriveKeyPair(suite.deriveSecret(fromHex(path_secret), "node"));
        expect(pair.publicKey).toEqual(tree.node(nodeIndex(node))?.encryptionKey);
        keys.set(nodeIndex(node), pair.privateKey);
      }
      return [leaf, { keys, signaturePrivateKey: fromHex(one.signature_priv) }];
    }),
  );
}

function checkTreeKem(suite: CipherSuite, entry: TreeKem): void {
  const tree = decodeRatchetTree(fromHex(entry.ratchet_tree));
  const groupId = fromHex(entry.group_id);
  const privates = privateTrees(suite, tree, entry);
  const contextOf = (hash: Uint8Array) =>
    encodeGroupContext({
      version: MLS_10,
      suite: suite.id,
      groupId,
      epoch: BigInt(entry.epoch),
      treeHash: hash,
      confirmedTranscriptHash: fromHex(entry.confirmed_transcript_hash),
      extensions: [],
    });
  const received = (sender: LeafIndex, path: ReceivedPath["path"]): ReceivedPath => ({
    tree,
    sender,
    path,
    groupId,
    extensions: [],
    added: [],
  });

  for (const update of entry.update_paths) {
    const sender = leafIndex(update.sender);
    const merged = applyUpdatePath(suite, received(sender, decodeUpdatePath(fromHex(update.update_path))));
    const hash = treeHash(suite, merged.tree);
    expect(toHex(hash)).toBe(update.tree_hash_after);
    checkParentHashes(suite, merged.tree);
    for (const { leaf } of tree.members()) {
      if (leaf === sender) continue;
      const { keys, commitSecret } = decryptedBy(leaf, merged, contextOf(hash));
      expect(toHex(commitSecret)).toBe(update.commit_secret);
      // The path secret itself is wiped: its node's keys show which it was.
      const secret = fromHex(update.path_secrets[leaf]!);
      const shared = math.commonAncestor(nodeOfLeaf(sender), nodeOfLeaf(leaf));
      expect(keys.get(shared)).toEqual(suite.deriveKeyPair(suite.deriveSecret(secret, "node")).privateKey);
    }

    const created = createUpdatePath(
      suite,
      {
        tree,
        ownLeaf: sender,
        groupId,
        content: {
          ...tree.leaf(sender)!,
          signature: {
            privateKey: privates.get(sender)!.signaturePrivateKey,
            publicKey: tree.leaf(sender)!.signatureKey,
          },
        },
        added: [],
        groupContext: contextOf,
      },
      systemRng,
    );
    const own = applyUpdatePath(suite, received(sender, created.path));
    expect(encodeRatchetTree(own.tree)).toEqual(encodeRatchetTree(created.tree));
    const context = contextOf(treeHash(suite, created.tree));
    for (const { leaf } of tree.members()) {
      if (leaf === sender) continue;
      expect(decryptedBy(leaf, own, context).commitSecret).toEqual(created.commitSecret);
    }
  }

  function decryptedBy(leaf: LeafIndex, merged: ReturnType<typeof applyUpdatePath>, context: Uint8Array) {
    const { privateTree, commitSecret } = decryptPath(suite, merged, leaf, privates.get(leaf)!.keys, context);
    return { keys: privateTree, commitSecret };
  }
}

eachVectorFile<TreeKem>("mls/treekem", (entries) => each(entries, checkTreeKem));
