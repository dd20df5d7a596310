/**
 * What needs several accounts, and how many (E14).
 *
 * Removing another account, and changing policy, charter or founder, needs the founder; or half of the other accounts and
 * at least two, each approving in a Commit of its own. "Other" means: all but the one to be removed; for the rest, all but
 * the founder. Every account has one vote, however many devices it has, and only accounts that are here count.
 *
 * A founder who is gone is founder no more (`settled`): the others decide together from then on, and may name another.
 *
 * Two people: the founder may remove the other; the other may not remove the founder, since nobody else could agree. Where
 * the founder has left, neither may remove the other. Each may always leave. So no single member can take a room over by
 * removing the only other one, and whoever wants to be rid of somebody without the group's consent begins a new room.
 */

import { equal } from "../bytes/bytes";
import { approversOf, type Change, type RoomContext } from "./roomContext";
import { accountsOf, includes, type Roster } from "./roster";

const LEAST_APPROVALS = 2;

/** Whose approval counts. */
export function votersOn(context: RoomContext, roster: Roster, change: Change): readonly Uint8Array[] {
  const accounts = accountsOf(roster);
  switch (change.kind) {
    case "remove":
      return accounts.filter((account) => !equal(account, change.target));
    case "invite":
      return accounts;
    default:
      return accounts.filter((account) => !equal(account, context.founder));
  }
}

/** How many accounts must approve, the one that commits the change among them. */
export function approvalsNeeded(context: RoomContext, roster: Roster, change: Change): number {
  const voters = votersOn(context, roster, change).length;
  // Policy may ask for more people than there are: then everybody.
  if (change.kind === "invite") return Math.min(context.policy.admitApprovals, voters);
  return Math.max(LEAST_APPROVALS, Math.ceil(voters / 2));
}

/** Those who have approved and whose approval counts, with these as well. */
export function approvals(
  context: RoomContext,
  roster: Roster,
  change: Change,
  also: readonly Uint8Array[],
): readonly Uint8Array[] {
  const said = [...approversOf(context, change), ...also];
  return votersOn(context, roster, change).filter((account) => includes(said, account));
}

/** Whether this account, by what the room agreed on before, may commit the change now. */
export function mayCommit(
  context: RoomContext,
  roster: Roster,
  change: Exclude<Change, { kind: "invite" }>,
  account: Uint8Array,
): boolean {
  if (equal(account, context.founder)) return true;
  return approvals(context, roster, change, [account]).length >= approvalsNeeded(context, roster, change);
}

/** Whether an open invite admits: its inviter has approved by making it. */
export function inviteAdmits(
  context: RoomContext,
  roster: Roster,
  invite: { readonly id: Uint8Array; readonly inviter: Uint8Array },
): boolean {
  const change = { kind: "invite", target: invite.id } as const;
  return (
    approvals(context, roster, change, [invite.inviter]).length >= approvalsNeeded(context, roster, change)
  );
}
