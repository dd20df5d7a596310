/** What to put into a Commit, so that it is valid (E14). Every plan throws RoomPlanError when it cannot be. */

import type { Proposal } from "../mls/proposal";
import type { LeafIndex } from "../mls/treeMath";
import type { JoinRequest } from "./joinRequest";
import type { RejoinRequest } from "./rejoin";
import type { Change, OpenInvite, RoomContext } from "./roomContext";
import type { Roster } from "./roster";

/** A pending Remove of its own sender, as it came over the log. */
export type Reference = {
  readonly proposal: Proposal;
  readonly ref: Uint8Array;
  readonly sender: LeafIndex;
};

/** For stageCommit. */
export type Plan = {
  readonly proposals: readonly Proposal[];
  readonly references: readonly Reference[];
};

export type Situation = {
  readonly context: RoomContext;
  readonly roster: Roster;
  readonly me: LeafIndex;
  /** This device's corrected clock (ms): open invites that have run out are cleared away by the way. */
  readonly now: number;
};

export declare function planInvite(at: Situation, invite: OpenInvite): Plan;
export declare function planWithdrawInvite(at: Situation, inviteId: Uint8Array): Plan;
export declare function planAdmit(at: Situation, request: JoinRequest): Plan;
export declare function planRename(at: Situation, title: string): Plan;
/** Commits the change where this person may, else adds their approval. Removal: `{kind: "remove", target: account}`. */
export declare function planChange(at: Situation, change: Change): Plan;
export declare function planWithdrawApproval(at: Situation, change: Change): Plan;
/** Pending leaves, and what their going entails (E14, E30). */
export declare function planLeaves(at: Situation, references: readonly Reference[]): Plan;
/** Other devices of this person, without a statement: before leaving, say. */
export declare function planRemoveOwnDevices(at: Situation, leaves: readonly LeafIndex[]): Plan;
export declare function planRevokeDevice(at: Situation, statement: Uint8Array): Plan;
export declare function planRejoin(at: Situation, request: RejoinRequest): Plan;
/** Leaves whose certificate has run out by `now` (E10). */
export declare function planExpiry(at: Situation): Plan;
export declare function planIdentity(at: Situation, chain: Uint8Array): Plan;
/** Fresh keys alone (E26). */
export declare function planUpdate(): Plan;
