/** One's own commit, whole before anything of it is sent (RFC 9420 §12.4.1, E21). */

import type { Rng } from "../bytes/bytes";
import type { Credential } from "./credential";
import type { Group } from "./group";
import type { Judged, ProposalReference } from "./judgeCommit";
import type { Proposal } from "./proposal";
import type { PskLookup } from "./psk";
import type { KeyPair } from "./suite";

export type CommitInput = Readonly<{
  /** By value, in this order. */
  proposals: readonly Proposal[];
  /** By reference, before those by value. */
  references?: readonly ProposalReference[];
  authenticatedData: Uint8Array;
  newLeaf?: Readonly<{ signature: KeyPair; credential: Credential }>;
  psks?: PskLookup;
  rng: Rng;
}>;

export type Staged = Readonly<{
  /** An MLSMessage with the commit in a PrivateMessage. */
  message: Uint8Array;
  /** One MLSMessage with a Welcome for all who were added, tree inside; null when nobody was. */
  welcome: Uint8Array | null;
  judged: Judged;
  /** The state when the commit is accepted. */
  next: Group;
  /** The state until then, and when it loses: its handshake key is used. */
  current: Group;
  /** Held by neither: wipe these once both are stored. */
  consumed: readonly Uint8Array[];
}>;

/** Always with a path. @throws InvalidError with the code of the rule that the proposals break */
export declare function stageCommit(group: Group, input: CommitInput): Staged;
