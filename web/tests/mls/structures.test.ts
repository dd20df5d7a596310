/** Codecs of the structures: there and back for each, and any bytes at all into each decoder. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concat, fromHex, utf8 } from "../../src/bytes/bytes";
import { readCapabilities, writeCapabilities } from "../../src/mls/capabilities";
import { decode, encode, type Reader, type Writer } from "../../src/mls/codec";
import { readCommit, writeCommit } from "../../src/mls/commit";
import {
  externalSendersExtension,
  externalSendersIn,
  readCredential,
  writeCredential,
} from "../../src/mls/credential";
import { DecodeError } from "../../src/mls/errors";
import {
  decodeExtensions,
  encodeExtensions,
  readExtensions,
  readRequiredCapabilities,
  requiredCapabilitiesExtension,
  requiredCapabilitiesIn,
  writeExtensions,
  writeRequiredCapabilities,
} from "../../src/mls/extension";
import { readGroupContext, writeGroupContext } from "../../src/mls/groupContext";
import { decodeKeyPackage, readKeyPackage, writeKeyPackage } from "../../src/mls/keyPackage";
import { readLeafNode, writeLeafNode } from "../../src/mls/leafNode";
import { proposalTypeOf, readProposal, requiresPath, writeProposal } from "../../src/mls/proposal";
import { readPreSharedKeyId, writePreSharedKeyId } from "../../src/mls/pskId";
import { suiteOf } from "../../src/mls/suites";
import {
  decodeRatchetTree,
  encodeRatchetTree,
  readParentNode,
  readRatchetTree,
  writeParentNode,
  writeRatchetTree,
} from "../../src/mls/treeCodec";
import { leafIndex, nodeIndex, nodeOfLeaf } from "../../src/mls/treeMath";
import { readUpdatePath, writeUpdatePath } from "../../src/mls/updatePath";
import { seededRng } from "./seededRng";
import * as samples from "./structureSamples";
import { addMany, codeOf, commit, found, newPerson } from "./treeWorld";

const SEED = 9420;

type Codec = {
  readonly name: string;
  readonly reencoded: (bytes: Uint8Array) => Uint8Array;
  readonly sample: fc.Arbitrary<Uint8Array>;
};

const codecs: Codec[] = [];

/** Registers a structure for the tests of any bytes, and tests that it comes back as it went. */
function structure<T>(
  name: string,
  write: (writer: Writer, value: T) => void,
  read: (reader: Reader) => T,
  sample: fc.Arbitrary<T>,
): void {
  const encoded = (value: T) => encode((writer) => write(writer, value));
  codecs.push({ name, reencoded: (bytes) => encoded(decode(bytes, read)), sample: sample.map(encoded) });
  it(`${name} comes back as it went`, () => {
    fc.assert(
      fc.property(sample, (value) => {
        const bytes = encoded(value);
        const back = decode(bytes, read);
        expect(back).toEqual(value);
        expect(encoded(back)).toEqual(bytes);
      }),
      { seed: SEED, numRuns: 100 },
    );
  });
}

describe("structures", () => {
  structure("Credential", writeCredential, readCredential, samples.credential);
  structure("Capabilities", writeCapabilities, readCapabilities, samples.capabilities);
  structure("Extensions", writeExtensions, readExtensions, samples.extensions);
  structure(
    "RequiredCapabilities",
    writeRequiredCapabilities,
    readRequiredCapabilities,
    samples.requiredCapabilities,
  );
  structure("LeafNode", writeLeafNode, readLeafNode, samples.leafNode);
  structure("KeyPackage", writeKeyPackage, readKeyPackage, samples.keyPackage);
  structure("PreSharedKeyID", writePreSharedKeyId, readPreSharedKeyId, samples.preSharedKeyId);
  structure("Proposal", writeProposal, readProposal, samples.proposal);
  structure("UpdatePath", writeUpdatePath, readUpdatePath, samples.updatePath);
  structure("Commit", writeCommit, readCommit, samples.commit);
  structure("GroupContext", writeGroupContext, readGroupContext, samples.groupContext);
  structure("ParentNode", writeParentNode, readParentNode, samples.parentNode);
  structure("ratchet_tree", writeRatchetTree, (reader) => readRatchetTree(reader), samples.ratchetTree);
});

