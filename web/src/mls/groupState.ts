/**
 * A group as it is stored: `epoch` changes with commits alone, `ratchets` with every message. Both hold secrets: the
 * vault encrypts them.
 */

import { equal } from "../bytes/bytes";
import { decode, encode, type Reader, type Writer } from "./codec";
import { MlsError, StorageError } from "./errors";
import type { Group, PendingLeaf } from "./group";
import { encodeGroupContext, readGroupContext, writeGroupContext } from "./groupContext";
import type { EpochSecrets } from "./keySchedule";
import type { PrivateTree } from "./privateTree";
import { type ReInit, readProposal, writeProposal } from "./proposal";
import {
  type LeafRatchets,
  MAX_GENERATION,
  MAX_SKIPPED_KEYS,
  type MessageKey,
  type Ratchet,
  type SecretTree,
} from "./secretTree";
import { type CipherSuite, roomSuiteOf, type SuiteLookup } from "./suite";
import { interimTranscriptHash } from "./transcript";
import { readRatchetTree, writeRatchetTree } from "./treeCodec";
import { treeHash } from "./treeHash";
import { type LeafIndex, leafIndex, leavesBelow, type NodeIndex, nodeIndex } from "./treeMath";

export type StoredGroup = Readonly<{ epoch: Uint8Array; ratchets: Uint8Array }>;

/** Of everything of a group that is stored. */
export const FORMAT = 1;

/** In the order in which they are stored. */
const SECRET_NAMES = [
  "senderData",
  "exporter",
  "external",
  "confirmation",
  "membership",
  "resumption",
  "authenticator",
  "init",
] as const satisfies readonly (keyof EpochSecrets)[];

export function encodeGroup(group: Group): StoredGroup {
  return { epoch: encodeEpoch(group), ratchets: encodeRatchets(group) };
}

/** Whether two states are of one epoch of one group, so that the stored `epoch` of one serves the other. */
export function inSameEpoch(a: Group, b: Group): boolean {
  return a.secrets === b.secrets;
}

export function encodeEpoch(group: Group): Uint8Array {
  return encode((writer) => {
    writer.uint8(FORMAT);
    writeGroupContext(writer, group.context);
    writeRatchetTree(writer, group.tree);
    writer.opaque(group.confirmationTag).optional(group.reinit, writeProposal);
    writer.uint32(group.ownLeaf).opaque(group.signaturePrivateKey);
    writer.vector([...group.privateTree], (inner, [at, key]) => inner.uint32(at).opaque(key));
    for (const name of SECRET_NAMES) writer.opaque(group.secrets[name]);
  });
}

export function encodeRatchets({ confirmationTag, secretTree, pendingLeaves }: Group): Uint8Array {
  return encode((writer) => {
    // Names the epoch: no other has this tag.
    writer.uint8(FORMAT).opaque(confirmationTag);
    writer.vector([...secretTree.subtrees], (inner, [at, secret]) => inner.uint32(at).opaque(secret));
    writer.vector([...secretTree.ratchets], (inner, [leaf, { handshake, application }]) => {
      inner.uint32(leaf);
      writeRatchet(inner, handshake);
      writeRatchet(inner, application);
    });
    writer.vector(pendingLeaves, (inner, pending) =>
      inner
        .opaque(pending.encryptionKey)
        .opaque(pending.encryptionPrivateKey)
        .opaque(pending.signaturePrivateKey),
    );
  });
}

/** @throws StorageError group_epoch, group_ratchets */
export function decodeGroup({ epoch, ratchets }: StoredGroup, suites: SuiteLookup = roomSuiteOf): Group {
  const parts = guarded("group_epoch", () => decode(epoch, (reader) => readEpoch(reader, suites)));
  const { suite, tree, confirmationTag } = parts;
  const moving = guarded("group_ratchets", () =>
    decode(ratchets, (reader) => readRatchets(reader, suite, tree.leafCount)),
  );
  // A row of one epoch beside one of another would use keys again that were used.
  if (!equal(moving.confirmationTag, confirmationTag)) {
    throw new StorageError("group_ratchets", "the stored ratchets are of another epoch");
  }
  return { ...parts, secretTree: moving.secretTree, pendingLeaves: moving.pendingLeaves };
}

/** Whatever is wrong with stored bytes is the store's fault. */
export function guarded<T>(code: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof StorageError || !(cause instanceof MlsError)) throw cause;
    throw new StorageError(code, "a stored group is damaged", { cause });
  }
}

export function requireFormat(reader: Reader): void {
  const format = reader.uint8();
  if (format !== FORMAT) throw new StorageError("group_format", `there is no stored format ${format}`);
}

