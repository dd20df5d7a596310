/**
 * The secret tree of RFC 9420 §9: one-use keys for every sender of an epoch.
 *
 * Immutable and lazy. At first it holds the root's secret alone; deriving a leaf replaces each secret on the way by
 * that of the sibling, so what is held never gives a key that was used. Keys that were skipped wait in a bounded
 * store (E17). Every call returns what it consumed, to be wiped once the new state is stored.
 */

import { EMPTY, utf8, wipe } from "../bytes/bytes";
import { InvalidError, UsageError } from "./errors";
import type { CipherSuite } from "./suite";
import type { LeafIndex } from "./treeMath";

/** E17: how far ahead of the last known message of a sender another may be. */
export const MAX_FORWARD_DISTANCE = 4096;
/** E17: how many skipped keys are kept for each ratchet. */
export const MAX_SKIPPED_KEYS = 64;
/** A generation is 32 bits on the wire. */
export const MAX_GENERATION = 0xffffffff;

export type RatchetKind = "handshake" | "application";

export type MessageKey = Readonly<{ generation: number; key: Uint8Array; nonce: Uint8Array }>;

export type Ratchet = Readonly<{
  /** The generation that `secret` gives. */
  next: number;
  secret: Uint8Array;
  /** In rising order of generation, all below `next`. */
  skipped: readonly MessageKey[];
}>;

export type LeafRatchets = Readonly<Record<RatchetKind, Ratchet>>;

export type SecretTree = Readonly<{
  /** A power of two. */
  leafCount: number;
  /** Secrets of the subtrees that no key was taken from, by the index of their root in the array of nodes. */
  subtrees: ReadonlyMap<number, Uint8Array>;
  ratchets: ReadonlyMap<LeafIndex, LeafRatchets>;
}>;

export type TakenKey = Readonly<{ tree: SecretTree; key: MessageKey; consumed: readonly Uint8Array[] }>;

const LEFT = utf8("left");
const RIGHT = utf8("right");

/** Takes the encryption secret over as the root's: it is returned as consumed with the first key. */
export function createSecretTree(encryptionSecret: Uint8Array, leafCount: number): SecretTree {
  const depth = Math.log2(leafCount);
  if (!Number.isInteger(depth)) throw new UsageError("leaf_count", `${leafCount} is not a power of two`);
  return { leafCount, subtrees: new Map([[2 ** depth - 1, encryptionSecret]]), ratchets: new Map() };
}

/**
 * The next unused key of a leaf's ratchet: to send with.
 * @throws UsageError generations_exhausted
 */
export function takeNext(suite: CipherSuite, tree: SecretTree, leaf: LeafIndex, kind: RatchetKind): TakenKey {
  const opened = openLeaf(suite, tree, leaf);
  const { next } = opened.ratchets[kind];
  // A generation is 32 bits on the wire; a key that had no number could not be told from another.
  if (next > MAX_GENERATION) throw new UsageError("generations_exhausted", "an epoch's keys are used up");
  return advance(suite, opened, leaf, kind, next);
}

/**
 * The key of one generation: to read with. The state that comes back has it no more, so that no message is read twice.
 * @throws InvalidError v604_generation_used, v605_generation_too_far
 */
export function takeAt(
  suite: CipherSuite,
  tree: SecretTree,
  leaf: LeafIndex,
  kind: RatchetKind,
  generation: number,
): TakenKey {
  const opened = openLeaf(suite, tree, leaf);
  const ratchet = opened.ratchets[kind];
  if (generation < ratchet.next) {
    const key = ratchet.skipped.find((skipped) => skipped.generation === generation);
    // RFC 9420 §9.2: a key was deleted when it was used.
    if (key === undefined) throw new InvalidError("v604_generation_used", "a message's key was used already");
    const skipped = ratchet.skipped.filter((other) => other !== key);
    return {
      tree: withRatchet(opened, leaf, kind, { ...ratchet, skipped }),
      key,
      consumed: [...opened.consumed, key.key, key.nonce],
    };
  }
  // E17: a forged generation must not cost more than this.
  if (generation - ratchet.next > MAX_FORWARD_DISTANCE) {
    throw new InvalidError("v605_generation_too_far", "a message's generation is too far ahead");
  }
  return advance(suite, opened, leaf, kind, generation);
}

/** Every secret that the tree holds. */
export function secretTreeSecrets({ subtrees, ratchets }: SecretTree): Uint8Array[] {
  const secrets = [...subtrees.values()];
  for (const { handshake, application } of ratchets.values()) {
    for (const { secret, skipped } of [handshake, application]) {
      secrets.push(secret, ...skipped.flatMap(({ key, nonce }) => [key, nonce]));
    }
  }
  return secrets;
}