describe("any bytes parse to what has that encoding alone, or throw DecodeError", () => {
  const holds = ({ reencoded }: Codec, bytes: Uint8Array) => {
    let back: Uint8Array;
    try {
      back = reencoded(bytes);
    } catch (error) {
      expect(error).toBeInstanceOf(DecodeError);
      return;
    }
    expect(back).toEqual(bytes);
  };

  for (const codec of codecs) {
    it(`${codec.name}, random`, () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => holds(codec, bytes)),
        { seed: SEED, numRuns: 1000 },
      );
    });

    it(`${codec.name}, damaged`, () => {
      const damage = fc.record({
        at: fc.nat(),
        byte: fc.nat(255),
        cut: fc.nat(8),
        more: fc.uint8Array({ maxLength: 3 }),
      });
      fc.assert(
        fc.property(
          codec.sample,
          damage,
          fc.constantFrom("flip", "cut", "insert", "append"),
          (good, how, kind) => {
            const at = how.at % (good.length + 1);
            const flipped = good.map((byte, i) => (i === at ? how.byte : byte));
            const bytes = {
              flip: flipped,
              cut: concat(good.subarray(0, at), good.subarray(at + how.cut)),
              insert: concat(good.subarray(0, at), how.more, good.subarray(at)),
              append: concat(good, how.more),
            }[kind];
            holds(codec, bytes);
          },
        ),
        { seed: SEED, numRuns: 500 },
      );
    });
  }
});

describe("what is no structure", () => {
  const refused = (bytes: Uint8Array, read: (reader: Reader) => unknown) =>
    expect(codeOf(() => decode(bytes, read))).toBe("decode");

  it("v005: two extensions of one type", () => {
    const one = { type: 0xf101, data: utf8("a") };
    const twice = encodeExtensions([one, { ...one, data: utf8("b") }]);
    expect(codeOf(() => decodeExtensions(twice))).toBe("decode");
    expect(decodeExtensions(encodeExtensions([one, { type: 0xf102, data: utf8("b") }]))).toHaveLength(2);
  });

  it("v004: more than there can be", () => {
    const many = Array.from({ length: 257 }, (_, type) => ({ type, data: utf8("") }));
    expect(codeOf(() => decodeExtensions(encodeExtensions(many)))).toBe("decode");
    refused(
      encode((writer) => writeCredential(writer, { type: 1, identity: new Uint8Array(65537) })),
      readCredential,
    );
    const codes = encode((writer) => writer.opaque(new Uint8Array(2 * 1025)));
    refused(concat(codes, new Uint8Array(4)), readRequiredCapabilities);
    refused(codes.slice(0, -1), readRequiredCapabilities);
  });

  it("v009: unknown kinds", () => {
    // A Commit whose one proposal is of kind 3, a PSK of type 3, a resumption PSK of usage 0 and of usage 4.
    refused(fromHex("02030000"), readCommit);
    refused(fromHex("030000"), readPreSharedKeyId);
    refused(fromHex("020000000000000000000000"), readPreSharedKeyId);
    refused(fromHex("020400000000000000000000"), readPreSharedKeyId);
    expect(decode(fromHex("020300000000000000000000"), readPreSharedKeyId)).toMatchObject({
      usage: "branch",
    });
    const leaf = newPerson(suiteOf(1), seededRng("kinds")).keyPackage.leafNode;
    const update = encode((writer) =>
      writeLeafNode(writer, { ...leaf, extensions: [], source: { kind: "update" } }),
    );
    const at = update.length - leaf.signature.length - 4;
    expect(update[at]).toBe(2);
    for (const kind of [0, 4]) refused(update.with(at, kind), readLeafNode);
  });

  it("a KeyPackage with something after it", () => {
    const { bytes } = newPerson(suiteOf(1), seededRng("after"));
    expect(codeOf(() => decodeKeyPackage(concat(bytes, utf8("x"))))).toBe("decode");
  });

  it("v006: unmerged leaves that are not in increasing order", () => {
    const node = (unmergedLeaves: number[]) =>
      encode((writer) =>
        writeParentNode(writer, {
          encryptionKey: utf8("k"),
          parentHash: utf8("h"),
          unmergedLeaves: unmergedLeaves.map(leafIndex),
        }),
      );
    expect(decode(node([1, 4]), readParentNode).unmergedLeaves).toEqual([1, 4]);
    refused(node([4, 1]), readParentNode);
    refused(node([1, 1]), readParentNode);
  });
});

