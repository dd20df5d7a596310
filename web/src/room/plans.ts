/**
 * What to put into a Commit, so that it is valid (E14). A plan is made from what the room agrees on now; whether it still
 * makes sense after another Commit has won, the caller asks by planning again (E21). Each throws RoomPlanError when what
 * the person wants is not theirs to do, or not possible.
 */

import { equal } from "../bytes/bytes";
import { expired, obsolete } from "../identity/authService";
import { readRevocation, revokes } from "../identity/certificate";
import type { LeafIdentity } from "../identity/credential";
import type { KeyPackage } from "../mls/keyPackage";
import type { Proposal } from "../mls/proposal";
import type { LeafIndex } from "../mls/treeMath";
import { mayCommit } from "./authority";
import { CLOCK_TOLERANCE, MAX_APPROVALS_EACH, MAX_INVITES_EACH } from "./contextRules";
import { RoomPlanError } from "./errors";
import type { JoinRequest } from "./joinRequest";
import type { RejoinRequest } from "./rejoin";
import {
  approversOf,
  type Change,
  encodeRoomContext,
  type Grounds,
  MAX_INVITES,
  MAX_PENDING,
  type OpenInvite,
  type RoomContext,
  roomExtensions,
  withApprovers,
  withInvites,
  withRevocation,
} from "./roomContext";
import { accountsOf, hasAccount, includes, leafOfDevice, leavesOf, type Roster } from "./roster";
import { NOBODY_GOES, settled } from "./settling";
import { isTitle } from "./text";

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

// Whoever asked to be let in

export function planAdmit(at: Situation, request: JoinRequest): Plan {
  const { context } = at;
  const used = context.invites.find(({ id }) => equal(id, request.inviteId));
  if (used === undefined) throw new RoomPlanError("invite_unknown", "there is no such open invite any more");
  if (used.notAfter < at.now || request.notAfter < at.now) {
    throw new RoomPlanError("invite_expired", "the invite or the request has run out");
  }
  if (hasAccount(at.roster, request.account))
    throw new RoomPlanError("already_here", "they are here already");
  const after = withInvites(
    context,
    context.invites.filter((one) => one !== used),
  );
  return withGrounds(at, settled(after, NOBODY_GOES), { kind: "join", request: request.bytes }, [
    add(request.keyPackage),
  ]);
}

export function planRejoin(at: Situation, request: RejoinRequest): Plan {
  if (!hasAccount(at.roster, request.identity.accountId)) {
    throw new RoomPlanError("not_here", "the account is not in the room");
  }
  const old = leafOfDevice(at.roster, request.device);
  if (old === at.me) throw new RoomPlanError("own_leaf", "another device must answer this");
  const grounds: Grounds = { kind: "rejoin", request: request.bytes };
  const removes = old === null ? [] : [remove(old)];
  return withGrounds(at, at.context, grounds, [...removes, add(request.keyPackage)]);
}

// Invites

export function planInvite(at: Situation, invite: OpenInvite): Plan {
  const { context } = cleared(at);
  const own = context.invites.filter(({ inviter }) => equal(inviter, invite.inviter));
  if (own.length >= MAX_INVITES_EACH || context.invites.length >= MAX_INVITES) {
    throw new RoomPlanError("too_many_invites", "too many invites are open");
  }
  return change(at, withInvites(context, [...context.invites, invite]));
}

export function planWithdrawInvite(at: Situation, inviteId: Uint8Array): Plan {
  const { context } = at;
  const invite = context.invites.find(({ id }) => equal(id, inviteId));
  if (invite === undefined)
    throw new RoomPlanError("invite_unknown", "there is no such open invite any more");
  const { accountId } = own(at);
  if (!equal(invite.inviter, accountId) && !equal(context.founder, accountId)) {
    throw new RoomPlanError("invite_not_yours", "an invite is its inviter's to withdraw, or the founder's");
  }
  const kept = context.invites.filter((one) => one !== invite);
  return change(at, settled(withInvites(context, kept), NOBODY_GOES));
}

// What the room agrees on

export function planRename(at: Situation, title: string): Plan {
  if (!isTitle(title)) throw new RoomPlanError("title", "not a title");
  if (title === at.context.title) throw new RoomPlanError("nothing_to_do", "that is its title");
  return change(at, { ...at.context, title });
}

