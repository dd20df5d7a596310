/** A member's whole view of a group in one epoch (RFC 9420 §8, §11). Immutable: every change is a new value. */

import type { Rng } from "../bytes/bytes";
import type { Credential } from "./credential";
import type { Extension } from "./extension";
import type { GroupContext } from "./groupContext";
import type { EpochSecrets } from "./keySchedule";
import type { LeafNode } from "./leafNode";
import type { PrivateTree } from "./privateTree";
import type { ReInit } from "./proposal";
import type { RatchetTree } from "./ratchetTree";
import type { SecretTree } from "./secretTree";
import type { CipherSuite, KeyPair } from "./suite";
import type { LeafIndex } from "./treeMath";

export type Group = Readonly<{
  suite: CipherSuite;
  context: GroupContext;
  /** `context` encoded, once for the epoch: every signature covers it. */
  contextBytes: Uint8Array;
  tree: RatchetTree;
  ownLeaf: LeafIndex;
  signaturePrivateKey: Uint8Array;
  privateTree: PrivateTree;
  secrets: Omit<EpochSecrets, "encryption">;
  secretTree: SecretTree;
  confirmationTag: Uint8Array;
  interimTranscriptHash: Uint8Array;
  /** Set by a committed ReInit: this group sends nothing more (RFC 9420 §12.4.2). */
  reinit: ReInit | null;
}>;

export type GroupFounding = Readonly<{
  suite: CipherSuite;
  groupId: Uint8Array;
  signature: KeyPair;
  credential: Credential;
  /** The lifetime of the founder's leaf, in seconds since 1970. */
  notBefore: bigint;
  notAfter: bigint;
  extensions: readonly Extension[];
  rng: Rng;
}>;

export type Member = Readonly<{ leaf: LeafIndex; node: LeafNode }>;

export declare function createGroup(founding: GroupFounding): Group;
export declare function members(group: Group): readonly Member[];
export declare function groupId(group: Group): Uint8Array;
export declare function epoch(group: Group): bigint;
export declare function extensions(group: Group): readonly Extension[];
export declare function treeHash(group: Group): Uint8Array;
export declare function groupContextBytes(group: Group): Uint8Array;
export declare function epochAuthenticator(group: Group): Uint8Array;
export declare function confirmationTag(group: Group): Uint8Array;
export declare function resumptionPsk(group: Group): Uint8Array;
export declare function exportSecret(
  group: Group,
  label: string,
  context: Uint8Array,
  length: number,
): Uint8Array;
/** Every secret of `before` that `after` does not hold: what must be wiped once `after` is stored. */
export declare function supersededSecrets(before: Group, after: Group | null): Uint8Array[];
