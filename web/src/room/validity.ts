/** Whether a Commit is valid in a room (E14). */

import type { Judged } from "../mls/judgeCommit";
import type { RoomChange } from "./change";
import type { RoomContext } from "./roomContext";
import type { Roster } from "./roster";

export type Judging = {
  readonly roomId: Uint8Array;
  readonly deploymentId: Uint8Array;
  /** The room context, and who sat where, before the Commit. */
  readonly before: RoomContext;
  readonly roster: Roster;
  readonly judged: Judged;
  /** Of the log entry (ms); before sending, this device's own corrected clock (E10). */
  readonly stamp: number;
};

/** @throws RoomRuleError for a Commit that everyone skips (E18) */
export declare function judgeRoomCommit(judging: Judging): RoomChange;

/** How many accounts must approve a change, the one who commits it among them (E14). */
export declare function approvalsNeeded(
  context: RoomContext,
  roster: Roster,
  change: import("./roomContext").Change,
): number;
