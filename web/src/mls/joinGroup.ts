/** Joining by Welcome (RFC 9420 §12.4.3.1). */

import type { Group } from "./group";
import type { KeyPackageSecrets } from "./keyPackage";
import type { PskLookup } from "./psk";
import type { PreSharedKeyId } from "./pskId";
import type { CipherSuite } from "./suite";
import type { LeafIndex } from "./treeMath";

export type JoinInput = Readonly<{
  suite: CipherSuite;
  /** An MLSMessage with a Welcome. */
  welcome: Uint8Array;
  /** The KeyPackage structure, as it was published. */
  keyPackage: Uint8Array;
  secrets: KeyPackageSecrets;
  psks?: PskLookup;
  /** The encoded ratchet tree, when it is not inside the Welcome. */
  tree?: Uint8Array;
}>;

export type Joined = Readonly<{
  group: Group;
  /** Who signed the GroupInfo. */
  adder: LeafIndex;
  /** The PSKs that went into the epoch: for reinit and branch the caller compares with the group they name. */
  psks: readonly PreSharedKeyId[];
  /** Wipe these once `group` is stored: the init key among them, since a KeyPackage joins once. */
  consumed: readonly Uint8Array[];
}>;

/** The whole tree is validated; the AS check, lifetimes and whether the group is new here are the caller's. */
export declare function joinByWelcome(input: JoinInput): Joined;
