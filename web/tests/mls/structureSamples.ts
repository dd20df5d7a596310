/** Arbitrary values of every structure, for fast-check. They are well-formed, and mean nothing. */

import fc from "fast-check";
import type { Capabilities } from "../../src/mls/capabilities";
import type { Commit } from "../../src/mls/commit";
import type { Credential } from "../../src/mls/credential";
import type { Extension, RequiredCapabilities } from "../../src/mls/extension";
import type { GroupContext } from "../../src/mls/groupContext";
import type { KeyPackage } from "../../src/mls/keyPackage";
import type { LeafNode, LeafNodeSource } from "../../src/mls/leafNode";
import type { Proposal } from "../../src/mls/proposal";
import type { PreSharedKeyId } from "../../src/mls/pskId";
import { type ParentNode, RatchetTree, type TreeNode } from "../../src/mls/ratchetTree";
import { leafCountFor, leafIndex, nodeWidth } from "../../src/mls/treeMath";
import type { UpdatePath } from "../../src/mls/updatePath";

const bytes = fc.uint8Array({ maxLength: 80 });
const uint16 = fc.integer({ min: 0, max: 0xffff });
const uint32 = fc.integer({ min: 0, max: 0xffffffff });
const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const codes = fc.array(uint16, { maxLength: 5 });
const unknownType = fc.integer({ min: 8, max: 0xffff });

export const credential: fc.Arbitrary<Credential> = fc.oneof(
  fc.record({ type: fc.constant(1 as const), identity: bytes }),
  fc.record({ type: fc.constant(2 as const), certificates: fc.array(bytes, { maxLength: 3 }) }),
  fc.record({ type: unknownType, content: bytes }),
);

export const capabilities: fc.Arbitrary<Capabilities> = fc.record({
  versions: codes,
  suites: codes,
  extensions: codes,
  proposals: codes,
  credentials: codes,
});

export const requiredCapabilities: fc.Arbitrary<RequiredCapabilities> = fc.record({
  extensions: codes,
  proposals: codes,
  credentials: codes,
});

const extension: fc.Arbitrary<Extension> = fc.record({ type: uint16, data: bytes });

export const extensions: fc.Arbitrary<readonly Extension[]> = fc.uniqueArray(extension, {
  maxLength: 4,
  selector: ({ type }) => type,
});

const source: fc.Arbitrary<LeafNodeSource> = fc.oneof(
  fc.record({ kind: fc.constant("key_package" as const), notBefore: uint64, notAfter: uint64 }),
  fc.record({ kind: fc.constant("update" as const) }),
  fc.record({ kind: fc.constant("commit" as const), parentHash: bytes }),
);

export const leafNode: fc.Arbitrary<LeafNode> = fc.record({
  encryptionKey: bytes,
  signatureKey: bytes,
  credential,
  capabilities,
  source,
  extensions,
  signature: bytes,
});

export const keyPackage: fc.Arbitrary<KeyPackage> = fc.record({
  version: uint16,
  suite: uint16,
  initKey: bytes,
  leafNode,
  extensions,
  signature: bytes,
});

export const preSharedKeyId: fc.Arbitrary<PreSharedKeyId> = fc.oneof(
  fc.record({ kind: fc.constant("external" as const), id: bytes, nonce: bytes }),
  fc.record({
    kind: fc.constant("resumption" as const),
    usage: fc.constantFrom("application" as const, "reinit" as const, "branch" as const),
    groupId: bytes,
    epoch: uint64,
    nonce: bytes,
  }),
);

export const proposal: fc.Arbitrary<Proposal> = fc.oneof(
  fc.record({ type: fc.constant("add" as const), keyPackage }),
  fc.record({ type: fc.constant("update" as const), leafNode }),
  fc.record({ type: fc.constant("remove" as const), removed: uint32.map(leafIndex) }),
  fc.record({ type: fc.constant("psk" as const), psk: preSharedKeyId }),
  fc.record({
    type: fc.constant("reinit" as const),
    groupId: bytes,
    version: uint16,
    suite: uint16,
    extensions,
  }),
  fc.record({ type: fc.constant("external_init" as const), kemOutput: bytes }),
  fc.record({ type: fc.constant("group_context_extensions" as const), extensions }),
  fc.record({ type: fc.constant("unknown" as const), id: unknownType, data: bytes }),
);

export const updatePath: fc.Arbitrary<UpdatePath> = fc.record({
  leafNode,
  nodes: fc.array(
    fc.record({
      encryptionKey: bytes,
      encryptedPathSecrets: fc.array(fc.record({ kemOutput: bytes, ciphertext: bytes }), { maxLength: 3 }),
    }),
    { maxLength: 4 },
  ),
});

export const commit: fc.Arbitrary<Commit> = fc.record({
  proposals: fc.array(
    fc.oneof(
      fc.record({ kind: fc.constant("proposal" as const), proposal }),
      fc.record({ kind: fc.constant("reference" as const), reference: bytes }),
    ),
    { maxLength: 3 },
  ),
  path: fc.option(updatePath, { nil: null }),
});

export const groupContext: fc.Arbitrary<GroupContext> = fc.record({
  version: uint16,
  suite: uint16,
  groupId: bytes,
  epoch: uint64,
  treeHash: bytes,
  confirmedTranscriptHash: bytes,
  extensions,
});

export const parentNode: fc.Arbitrary<ParentNode> = fc.record({
  encryptionKey: bytes,
  parentHash: bytes,
  unmergedLeaves: fc
    .uniqueArray(uint32, { maxLength: 4 })
    .map((leaves) => leaves.sort((a, b) => a - b).map(leafIndex)),
});

/** Any blanks and nodes, as long as the last leaf stands in the right half: such a tree has one encoding. */
export const ratchetTree: fc.Arbitrary<RatchetTree> = fc
  .integer({ min: 1, max: 8 })
  .chain((leaves) =>
    fc.tuple(
      fc.array(fc.option(leafNode, { nil: null }), { minLength: leaves - 1, maxLength: leaves - 1 }),
      leafNode,
      fc.array(fc.option(parentNode, { nil: null }), { minLength: leaves - 1, maxLength: leaves - 1 }),
    ),
  )
  .map(([before, last, parents]) => {
    const leaves = [...before, last];
    const nodes: (TreeNode | null)[] = leaves.flatMap((leaf, i) =>
      i === 0 ? [leaf] : [parents[i - 1]!, leaf],
    );
    const width = nodeWidth(leafCountFor(leaves.length));
    while (nodes.length < width) nodes.push(null);
    return RatchetTree.of(nodes);
  });
