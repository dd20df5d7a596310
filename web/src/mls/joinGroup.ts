/**
 * Joining by Welcome (RFC 9420 §12.4.3.1).
 *
 *   v700  it is a Welcome                                   v707  it comes with a tree
 *   v701  of the KeyPackage's cipher suite                  v708  whoever signs its GroupInfo is in the tree
 *   v702  which names the KeyPackage                        v709  and the KeyPackage's leaf is there too
 *   v703  its secrets are as long as the suite's            v710  and is another than the signer
 *   v704  its GroupInfo's signature is its signer's         v711  a PSK that begins a group is the only such one,
 *   v706  the group is of the KeyPackage's version and            and the epoch is the first one of a commit
 *         suite
 */

import { equal, wipe } from "../bytes/bytes";
import { MLS_10 } from "./capabilities";
import { confirmEpoch } from "./completeCommit";
import { InvalidError, MlsError, UsageError } from "./errors";
import { ExtensionType, findExtension } from "./extension";
import { enterEpoch, type Group } from "./group";
import { encodeGroupContext } from "./groupContext";
import { type GroupInfo, verifyGroupInfo } from "./groupInfo";
import { decodeKeyPackage, type KeyPackage, type KeyPackageSecrets, keyPackageRef } from "./keyPackage";
import { welcomeSecret } from "./keySchedule";
import { encodeLeafNode } from "./leafNode";
import { decodeMlsMessage } from "./mlsMessage";
import { findPsks, type PskLookup, pskSecret } from "./psk";
import type { PreSharedKeyId } from "./pskId";
import type { RatchetTree } from "./ratchetTree";
import type { CipherSuite } from "./suite";
import { decodeRatchetTree } from "./treeCodec";
import { privateTreeOfNewcomer } from "./treeKem";
import type { LeafIndex } from "./treeMath";
import { checkTree } from "./treeValidation";
import { type GroupSecrets, openGroupInfo, openGroupSecrets, type Welcome } from "./welcome";

export type JoinInput = Readonly<{
  suite: CipherSuite;
  /** An MLSMessage with a Welcome. */
  welcome: Uint8Array;
  /** The KeyPackage structure, as it was published. */
  keyPackage: Uint8Array;
  secrets: KeyPackageSecrets;
  psks?: PskLookup;
  /** The encoded ratchet tree, for a Welcome that has none inside. */
  tree?: Uint8Array;
  /** A bound of the caller's on either tree, below the library's own. */
  maxLeaves?: number;
}>;

export type Joined = Readonly<{
  group: Group;
  /** Who signed the GroupInfo. */
  adder: LeafIndex;
  /** The PSKs that went into the epoch: `joinFromOrigin` compares with the group that those of reinit and branch name. */
  psks: readonly PreSharedKeyId[];
  /** Wipe these once `group` is stored: a KeyPackage joins once. */
  consumed: readonly Uint8Array[];
}>;

/**
 * The whole tree is validated. The AS check, lifetimes, and whether the client is in such a group already, are the
 * caller's.
 * @throws MlsError of the peer's fault, and UsageError for a KeyPackage that is not ours or not what it should be
 */
export function joinByWelcome(input: JoinInput): Joined {
  const { suite, secrets } = input;
  const keyPackage = ownKeyPackage(input);
  const welcome = readWelcomeMessage(input.welcome);
  const reference = keyPackageRef(suite, input.keyPackage);
  const groupSecrets = openGroupSecrets(suite, welcome, reference, secrets.initPrivateKey);
  const { joinerSecret, pathSecret, psks } = groupSecrets;
  checkPskIds(suite, psks);
  const psk = pskSecret(suite, findPsks(psks, input.psks ?? (() => undefined)));
  const groupInfo = readGroupInfo(suite, welcome, joinerSecret, psk);
  const tree = readTree(groupInfo, input);
  const ownLeaf = checkGroup(suite, groupInfo, tree, keyPackage);
  checkFirstEpoch(groupInfo, groupSecrets);

  const { context, signer } = groupInfo;
  const contextBytes = encodeGroupContext(context);
  const { secrets: epochSecrets, confirmationTag } = confirmEpoch(
    suite,
    joinerSecret,
    psk,
    contextBytes,
    context.confirmedTranscriptHash,
  );
  wipe(joinerSecret, psk);
  if (!equal(confirmationTag, groupInfo.confirmationTag)) {
    throw new InvalidError("confirmation_tag", "a GroupInfo's confirmation tag is wrong");
  }
  const privateTree = privateTreeOfNewcomer(suite, {
    tree,
    ownLeaf,
    encryptionPrivateKey: secrets.encryptionPrivateKey,
    committer: signer,
    pathSecret,
  });
  const group = enterEpoch({
    suite,
    context,
    contextBytes,
    tree,
    confirmationTag,
    reinit: null,
    ownLeaf,
    signaturePrivateKey: secrets.signaturePrivateKey.slice(),
    privateTree,
    epochSecrets,
  });
  return { group, adder: signer, psks, consumed: [secrets.initPrivateKey] };
}