type OpenedLeaf = Readonly<{ tree: SecretTree; ratchets: LeafRatchets; consumed: readonly Uint8Array[] }>;

/** The array index of the node `level` steps above a leaf (RFC 9420 Appendix C). */
function nodeAbove(leaf: LeafIndex, level: number): number {
  return (leaf >>> level) * 2 ** (level + 1) + 2 ** level - 1;
}

/** The ratchets of a leaf, derived from the closest subtree secret where no message used them yet. */
function openLeaf(suite: CipherSuite, tree: SecretTree, leaf: LeafIndex): OpenedLeaf {
  const known = tree.ratchets.get(leaf);
  if (known !== undefined) return { tree, ratchets: known, consumed: [] };
  if (leaf >= tree.leafCount) throw new UsageError("leaf_range", `there is no leaf ${leaf}`);

  const depth = Math.log2(tree.leafCount);
  let level = 0;
  while (level <= depth && !tree.subtrees.has(nodeAbove(leaf, level))) level++;
  const top = nodeAbove(leaf, level);
  const root = tree.subtrees.get(top);
  // Each leaf is below a subtree's root or has ratchets: a state without both is not one that this module made.
  if (root === undefined) throw new UsageError("secret_tree", `the keys of leaf ${leaf} are gone`);

  const subtrees = new Map(tree.subtrees);
  subtrees.delete(top);
  let secret = root;
  for (; level > 0; level--) {
    const index = nodeAbove(leaf, level);
    const half = 2 ** (level - 1);
    const left = suite.expandWithLabel(secret, "tree", LEFT, suite.nh);
    const right = suite.expandWithLabel(secret, "tree", RIGHT, suite.nh);
    if (secret !== root) wipe(secret);
    const goesLeft = nodeAbove(leaf, level - 1) < index;
    subtrees.set(goesLeft ? index + half : index - half, goesLeft ? right : left);
    secret = goesLeft ? left : right;
  }
  const begin = (label: RatchetKind): Ratchet => ({
    next: 0,
    secret: suite.expandWithLabel(secret, label, EMPTY, suite.nh),
    skipped: [],
  });
  const ratchets = { handshake: begin("handshake"), application: begin("application") };
  if (secret !== root) wipe(secret);
  const opened = { ...tree, subtrees, ratchets: new Map(tree.ratchets).set(leaf, ratchets) };
  return { tree: opened, ratchets, consumed: [root] };
}

function withRatchet(
  { tree, ratchets }: OpenedLeaf,
  leaf: LeafIndex,
  kind: RatchetKind,
  ratchet: Ratchet,
): SecretTree {
  return { ...tree, ratchets: new Map(tree.ratchets).set(leaf, { ...ratchets, [kind]: ratchet }) };
}

/** Turns a ratchet to `generation`, takes its key, and keeps the youngest of those passed over. */
function advance(
  suite: CipherSuite,
  opened: OpenedLeaf,
  leaf: LeafIndex,
  kind: RatchetKind,
  generation: number,
): TakenKey {
  const ratchet = opened.ratchets[kind];
  const passed: MessageKey[] = [];
  let { secret } = ratchet;
  for (let at = ratchet.next; at < generation; at++) {
    if (generation - at <= MAX_SKIPPED_KEYS) passed.push(messageKey(suite, secret, at));
    const following = suite.deriveTreeSecret(secret, "secret", at, suite.nh);
    if (secret !== ratchet.secret) wipe(secret);
    secret = following;
  }
  const key = messageKey(suite, secret, generation);
  const following = suite.deriveTreeSecret(secret, "secret", generation, suite.nh);
  if (secret !== ratchet.secret) wipe(secret);

  const waiting = [...ratchet.skipped, ...passed];
  const skipped = waiting.slice(-MAX_SKIPPED_KEYS);
  const dropped = waiting.slice(0, waiting.length - skipped.length);
  return {
    tree: withRatchet(opened, leaf, kind, { next: generation + 1, secret: following, skipped }),
    key,
    consumed: [
      ...opened.consumed,
      ratchet.secret,
      key.key,
      key.nonce,
      ...dropped.flatMap((old) => [old.key, old.nonce]),
    ],
  };
}

function messageKey(suite: CipherSuite, secret: Uint8Array, generation: number): MessageKey {
  return {
    generation,
    key: suite.deriveTreeSecret(secret, "key", generation, suite.nk),
    nonce: suite.deriveTreeSecret(secret, "nonce", generation, suite.nn),
  };
}
