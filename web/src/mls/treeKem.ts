/**
 * Update paths (RFC 9420 §7.4 to §7.6). What everyone can check alike is `applyUpdatePath`; what only a member under
 * each copath node can is `decryptPath` (E18).
 *
 *   v301  as many nodes as the filtered direct path        v305  the leaf's parent hash fits the path
 *   v302  as many ciphertexts as each resolution           v311  the path secret opens, and is one
 *   v303  no key that is in the tree, or twice in the path v312  the secret leads to the public keys of the path
 *   v304  every key is a key of the suite                  v313  a newcomer gets the path secret that it needs
 */

import { equal, type Rng, wipe } from "../bytes/bytes";
import type { Capabilities } from "./capabilities";
import type { Credential } from "./credential";
import { AeadError, InvalidError, KeyError, UsageError } from "./errors";
import type { Extension } from "./extension";
import { freshHpkeKeys } from "./freshKeys";
import { draw, type KeyPair } from "./kem";
import { KeySet } from "./keySet";
import { signLeafNode } from "./leafNode";
import { checkLeafAlone, checkLeafInGroup, checkLeafSucceeds, checkPublicKey } from "./leafValidation";
import { withPathKeys } from "./parentHash";
import type { PrivateTree } from "./privateTree";
import type { PathStep, RatchetTree } from "./ratchetTree";
import type { CipherSuite } from "./suite";
import { treeHash } from "./treeHash";
import { commonAncestor, isWithin, type LeafIndex, type NodeIndex, nodeOfLeaf } from "./treeMath";
import type { UpdatePath } from "./updatePath";

const ENCRYPT_LABEL = "UpdatePathNode";

type DerivedNode = { readonly node: NodeIndex; readonly keys: KeyPair; readonly pathSecret: Uint8Array };

/** RFC 9420 §7.4: the keys of these nodes from the first one's path secret, and the secret after the last of them. */
function deriveUpwards(
  suite: CipherSuite,
  first: Uint8Array,
  nodes: readonly NodeIndex[],
): { readonly derived: readonly DerivedNode[]; readonly after: Uint8Array } {
  let pathSecret = first;
  const derived: DerivedNode[] = [];
  for (const node of nodes) {
    const nodeSecret = suite.deriveSecret(pathSecret, "node");
    derived.push({ node, keys: suite.deriveKeyPair(nodeSecret), pathSecret });
    wipe(nodeSecret);
    pathSecret = suite.deriveSecret(pathSecret, "path");
  }
  return { derived, after: pathSecret };
}

/** The resolution of a copath node without the leaves that the same Commit adds (RFC 9420 §7.5). */
function recipients(tree: RatchetTree, { copathChild }: PathStep, added: readonly LeafIndex[]): NodeIndex[] {
  const excluded = new Set(added.map(nodeOfLeaf));
  return tree.resolution(copathChild).filter((at) => !excluded.has(at));
}

/** What the committer's leaf says of it from now on. */
export type LeafContent = {
  readonly signature: KeyPair;
  readonly credential: Credential;
  readonly capabilities: Capabilities;
  readonly extensions: readonly Extension[];
};

export type PathInput = {
  /** With the Commit's proposals applied. The committer's leaf may be blank: that is an external Commit. */
  readonly tree: RatchetTree;
  readonly ownLeaf: LeafIndex;
  readonly groupId: Uint8Array;
  readonly content: LeafContent;
  /** The leaves that the same Commit adds: they get their path secret in the Welcome. */
  readonly added: readonly LeafIndex[];
  /** The provisional GroupContext, encoded, for the new tree's hash (RFC 9420 §12.4.1). */
  readonly groupContext: (treeHash: Uint8Array) => Uint8Array;
};

export type CreatedPath = {
  readonly path: UpdatePath;
  readonly tree: RatchetTree;
  /** All that the committer knows from now on: its leaf's key and those of its path. */
  readonly privateTree: PrivateTree;
  readonly commitSecret: Uint8Array;
  /** By node of the path. Outdated as soon as the Welcomes are made: wipe them (RFC 9420 §7.5). */
  readonly pathSecrets: ReadonlyMap<NodeIndex, Uint8Array>;
};

