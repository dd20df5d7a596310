/** From a judged commit to the next epoch: what takes private keys (RFC 9420 §12.4.2, E18). */

import type { Group } from "./group";
import type { Judged } from "./judgeCommit";
import type { PskLookup } from "./psk";

export type Completed = Readonly<{
  next: Group;
  /** Wipe these once `next` is stored. */
  consumed: readonly Uint8Array[];
}>;

/**
 * @throws InvalidError path_secret, confirmation_tag, psk_missing, …: valid for all, yet this member cannot follow
 * @throws UsageError removed, when the commit removes this member
 */
export declare function completeCommit(group: Group, judged: Judged, psks?: PskLookup): Completed;