/** Commits the change where this person may, else adds their approval. Removal: `{kind: "remove", target: account}`. */
export function planChange(at: Situation, wanted: Change): Plan {
  const { context, roster } = at;
  const { accountId } = own(at);
  checkPossible(at, wanted, accountId);
  if (wanted.kind !== "invite" && mayCommit(context, roster, wanted, accountId)) return enact(at, wanted);
  const approvers = approversOf(context, wanted);
  if (includes(approvers, accountId))
    throw new RoomPlanError("already_approved", "approved by this person already");
  const mine = context.pending.filter((one) => includes(one.approvers, accountId));
  if (
    mine.length >= MAX_APPROVALS_EACH ||
    (approvers.length === 0 && context.pending.length >= MAX_PENDING)
  ) {
    throw new RoomPlanError("too_many_approvals", "too many approvals are open");
  }
  return change(at, withApprovers(context, wanted, [...approvers, accountId]));
}

export function planWithdrawApproval(at: Situation, wanted: Change): Plan {
  const { accountId } = own(at);
  const approvers = approversOf(at.context, wanted);
  if (!includes(approvers, accountId)) throw new RoomPlanError("not_approved", "not approved by this person");
  const rest = approvers.filter((one) => !equal(one, accountId));
  return change(at, withApprovers(at.context, wanted, rest));
}

function checkPossible({ context, roster }: Situation, wanted: Change, account: Uint8Array): void {
  switch (wanted.kind) {
    case "remove":
      if (equal(wanted.target, account))
        throw new RoomPlanError("yourself", "one leaves, and removes others");
      if (!hasAccount(roster, wanted.target)) throw new RoomPlanError("not_here", "they are not in the room");
      break;
    case "founder":
      if (!hasAccount(roster, wanted.target)) throw new RoomPlanError("not_here", "they are not in the room");
      if (equal(wanted.target, context.founder))
        throw new RoomPlanError("nothing_to_do", "they are it already");
      break;
    case "invite": {
      const invite = context.invites.find(({ id }) => equal(id, wanted.target));
      if (invite === undefined) throw new RoomPlanError("invite_unknown", "there is no such open invite");
      if (equal(invite.inviter, account)) throw new RoomPlanError("nothing_to_do", "approved by making it");
      break;
    }
    case "policy":
      if (wanted.policy.admitApprovals === context.policy.admitApprovals) {
        throw new RoomPlanError("nothing_to_do", "that is the policy");
      }
      break;
    case "charter":
      if (context.charterHash !== null && equal(wanted.hash, context.charterHash)) {
        throw new RoomPlanError("nothing_to_do", "that is the charter");
      }
  }
}

function enact(at: Situation, wanted: Exclude<Change, { kind: "invite" }>): Plan {
  const context = withApprovers(at.context, wanted, []);
  switch (wanted.kind) {
    case "remove":
      return going(at, leavesOf(at.roster, wanted.target), []);
    case "founder":
      return change(at, { ...context, founder: wanted.target });
    case "policy":
      return change(at, { ...context, policy: wanted.policy });
    case "charter":
      return change(at, { ...context, charterHash: wanted.hash });
  }
}

// Who goes

/** Pending leaves, and what their going entails (E14, E30). */
export function planLeaves(at: Situation, references: readonly Reference[]): Plan {
  if (references.length === 0) throw new RoomPlanError("nothing_to_do", "nobody leaves");
  return going(at, [], references);
}

/** Other devices of this person, without a statement: before leaving, say. */
export function planRemoveOwnDevices(at: Situation, leaves: readonly LeafIndex[]): Plan {
  const { accountId } = own(at);
  const mine = leavesOf(at.roster, accountId).filter((leaf) => leaf !== at.me);
  if (leaves.length === 0 || !leaves.every((leaf) => mine.includes(leaf))) {
    throw new RoomPlanError("not_your_device", "not another device of this person");
  }
  return going(at, leaves, []);
}

/** A device is lost: its person's statement takes it out (E9). */
export function planRevokeDevice(at: Situation, statement: Uint8Array): Plan {
  const revocation = readRevocation(statement);
  const leaves = [...at.roster].filter(([, who]) => revokes(revocation, who)).map(([leaf]) => leaf);
  if (leaves.length === 0) throw new RoomPlanError("not_here", "the device is not in the room");
  if (leaves.includes(at.me)) throw new RoomPlanError("own_leaf", "another device must do this");
  return grounded(at, leaves, { kind: "revocation", statement }, (context) =>
    withRevocation(context, statement),
  );
}