export function readSecret(reader: Reader, length: number): Uint8Array {
  const secret = reader.opaque(length);
  if (secret.length !== length) throw new StorageError("group_secret", "a stored secret has another length");
  return secret;
}

function readEpoch(reader: Reader, suites: SuiteLookup): Omit<Group, "secretTree" | "pendingLeaves"> {
  requireFormat(reader);
  const context = readGroupContext(reader);
  const suite = suites(context.suite);
  const tree = readRatchetTree(reader);
  if (!equal(treeHash(suite, tree), context.treeHash)) {
    throw new StorageError("group_tree", "the stored tree is not the one of the stored context");
  }
  const confirmationTag = readSecret(reader, suite.nh);
  const reinit = reader.optional(readReInit) ?? null;
  const ownLeaf = leafIndex(reader.uint32());
  if (tree.leaf(ownLeaf) === null)
    throw new StorageError("group_leaf", "the own leaf is not in the stored tree");
  const signaturePrivateKey = reader.opaque();
  const privateTree = readPrivateTree(reader);
  const secrets = Object.fromEntries(
    SECRET_NAMES.map((name) => [name, readSecret(reader, suite.nh)]),
  ) as Group["secrets"];
  return {
    suite,
    context,
    contextBytes: encodeGroupContext(context),
    tree,
    confirmationTag,
    interimTranscriptHash: interimTranscriptHash(suite, context.confirmedTranscriptHash, confirmationTag),
    reinit,
    ownLeaf,
    signaturePrivateKey,
    privateTree,
    secrets,
  };
}

export function readReInit(reader: Reader): ReInit {
  const proposal = readProposal(reader);
  if (proposal.type !== "reinit") throw new StorageError("group_reinit", "a stored ReInit is none");
  return proposal;
}

function readPrivateTree(reader: Reader): PrivateTree {
  return new Map(
    reader.vector((inner): [NodeIndex, Uint8Array] => [nodeIndex(inner.uint32()), inner.opaque()]),
  );
}

function writeRatchet(writer: Writer, { next, secret, skipped }: Ratchet): void {
  // One more than the last generation fits no 32 bits.
  writer.uint64(next).opaque(secret);
  writer.vector(skipped, (inner, { generation, key, nonce }) =>
    inner.uint32(generation).opaque(key).opaque(nonce),
  );
}

function readRatchet(reader: Reader, suite: CipherSuite): Ratchet {
  const next = Number(reader.uint64());
  if (next > MAX_GENERATION + 1)
    throw new StorageError("group_ratchets", "a stored ratchet is beyond its end");
  return {
    next,
    secret: readSecret(reader, suite.nh),
    skipped: reader.vector(
      (inner): MessageKey => ({
        generation: inner.uint32(),
        key: readSecret(inner, suite.nk),
        nonce: readSecret(inner, suite.nn),
      }),
      MAX_SKIPPED_KEYS,
    ),
  };
}

type StoredRatchets = Readonly<{
  confirmationTag: Uint8Array;
  secretTree: SecretTree;
  pendingLeaves: readonly PendingLeaf[];
}>;

function readRatchets(reader: Reader, suite: CipherSuite, leafCount: number): StoredRatchets {
  requireFormat(reader);
  const confirmationTag = readSecret(reader, suite.nh);
  const subtrees = new Map(
    reader.vector((inner): [number, Uint8Array] => [inner.uint32(), readSecret(inner, suite.nh)]),
  );
  const ratchets = new Map(
    reader.vector((inner): [LeafIndex, LeafRatchets] => [
      leafIndex(inner.uint32()),
      { handshake: readRatchet(inner, suite), application: readRatchet(inner, suite) },
    ]),
  );
  const pendingLeaves = reader.vector((inner) => ({
    encryptionKey: inner.opaque(),
    encryptionPrivateKey: inner.opaque(),
    signaturePrivateKey: inner.opaque(),
  }));
  requireWhole(subtrees.keys(), ratchets.keys(), leafCount);
  return { confirmationTag, secretTree: { leafCount, subtrees, ratchets }, pendingLeaves };
}

/** Each leaf has its ratchets, or is below one secret: without, a later message would find no key. */
function requireWhole(subtrees: Iterable<number>, leaves: Iterable<LeafIndex>, leafCount: number): void {
  const covered = new Set<number>(leaves);
  let count = covered.size;
  for (const at of subtrees) {
    const { from, to } = leavesBelow(nodeIndex(at));
    for (let leaf = from; leaf < to; leaf++) covered.add(leaf);
    count += to - from;
  }
  if (count !== leafCount || covered.size !== leafCount || Math.max(...covered) >= leafCount) {
    throw new StorageError("group_ratchets", "the stored ratchets are not those of the stored tree");
  }
}