export function createUpdatePath(suite: CipherSuite, input: PathInput, rng: Rng): CreatedPath {
  const { tree, ownLeaf, content } = input;
  const steps = tree.filteredDirectPath(ownLeaf);
  const leafKeys = freshHpkeKeys(suite, rng);
  const { derived, after } = deriveUpwards(
    suite,
    draw(rng, suite.nh),
    steps.map(({ node }) => node),
  );
  const merged = withPathKeys(
    suite,
    tree,
    ownLeaf,
    steps,
    derived.map(({ keys }) => keys.publicKey),
  );
  // RFC 9420 §7.5: the leaf is signed anew, over its new key and its parent hash.
  const leafNode = signLeafNode(
    suite,
    {
      encryptionKey: leafKeys.publicKey,
      signatureKey: content.signature.publicKey,
      credential: content.credential,
      capabilities: content.capabilities,
      source: { kind: "commit", parentHash: merged.leafParentHash },
      extensions: content.extensions,
    },
    content.signature.privateKey,
    { groupId: input.groupId, leaf: ownLeaf },
  );
  const next = merged.tree.with(new Map([[nodeOfLeaf(ownLeaf), leafNode]]));
  const encrypt = suite.encrypterWithLabel(ENCRYPT_LABEL, input.groupContext(treeHash(suite, next)));
  const nodes = steps.map((step, i) => {
    const { keys, pathSecret } = derived[i]!;
    const encryptedPathSecrets = recipients(tree, step, input.added).map((at) =>
      encrypt(tree.node(at)!.encryptionKey, pathSecret, rng),
    );
    return { encryptionKey: keys.publicKey, encryptedPathSecrets };
  });
  return {
    path: { leafNode, nodes },
    tree: next,
    privateTree: new Map([
      [nodeOfLeaf(ownLeaf), leafKeys.privateKey],
      ...derived.map(({ node, keys }): [NodeIndex, Uint8Array] => [node, keys.privateKey]),
    ]),
    commitSecret: after,
    pathSecrets: new Map(derived.map(({ node, pathSecret }) => [node, pathSecret])),
  };
}

/** The path secret that a leaf which the Commit adds must get in its Welcome (RFC 9420 §12.4.3.1). @throws UsageError */
export function pathSecretFor(
  pathSecrets: ReadonlyMap<NodeIndex, Uint8Array>,
  committer: LeafIndex,
  newcomer: LeafIndex,
): Uint8Array {
  const secret = pathSecrets.get(commonAncestor(nodeOfLeaf(committer), nodeOfLeaf(newcomer)));
  if (secret === undefined) throw new UsageError("path_secret", `leaf ${newcomer} has no node on the path`);
  return secret;
}

export type ReceivedPath = {
  /** With the Commit's proposals applied. */
  readonly tree: RatchetTree;
  readonly sender: LeafIndex;
  readonly path: UpdatePath;
  readonly groupId: Uint8Array;
  /** Those of the GroupContext after the Commit's proposals. */
  readonly extensions: readonly Extension[];
  readonly added: readonly LeafIndex[];
};

export type AppliedPath = {
  readonly sender: LeafIndex;
  readonly path: UpdatePath;
  readonly tree: RatchetTree;
  /** For each node of the path: where it is, what it is sent to, and in which order. */
  readonly steps: readonly (PathStep & { readonly recipients: readonly NodeIndex[] })[];
};

/**
 * Everything about a path that all members can check alike, and the tree after it (RFC 9420 §7.5, §12.4.2). How the
 * new leaf gets on with the other members is `checkMembers`' to say. @throws InvalidError
 */
export function applyUpdatePath(suite: CipherSuite, received: ReceivedPath): AppliedPath {
  const { tree, sender, path, groupId, extensions, added } = received;
  const steps = tree
    .filteredDirectPath(sender)
    .map((step) => ({ ...step, recipients: recipients(tree, step, added) }));
  if (path.nodes.length !== steps.length) {
    throw new InvalidError("v301_path_length", `a path of ${path.nodes.length} nodes, not ${steps.length}`);
  }
  if (steps.some((step, i) => path.nodes[i]!.encryptedPathSecrets.length !== step.recipients.length)) {
    throw new InvalidError("v302_path_ciphertexts", "a node of a path has too many or too few ciphertexts");
  }
  const before = tree.leaf(sender);
  // Before the general rule of v303, so that the error says which key was kept.
  if (before !== null) checkLeafSucceeds(before, path.leafNode);
  const keys = path.nodes.map(({ encryptionKey }) => encryptionKey);
  requireFreshKeys(tree, [path.leafNode.encryptionKey, ...keys]);
  for (const key of keys) checkPublicKey(suite, key, "v304_path_key");
  checkLeafAlone(suite, path.leafNode, "commit", { groupId, leaf: sender });
  checkLeafInGroup(path.leafNode, extensions);
  const merged = withPathKeys(suite, tree, sender, steps, keys);
  const { source } = path.leafNode;
  if (source.kind !== "commit" || !equal(source.parentHash, merged.leafParentHash)) {
    throw new InvalidError("v305_path_parent_hash", "a path's leaf has another parent hash than its path");
  }
  return { sender, path, steps, tree: merged.tree.with(new Map([[nodeOfLeaf(sender), path.leafNode]])) };
}

/** RFC 9420 §12.4.2: none of a path's public keys is in the tree that it is merged into. */
function requireFreshKeys(tree: RatchetTree, keys: readonly Uint8Array[]): void {
  const seen = new KeySet();
  for (const node of tree.nodes()) if (node !== null) seen.add(node.encryptionKey);
  for (const key of keys) {
    if (!seen.add(key)) throw new InvalidError("v303_path_key_reused", "a path brings a key that is in use");
  }
}