/** Leaves whose certificate has run out by `now` (E10). */
export function planExpiry(at: Situation): Plan {
  const due = ([leaf, who]: readonly [LeafIndex, LeafIdentity]) => leaf !== at.me && expired(who, at.now);
  const leaves = [...at.roster].filter(due).map(([leaf]) => leaf);
  if (leaves.length === 0) throw new RoomPlanError("nothing_to_do", "no certificate has run out");
  return grounded(at, leaves, { kind: "expiry" }, (context) => context);
}

/** All devices under an identity key that a higher statement has superseded (E9). */
export function planIdentity(at: Situation, chain: Uint8Array): Plan {
  const leaves = [...at.roster].filter(([, who]) => obsolete(who, chain)).map(([leaf]) => leaf);
  if (leaves.length === 0) throw new RoomPlanError("nothing_to_do", "the statement supersedes nobody here");
  if (leaves.includes(at.me)) throw new RoomPlanError("own_leaf", "another device must do this");
  return grounded(at, leaves, { kind: "identity", chain }, (context) => context);
}

/** Fresh keys alone (E26). */
export const planUpdate = (): Plan => ({ proposals: [], references: [] });

// What plans are made of

const add = (keyPackage: KeyPackage): Proposal => ({ type: "add", keyPackage });
const remove = (removed: LeafIndex): Proposal => ({ type: "remove", removed });

function own({ roster, me }: Situation): LeafIdentity {
  const identity = roster.get(me);
  if (identity === undefined) throw new RoomPlanError("not_here", "this device is not in the room");
  return identity;
}

/** Without open invites that have run out. Others' clocks may be behind: what is just over stays a while. */
function cleared(at: Situation): Situation {
  const open = at.context.invites.filter(({ notAfter }) => notAfter + CLOCK_TOLERANCE >= at.now);
  if (open.length === at.context.invites.length) return at;
  return { ...at, context: settled(withInvites(at.context, open), NOBODY_GOES) };
}

function extensionsOf(after: RoomContext): Proposal {
  return { type: "group_context_extensions", extensions: roomExtensions(after) };
}

/** A change of the context on one's own authority. */
function change(at: Situation, after: RoomContext): Plan {
  const { context } = cleared({ ...at, context: { ...after, grounds: null } });
  return { proposals: [extensionsOf(context)], references: [] };
}

/** Removes by value, and leaves. A leave replaces any Remove by value of its leaf (E14). */
function going(at: Situation, leaves: readonly LeafIndex[], references: readonly Reference[]): Plan {
  const byValue = leaves.filter((leaf) => !references.some(({ sender }) => sender === leaf));
  const removes = byValue.map(remove);
  const gone = goneWithout(at.roster, [...byValue, ...references.map(({ sender }) => sender)]);
  const after = { ...settled(at.context, { gone, voids: gone.length > 0 }), grounds: null };
  // Without a change the context stays as it is, and with it the grounds of an earlier Commit: they mean nothing now.
  const same = equal(encodeRoomContext(after), encodeRoomContext({ ...at.context, grounds: null }));
  return { proposals: same ? removes : [...removes, extensionsOf(after)], references };
}

function grounded(
  at: Situation,
  leaves: readonly LeafIndex[],
  grounds: Grounds,
  alter: (context: RoomContext) => RoomContext,
): Plan {
  const gone = goneWithout(at.roster, leaves);
  // E30: a revoked device or a superseded identity voids all open invites; expiry does not.
  const after = settled(alter(at.context), { gone, voids: grounds.kind !== "expiry" });
  return withGrounds(at, after, grounds, leaves.map(remove));
}

function withGrounds(
  at: Situation,
  after: RoomContext,
  grounds: Grounds,
  proposals: readonly Proposal[],
): Plan {
  const { context } = cleared({ ...at, context: after });
  return { proposals: [...proposals, extensionsOf({ ...context, grounds })], references: [] };
}

function goneWithout(roster: Roster, leaves: readonly LeafIndex[]): readonly Uint8Array[] {
  const after = new Map([...roster].filter(([leaf]) => !leaves.includes(leaf)));
  return accountsOf(roster).filter((account) => !hasAccount(after, account));
}