function ownKeyPackage({ suite, keyPackage: bytes, secrets }: JoinInput): KeyPackage {
  let keyPackage: KeyPackage;
  try {
    keyPackage = decodeKeyPackage(bytes);
  } catch (cause) {
    if (!(cause instanceof MlsError)) throw cause;
    throw new UsageError("key_package", "the KeyPackage to join with is none", { cause });
  }
  const signatureKey = suite.signaturePublicKey(secrets.signaturePrivateKey);
  if (keyPackage.suite !== suite.id || !equal(signatureKey, keyPackage.leafNode.signatureKey)) {
    throw new UsageError("key_package", "the KeyPackage to join with has another suite or other keys");
  }
  return keyPackage;
}

function readWelcomeMessage(message: Uint8Array): Welcome {
  const decoded = decodeMlsMessage(message);
  if (decoded.type !== "welcome") {
    throw new InvalidError("v700_not_a_welcome", `a ${decoded.type} where a Welcome belongs`);
  }
  return decoded.welcome;
}

/** A PSK for a ReInit or a branch (RFC 9420 §11.2, §11.3). */
export type BeginningPsk = Extract<PreSharedKeyId, { kind: "resumption" }> &
  Readonly<{ usage: "reinit" | "branch" }>;

export function beginsGroup(id: PreSharedKeyId): id is BeginningPsk {
  return id.kind === "resumption" && id.usage !== "application";
}

function checkPskIds(suite: CipherSuite, psks: readonly PreSharedKeyId[]): void {
  if (psks.some(({ nonce }) => nonce.length !== suite.nh)) {
    throw new InvalidError("v509_psk_nonce", "a PSK's nonce is not as long as a hash");
  }
  if (psks.filter(beginsGroup).length > 1) {
    throw new InvalidError("v711_psk_usage", "two PSKs that begin a group");
  }
}

function checkFirstEpoch({ context }: GroupInfo, { psks }: GroupSecrets): void {
  // RFC 9420 §11.2, §11.3: a group that is branched or reinitialised is joined at its first commit.
  if (psks.some(beginsGroup) && context.epoch !== 1n) {
    throw new InvalidError("v711_psk_usage", `a PSK that begins a group, in epoch ${context.epoch}`);
  }
}

function readGroupInfo(
  suite: CipherSuite,
  welcome: Welcome,
  joinerSecret: Uint8Array,
  psk: Uint8Array,
): GroupInfo {
  const secret = welcomeSecret(suite, joinerSecret, psk);
  const groupInfo = openGroupInfo(suite, welcome, secret);
  wipe(secret);
  const { context } = groupInfo;
  if (context.version !== MLS_10 || context.suite !== suite.id) {
    throw new InvalidError("v706_group_suite", "a Welcome to a group of another version or cipher suite");
  }
  return groupInfo;
}

/**
 * The tree inside, else the one that came beside: the tree hash says whether it is the right one. One of more leaves is
 * left at the first node too many, so that nothing is made of the rest.
 */
function readTree({ extensions }: GroupInfo, { tree, maxLeaves }: JoinInput): RatchetTree {
  const inside = findExtension(extensions, ExtensionType.ratchetTree)?.data ?? tree;
  if (inside === undefined) throw new InvalidError("v707_tree_missing", "a Welcome comes without a tree");
  return decodeRatchetTree(inside, maxLeaves);
}

/** The GroupInfo's signature, the whole tree, and the own leaf in it. */
function checkGroup(
  suite: CipherSuite,
  groupInfo: GroupInfo,
  tree: RatchetTree,
  { leafNode }: KeyPackage,
): LeafIndex {
  const { context, signer } = groupInfo;
  const signerLeaf = tree.leaf(signer);
  if (signerLeaf === null) {
    throw new InvalidError("v708_signer", `a GroupInfo is signed by the blank leaf ${signer}`);
  }
  verifyGroupInfo(suite, groupInfo, signerLeaf.signatureKey);
  checkTree(suite, tree, context);
  const own = encodeLeafNode(leafNode);
  const found = tree.members().find(({ node }) => equal(encodeLeafNode(node), own));
  if (found === undefined) {
    throw new InvalidError("v709_not_in_tree", "a Welcome's tree does not have the KeyPackage's leaf");
  }
  if (found.leaf === signer) throw new InvalidError("v710_own_signature", "a Welcome from oneself");
  return found.leaf;
}