export type DecryptedPath = { readonly privateTree: PrivateTree; readonly commitSecret: Uint8Array };

/**
 * What one member alone can tell about a path that was applied: its path secret opens and leads to the public keys.
 * `known` are the keys that still stand in the tree with the proposals applied. @throws InvalidError
 */
export function decryptPath(
  suite: CipherSuite,
  { sender, path, tree, steps }: AppliedPath,
  ownLeaf: LeafIndex,
  known: PrivateTree,
  groupContext: Uint8Array,
): DecryptedPath {
  if (ownLeaf === sender) throw new UsageError("own_path", "one's own path is not decrypted");
  const from = steps.findIndex(({ copathChild }) => isWithin(nodeOfLeaf(ownLeaf), copathChild));
  const to = steps[from]?.recipients.findIndex((at) => known.has(at)) ?? -1;
  if (to < 0) throw new InvalidError("v311_path_secret", "a path has no ciphertext that is for this member");
  const privateKey = known.get(steps[from]!.recipients[to]!)!;
  const ct = path.nodes[from]!.encryptedPathSecrets[to]!;
  let pathSecret: Uint8Array;
  try {
    pathSecret = suite.decryptWithLabel(privateKey, ENCRYPT_LABEL, groupContext, ct);
  } catch (cause) {
    if (!(cause instanceof AeadError || cause instanceof KeyError)) throw cause;
    throw new InvalidError("v311_path_secret", "a path secret does not open", { cause });
  }
  if (pathSecret.length !== suite.nh) {
    throw new InvalidError("v311_path_secret", `a path secret of ${pathSecret.length} bytes`);
  }
  const { keys, after } = matchingKeys(
    suite,
    tree,
    pathSecret,
    steps.slice(from).map(({ node }) => node),
  );
  const onPath = new Set(tree.directPath(sender));
  // Whatever was known of the sender's direct path is replaced or blank.
  const kept = [...known].filter(([at]) => !onPath.has(at));
  return { privateTree: new Map([...kept, ...keys]), commitSecret: after };
}

/** Private keys for these nodes of the tree, from the first one's path secret, which is wiped. @throws InvalidError */
function matchingKeys(
  suite: CipherSuite,
  tree: RatchetTree,
  pathSecret: Uint8Array,
  nodes: readonly NodeIndex[],
): { readonly keys: readonly (readonly [NodeIndex, Uint8Array])[]; readonly after: Uint8Array } {
  const { derived, after } = deriveUpwards(suite, pathSecret, nodes);
  wipe(...derived.map((one) => one.pathSecret));
  if (derived.some(({ node, keys }) => !equal(keys.publicKey, tree.node(node)!.encryptionKey))) {
    throw new InvalidError("v312_path_keys", "a path secret leads to other keys than the tree has");
  }
  return { keys: derived.map(({ node, keys }) => [node, keys.privateKey] as const), after };
}

export type NewcomerInput = {
  /** Of the epoch that the Welcome opens. */
  readonly tree: RatchetTree;
  readonly ownLeaf: LeafIndex;
  readonly encryptionPrivateKey: Uint8Array;
  /** The signer of the GroupInfo, who made the Commit. */
  readonly committer: LeafIndex;
  /** From the GroupSecrets; null when the Commit had no path. */
  readonly pathSecret: Uint8Array | null;
};

/**
 * What a newcomer knows (RFC 9420 §12.4.3.1): its leaf's key, and those of the path from the lowest node that it shares
 * with the committer. `pathSecret` is wiped. @throws InvalidError when the secret does not fit the tree, or is missing:
 * such a member could not follow the next Commit.
 */
export function privateTreeOfNewcomer(suite: CipherSuite, input: NewcomerInput): PrivateTree {
  const { tree, ownLeaf, committer, pathSecret } = input;
  const own = nodeOfLeaf(ownLeaf);
  const known = new Map([[own, input.encryptionPrivateKey]]);
  if (pathSecret !== null) {
    const shared = commonAncestor(own, nodeOfLeaf(committer));
    const nodes = tree.directPath(ownLeaf).filter((at) => isWithin(shared, at) && !tree.isBlank(at));
    if (pathSecret.length !== suite.nh || nodes[0] !== shared) {
      throw new InvalidError("v311_path_secret", "a Welcome's path secret belongs to no node");
    }
    const { keys, after } = matchingKeys(suite, tree, pathSecret, nodes);
    // The commit secret reaches a newcomer within the joiner secret.
    wipe(after);
    for (const [at, key] of keys) known.set(at, key);
  }
  for (const at of tree.directPath(ownLeaf)) {
    const node = tree.parent(at);
    if (node !== null && !node.unmergedLeaves.includes(ownLeaf) && !known.has(at)) {
      throw new InvalidError("v313_path_secret_missing", `a Welcome keeps back the key of node ${at}`);
    }
  }
  return known;
}
