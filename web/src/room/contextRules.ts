/** Changes of the room context in a Commit that rests on nothing but its author's authority (E13, E14, E28, E30). */

import { equal } from "../bytes/bytes";
import { isPublicKey } from "../mls/ed25519";
import { mayCommit } from "./authority";
import type { Happening } from "./change";
import { RoomRuleError } from "./errors";
import { INVITE_LIFETIME } from "./invites";
import {
  approversOf,
  type Change,
  encodeChange,
  encodeRoomContext,
  type OpenInvite,
  type Pending,
  type RoomContext,
  withApprovers,
  withInvites,
} from "./roomContext";
import { hasAccount, includes, type Roster } from "./roster";
import { type Going, settled } from "./settling";

/** How far an inviter's clock may be ahead of the stamps (ms): beyond ten minutes a device says that it is off (E10). */
export const CLOCK_TOLERANCE = 10 * 60_000;
/** As many as the server mints tokens for one account. */
export const MAX_INVITES_EACH = 20;
export const MAX_APPROVALS_EACH = 8;

export type ContextCase = {
  readonly before: RoomContext;
  readonly after: RoomContext;
  readonly roster: Roster;
  readonly rosterAfter: Roster;
  /** The committer's account. */
  readonly account: Uint8Array;
  readonly stamp: number;
  readonly going: Going;
};

/** @throws RoomRuleError */
export function judgeContext(at: ContextCase): readonly Happening[] {
  checkFixed(at);
  const what: Happening[] = [];
  // Title: any member's.
  if (at.after.title !== at.before.title) {
    what.push({ kind: "renamed", from: at.before.title, to: at.after.title });
  }
  const enacted = enactedChanges(at);
  for (const change of enacted) {
    if (!mayCommit(at.before, at.roster, change, at.account)) {
      throw new RoomRuleError("E14", "approvals", `${change.kind} needs the founder or more approvals`);
    }
    what.push(happeningOf(change));
  }
  what.push(...judgeInvites(at), ...judgePending(at, enacted));
  return what;
}

/** E13: kind and parent never change. Guests are for cases; revocations come by their statements alone. */
function checkFixed({ before, after }: ContextCase): void {
  const same = { ...before, title: after.title, policy: after.policy, charterHash: after.charterHash };
  const free = {
    founder: after.founder,
    invites: after.invites,
    pending: after.pending,
    grounds: after.grounds,
  };
  if (!equal(encodeRoomContext({ ...same, ...free }), encodeRoomContext(after))) {
    throw new RoomRuleError("E13", "fixed", "kind, parent, guests or revocations were changed");
  }
}

type Enacted = Exclude<Change, { kind: "invite" } | { kind: "remove" }>;

function enactedChanges({ before, after, rosterAfter, going }: ContextCase): readonly Enacted[] {
  const out: Enacted[] = [];
  if (before.policy.admitApprovals !== after.policy.admitApprovals) {
    out.push({ kind: "policy", policy: after.policy });
  }
  if (after.charterHash === null) {
    if (before.charterHash !== null)
      throw new RoomRuleError("E14", "charter", "a charter is replaced, not dropped");
  } else if (before.charterHash === null || !equal(before.charterHash, after.charterHash)) {
    out.push({ kind: "charter", hash: after.charterHash });
  }
  if (!equal(settled(before, going).founder, after.founder)) {
    if (!hasAccount(rosterAfter, after.founder)) {
      throw new RoomRuleError("E14", "founder_absent", "the new founder is not in the room");
    }
    out.push({ kind: "founder", target: after.founder });
  }
  return out;
}

function happeningOf(change: Enacted): Happening {
  switch (change.kind) {
    case "policy":
      return change;
    case "charter":
      return change;
    case "founder":
      return { kind: "founder", account: change.target };
  }
}

// Invites

