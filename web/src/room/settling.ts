/** What a change to the people of a room entails in its context: computed alike by who plans a Commit and who judges it. */

import { equal } from "../bytes/bytes";
import { NOBODY, type Pending, type RoomContext, withInvites, withPending } from "./roomContext";
import { includes } from "./roster";

export type Going = {
  /** Accounts of which no leaf is left. */
  readonly gone: readonly Uint8Array[];
  /** E30: an account was taken out, or a revoked device: every open invite is void. */
  readonly voids: boolean;
};

export const NOBODY_GOES: Going = { gone: [], voids: false };

/** The context without what cannot stay: void invites, approvals by, or about, who is gone, and their founder's rights. */
export function settled(context: RoomContext, { gone, voids }: Going): RoomContext {
  const open = voids ? withInvites(context, []) : context;
  // Else a founder whom the group removed would be one again by any member's invite.
  const kept = includes(gone, open.founder) ? { ...open, founder: NOBODY } : open;
  const pending = kept.pending.flatMap((one) => settledPending(kept, one, gone));
  return withPending(kept, pending);
}

function settledPending(
  context: RoomContext,
  pending: Pending,
  gone: readonly Uint8Array[],
): readonly Pending[] {
  switch (pending.kind) {
    case "remove":
    case "founder":
      if (includes(gone, pending.target)) return [];
      break;
    case "invite":
      if (!context.invites.some(({ id }) => equal(id, pending.target))) return [];
  }
  const approvers = pending.approvers.filter((account) => !includes(gone, account));
  return approvers.length === 0 ? [] : [{ ...pending, approvers }];
}