describe("what is no tree", () => {
  const rng = seededRng("no tree");
  const suite = suiteOf(1);
  const world = commit(addMany(found(suite, rng), 2, rng), leafIndex(0), [], rng);
  const good = encodeRatchetTree(world.tree);
  const nodes = world.tree.nodes();
  const [leaf, parent] = [nodes[0]!, nodes[1]!];
  const optionals = (items: readonly (Uint8Array | null)[]) =>
    encode((writer) => writer.vector(items, (inner, item) => inner.optional(item, (w, one) => w.bytes(one))));
  const asLeaf = encode((writer) => {
    writer.uint8(1);
    if ("signatureKey" in leaf) writeLeafNode(writer, leaf);
  });
  const asParent = encode((writer) => {
    writer.uint8(2);
    if (!("signatureKey" in parent)) writeParentNode(writer, parent);
  });
  const codeOfBytes = (bytes: Uint8Array, most?: number) => codeOf(() => decodeRatchetTree(bytes, most));

  it("v007: none of these is one, though the parts are good", () => {
    expect(codeOfBytes(good)).toBe("nothing thrown");
    expect(codeOfBytes(optionals([asLeaf, asParent, asLeaf]))).toBe("nothing thrown");
    // Nothing at all, a blank at the end, kinds in the wrong places, a kind that is none.
    expect(codeOfBytes(optionals([]))).toBe("decode");
    expect(codeOfBytes(optionals([null]))).toBe("decode");
    expect(codeOfBytes(optionals([asLeaf, null]))).toBe("decode");
    expect(codeOfBytes(optionals([asLeaf, null, asLeaf, null]))).toBe("decode");
    expect(codeOfBytes(optionals([asParent, null, asLeaf]))).toBe("decode");
    expect(codeOfBytes(optionals([asLeaf, asLeaf, asLeaf]))).toBe("decode");
    expect(codeOfBytes(optionals([asLeaf, asParent]))).toBe("decode");
    expect(codeOfBytes(optionals([asLeaf, null, asLeaf, asParent]))).toBe("decode");
    expect(codeOfBytes(optionals([asLeaf.with(0, 3)]))).toBe("decode");
    expect(codeOfBytes(concat(good, utf8("x")))).toBe("decode");
  });

  it("v004: one of more leaves than there may be is not read", () => {
    expect(codeOfBytes(good, 4)).toBe("nothing thrown");
    expect(codeOfBytes(good, 2)).toBe("decode");
    const widest = optionals([...Array.from({ length: 2 ** 17 - 2 }, () => null), asLeaf]);
    expect(decodeRatchetTree(widest).leafCount).toBe(2 ** 16);
    // … and can be written again, however many parts that takes.
    expect(encodeRatchetTree(decodeRatchetTree(widest))).toEqual(widest);
    const wider = optionals([...Array.from({ length: 2 ** 17 }, () => null), asLeaf]);
    expect(codeOfBytes(wider)).toBe("decode");
  });

  it("grows with as few blanks as it can", () => {
    for (const [count, leaves] of [
      [1, 1],
      [3, 2],
      [5, 4],
      [7, 4],
      [9, 8],
    ] as const) {
      const items = Array.from({ length: count }, (_, i) => (i === count - 1 ? asLeaf : null));
      expect(decodeRatchetTree(optionals(items)).leafCount).toBe(leaves);
    }
  });

  it("is asked for what it has, or says whose mistake that is", () => {
    const { tree } = world;
    expect(tree.leaf(leafIndex(3))).toBeNull();
    expect(tree.leaf(leafIndex(4))).toBeNull();
    expect(tree.leaf(leafIndex(2 ** 32 - 1))).toBeNull();
    expect(codeOf(() => tree.node(nodeIndex(7)))).toBe("node_index");
    expect(codeOf(() => tree.parent(nodeIndex(2)))).toBe("node_index");
    expect(codeOf(() => tree.remove(leafIndex(3)))).toBe("blank_leaf");
    expect(codeOf(() => tree.remove(leafIndex(2 ** 32 - 1)))).toBe("blank_leaf");
    expect(codeOf(() => tree.update(leafIndex(3), world.tree.leaf(leafIndex(0))!))).toBe("blank_leaf");
    expect(codeOf(() => tree.directPath(leafIndex(4)))).toBe("leaf_index");
    expect(codeOf(() => leafIndex(-1))).toBe("leaf_index");
    expect(codeOf(() => leafIndex(2 ** 32))).toBe("leaf_index");
    expect(codeOf(() => leafIndex(0.5))).toBe("leaf_index");
    expect(codeOf(() => nodeOfLeaf(leafIndex(2 ** 16)))).toBe("node_index");
  });
});

describe("proposals", () => {
  it("say whether their Commit needs a path (RFC 9420 §12.4)", () => {
    fc.assert(
      fc.property(samples.proposal, (proposal) => {
        expect(requiresPath(proposal)).toBe(![1, 4, 5].includes(proposalTypeOf(proposal)));
      }),
      { seed: SEED },
    );
  });
});

describe("extensions of a GroupContext", () => {
  it("name what is required, and who may propose from outside", () => {
    fc.assert(
      fc.property(samples.requiredCapabilities, samples.credential, (required, credential) => {
        const senders = [{ signatureKey: utf8("key"), credential }];
        const both = [requiredCapabilitiesExtension(required), externalSendersExtension(senders)];
        expect(requiredCapabilitiesIn(both)).toEqual(required);
        expect(externalSendersIn(both)).toEqual(senders);
        expect(requiredCapabilitiesIn([])).toBeUndefined();
        expect(externalSendersIn([])).toEqual([]);
      }),
      { seed: SEED, numRuns: 50 },
    );
  });
});