function judgeInvites(at: ContextCase): readonly Happening[] {
  const { before, after, account, stamp, going } = at;
  const what: Happening[] = [];
  // E30
  if (going.voids && after.invites.length > 0) {
    throw new RoomRuleError("E30", "invites_not_void", "somebody was taken out, and invites stay open");
  }
  for (const invite of before.invites) {
    const still = after.invites.find(({ id }) => equal(id, invite.id));
    if (still === undefined) {
      what.push({ kind: "invite_withdrawn", inviteId: invite.id, why: whyWithdrawn(at, invite) });
    } else if (!sameInvite(invite, still)) {
      throw new RoomRuleError("E28", "invite_changed", "an open invite was changed");
    }
  }
  for (const invite of after.invites) {
    if (before.invites.some(({ id }) => equal(id, invite.id))) continue;
    if (!equal(invite.inviter, account)) {
      throw new RoomRuleError("E28", "invite_inviter", "an invite in another person's name");
    }
    if (invite.notAfter <= stamp || invite.notAfter > stamp + INVITE_LIFETIME + CLOCK_TOLERANCE) {
      throw new RoomRuleError("E28", "invite_lifetime", "an invite is open for 72 hours at most");
    }
    if (!isPublicKey(invite.joinKey)) throw new RoomRuleError("E28", "invite_key", "the join key is none");
    what.push({ kind: "invited", inviteId: invite.id });
  }
  if (after.invites.filter(({ inviter }) => equal(inviter, account)).length > MAX_INVITES_EACH) {
    throw new RoomRuleError("E28", "invite_count", "too many open invites of one person");
  }
  return what;
}

function whyWithdrawn(
  { before, account, stamp, going }: ContextCase,
  invite: OpenInvite,
): "void" | "expired" | "withdrawn" {
  if (going.voids) return "void";
  if (invite.notAfter < stamp) return "expired";
  if (equal(invite.inviter, account) || equal(before.founder, account)) return "withdrawn";
  throw new RoomRuleError(
    "E28",
    "invite_not_theirs",
    "an invite is its inviter's to withdraw, or the founder's",
  );
}

const INVITE_FIELDS = ["id", "inviter", "joinKey", "welcomeKey", "sealKey"] as const;

function sameInvite(a: OpenInvite, b: OpenInvite): boolean {
  return (
    a.role === b.role &&
    a.notAfter === b.notAfter &&
    INVITE_FIELDS.every((field) => equal(a[field], b[field]))
  );
}

// Approvals

/** E14: in a Commit, an account adds or takes back its own approvals, and nobody else's. */
function judgePending(at: ContextCase, enacted: readonly Enacted[]): readonly Happening[] {
  const { before, after, account, going } = at;
  const open = settled(withInvites(before, after.invites), going);
  // What was done is pending no more.
  const expected = enacted.reduce((context, change) => withApprovers(context, change, []), open);
  const what: Happening[] = [];
  for (const one of after.pending) {
    const had = approversOf(expected, one);
    checkOthersApprovals(account, had, one.approvers);
    if (includes(had, account) === includes(one.approvers, account)) continue;
    if (includes(had, account)) {
      what.push(approval("withdrawn", one));
    } else {
      checkApprovable(at, one);
      what.push(approval(had.length === 0 ? "proposed" : "approved", one));
    }
  }
  for (const one of expected.pending) {
    if (after.pending.some((other) => equal(encodeChange(other), encodeChange(one)))) continue;
    checkOthersApprovals(account, one.approvers, []);
    what.push(approval("withdrawn", one));
  }
  if (after.pending.filter(({ approvers }) => includes(approvers, account)).length > MAX_APPROVALS_EACH) {
    throw new RoomRuleError("E14", "approval_count", "too many open approvals of one person");
  }
  return what;
}

function checkOthersApprovals(
  account: Uint8Array,
  had: readonly Uint8Array[],
  has: readonly Uint8Array[],
): void {
  const others = (accounts: readonly Uint8Array[]) => accounts.filter((one) => !equal(one, account));
  const before = others(had);
  const after = others(has);
  if (before.length !== after.length || !before.every((one) => includes(after, one))) {
    throw new RoomRuleError("E14", "approval_forged", "an approval was given or taken in another's name");
  }
}

/** Whether this is something that this account can approve at all. */
function checkApprovable({ after, rosterAfter, account }: ContextCase, change: Pending): void {
  const possible = ((): boolean => {
    switch (change.kind) {
      case "remove":
        return hasAccount(rosterAfter, change.target) && !equal(change.target, account);
      case "founder":
        return hasAccount(rosterAfter, change.target) && !equal(change.target, after.founder);
      case "invite":
        return after.invites.some(({ id, inviter }) => equal(id, change.target) && !equal(inviter, account));
      case "policy":
        return change.policy.admitApprovals !== after.policy.admitApprovals;
      case "charter":
        return after.charterHash === null || !equal(after.charterHash, change.hash);
    }
  })();
  if (!possible)
    throw new RoomRuleError("E14", "approval_void", "nothing there that this account could approve");
}

function approval(what: "proposed" | "approved" | "withdrawn", change: Change): Happening {
  return change.kind === "remove"
    ? { kind: `removal_${what}`, target: change.target }
    : { kind: `change_${what}`, change };
}
