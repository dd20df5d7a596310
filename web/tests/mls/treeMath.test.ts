/** Indices of trees where the vectors do not look (RFC 9420 §4.1, Appendix C). */

import { describe, expect, it } from "vitest";
import { RatchetTree } from "../../src/mls/ratchetTree";
import { suiteOf } from "../../src/mls/suites";
import * as math from "../../src/mls/treeMath";
import { seededRng } from "./seededRng";
import { codeOf, newPerson } from "./treeWorld";

const NODES = Array.from({ length: 15 }, (_, at) => math.nodeIndex(at));
const andAbove = (at: math.NodeIndex): readonly math.NodeIndex[] => [at, ...math.directPath(at, 8)];

describe("a tree's indices", () => {
  it("have as lowest node above two the first that both paths share", () => {
    for (const a of NODES) {
      for (const b of NODES) {
        const shared = andAbove(a).find((at) => andAbove(b).includes(at));
        expect(math.commonAncestor(a, b)).toBe(shared);
      }
    }
  });

  it("have within a subtree what has its head above", () => {
    for (const at of NODES) {
      for (const head of NODES) expect(math.isWithin(at, head)).toBe(andAbove(at).includes(head));
    }
  });

  it("have on the copath what stands beside the direct path", () => {
    for (const at of NODES) {
      const below = andAbove(at).slice(0, -1);
      expect(math.copath(at, 8)).toEqual(below.map((one) => math.sibling(one, 8)));
    }
  });

  it("have room for their leaves and no more than twice", () => {
    const counts = Array.from({ length: 10 }, (_, leaves) => math.leafCountFor(leaves));
    expect(counts).toEqual([1, 1, 2, 4, 4, 8, 8, 8, 8, 16]);
    expect([0, 1, 2, 4].map(math.nodeWidth)).toEqual([0, 1, 3, 7]);
    expect(math.leafCountFor(math.MAX_LEAVES)).toBe(math.MAX_LEAVES);
    expect(codeOf(() => math.leafCountFor(math.MAX_LEAVES + 1))).toBe("decode");
  });

  it("take no leaf for a parent, and no parent for a leaf", () => {
    const [leaf, node, root] = [4, 5, 7].map(math.nodeIndex) as [
      math.NodeIndex,
      math.NodeIndex,
      math.NodeIndex,
    ];
    expect(math.leafOfNode(math.nodeIndex(6))).toBe(3);
    expect(codeOf(() => math.leafOfNode(node))).toBe("leaf_index");
    for (const wrong of [
      () => math.left(leaf),
      () => math.right(leaf),
      () => math.parent(root, 8),
      () => math.sibling(root, 8),
    ]) {
      expect(codeOf(wrong)).toBe("node_index");
    }
  });
});

describe("the nodes of a tree", () => {
  const { leafNode } = newPerson(suiteOf(1), seededRng("many")).keyPackage;
  const parent = { encryptionKey: new Uint8Array(32), parentHash: new Uint8Array(0), unmergedLeaves: [] };

  it("are those of a perfect tree, or that is the caller's fault", () => {
    for (const nodes of [[], [leafNode, null]]) {
      expect(codeOf(() => RatchetTree.of(nodes))).toBe("tree_size");
    }
    for (const nodes of [[leafNode, leafNode, leafNode], [parent]]) {
      expect(codeOf(() => RatchetTree.of(nodes))).toBe("tree_shape");
    }
  });

  it("take nobody more when the tree is the largest", () => {
    const full = RatchetTree.of(
      Array.from({ length: 2 * math.MAX_LEAVES - 1 }, (_, at) => (at % 2 === 0 ? leafNode : null)),
    );
    expect(codeOf(() => full.add(leafNode))).toBe("tree_full");
    expect(full.remove(math.leafIndex(5)).add(leafNode).leaf).toBe(5);
  });
});
