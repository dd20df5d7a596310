/**
 * Whether a Commit is valid in a room (E14): a function of the tree and GroupContext before it, its stamp, and the Commit
 * alone. Whoever has these answers alike, so an invalid Commit is skipped by all (E18).
 *
 * MLS has judged it before (`judgeCommit`). What follows here, in order:
 *
 *   1. only Add, Remove and GroupContextExtensions by value; by reference only a Remove of its own sender
 *   2. the extensions are exactly those of a room (E13), and the Adds at most 32 (E26)
 *   3. each added leaf and the path's leaf: AS check, lifetimes at the stamp, capabilities (E9, E10, E13)
 *   4. all leaves together: one leaf for a device, one identity key for an account
 *   5. with grounds: they carry exactly these Adds and Removes, and change exactly what is theirs in the context
 *   6. without: no Add, Removes and changes of the context by the committer's authority
 *   7. in both: what the going of people entails in the context has happened (E30)
 */

import { equal } from "../bytes/bytes";
import type { LeafIdentity } from "../identity/credential";
import { MlsError } from "../mls/errors";
import type { Judged } from "../mls/judgeCommit";
import type { LeafIndex } from "../mls/treeMath";
import { mayCommit } from "./authority";
import type { Happening, RoomChange } from "./change";
import { judgeContext } from "./contextRules";
import { RoomDataError, RoomRuleError } from "./errors";
import { type Added, type Granted, judgeGrounds } from "./grounds";
import { checkAddedLeaf, checkPathLeaf } from "./leafRules";
import { approversOf, encodeRoomContext, type RoomContext, readRoomExtensions } from "./roomContext";
import { accountsOf, checkTogether, hasAccount, includes, leavesOf, type Roster } from "./roster";
import { NOBODY_GOES, settled } from "./settling";

export { approvalsNeeded } from "./authority";

export const MAX_ADDS = 32; // E26

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

/** @throws RoomRuleError for a Commit that everyone skips (E18), and nothing else for what a peer can cause */
export function judgeRoomCommit(judging: Judging): RoomChange {
  try {
    return judge(judging);
  } catch (cause) {
    // A credential, statement or structure inside it that does not hold breaks the Commit around it.
    if (cause instanceof RoomDataError) throw new RoomRuleError("E14", cause.code, cause.message, { cause });
    if (cause instanceof MlsError && cause.fault === "peer") {
      throw new RoomRuleError("E9", cause.code, cause.message, { cause });
    }
    throw cause;
  }
}

function judge(judging: Judging): RoomChange {
  const { before, roster, judged } = judging;
  const committer = roster.get(judged.committer);
  if (committer === undefined)
    throw new RoomRuleError("E14", "committer", "the committer is not in the room");
  const { removes, leaves, bringsExtensions } = sortProposals(judged);
  const after = bringsExtensions ? readRoomExtensions(judged.extensionsAfter) : before;
  const grounds = bringsExtensions ? after.grounds : null;
  const added = checkAdded(judging);
  const rosterAfter = rosterOfTree(judging, committer, added);
  const gone = accountsOf(roster).filter((account) => !hasAccount(rosterAfter, account));
  const { granted, what } =
    grounds === null
      ? judgeUngrounded(judging, { committer, after, added, removes, leaves, rosterAfter, gone })
      : judgeGrounded(judging, { after, added, removes, leaves, gone });
  return {
    committer,
    added: added.map(({ leaf, identity }) => ({
      leaf,
      identity,
      inviteId: granted?.inviteId ?? null,
      requestHash: granted?.requestHash ?? null,
      name: granted?.name ?? null,
    })),
    removed: judged.removed.map((leaf) => ({ leaf, identity: roster.get(leaf)! })),
    gone,
    context: after,
    roster: rosterAfter,
    what: what.length > 0 ? what : [{ kind: "renewed" }],
  };
}

/** 1: what may be in a Commit at all. */
function sortProposals(judged: Judged): {
  readonly removes: readonly LeafIndex[];
  readonly leaves: readonly LeafIndex[];
  readonly bringsExtensions: boolean;
} {
  const removes: LeafIndex[] = [];
  const leaves: LeafIndex[] = [];
  let extensions = 0;
  for (const { proposal, sender, byReference } of judged.proposals) {
    if (byReference) {
      // E14: everyone may leave, and nobody proposes anything else.
      if (proposal.type !== "remove" || proposal.removed !== sender) {
        throw new RoomRuleError("E14", "reference", "by reference only a Remove of its own sender");
      }
      leaves.push(proposal.removed);
    } else if (proposal.type === "remove") {
      removes.push(proposal.removed);
    } else if (proposal.type === "group_context_extensions") {
      extensions += 1;
    } else if (proposal.type !== "add") {
      // E14: Update, PSK, ReInit, ExternalInit, and whatever is not known. Policy allows no ReInit yet.
      throw new RoomRuleError("E14", "proposal", `a proposal of type ${proposal.type} in a room`);
    }
  }
  if (extensions > 1) throw new RoomRuleError("E14", "extensions_twice", "two GroupContextExtensions");
  return { removes, leaves, bringsExtensions: extensions === 1 };
}

/** 2 and 3: the leaves that Adds bring. */
function checkAdded({ deploymentId, before, judged, stamp }: Judging): readonly Added[] {
  if (judged.added.length > MAX_ADDS) throw new RoomRuleError("E26", "adds", "more than 32 Adds");
  const at = { deploymentId, stamp, revocations: before.revocations };
  return judged.added.map(({ leaf, keyPackage }) => ({
    leaf,
    keyPackage,
    identity: checkAddedLeaf(leaf, keyPackage, at),
  }));
}

/** 3 and 4: who sits where afterwards. */
function rosterOfTree(judging: Judging, committer: LeafIdentity, added: readonly Added[]): Roster {
  const { deploymentId, before, roster, judged, stamp } = judging;
  const after = new Map(roster);
  for (const leaf of judged.removed) {
    if (!after.delete(leaf)) throw new RoomRuleError("E14", "removed_nobody", "a Remove of an empty leaf");
  }
  if (judged.pathLeaf !== null) {
    const at = { deploymentId, stamp, revocations: before.revocations };
    after.set(judged.committer, checkPathLeaf(committer, judged.pathLeaf, at));
  }
  for (const { leaf, identity } of added) after.set(leaf, identity);
  checkTogether(after);
  return after;
}

type Verdict = {
  readonly granted: Granted | null;
  readonly what: readonly Happening[];
};

type Parts = {
  readonly after: RoomContext;
  readonly added: readonly Added[];
  readonly removes: readonly LeafIndex[];
  readonly leaves: readonly LeafIndex[];
  readonly gone: readonly Uint8Array[];
};

/** 5 */
function judgeGrounded(judging: Judging, { after, added, removes, leaves, gone }: Parts): Verdict {
  const { roomId, before, roster, stamp } = judging;
  // Who leaves is let go first, in a Commit of its own: so no grounds are stretched to cover it.
  if (leaves.length > 0)
    throw new RoomRuleError("E14", "grounds_and_leave", "grounds and a leave in one Commit");
  const granted = judgeGrounds(after.grounds!, { roomId, before, roster, stamp, added, removed: removes });
  const going = { gone, voids: granted.voids };
  const withdrawn = before.invites.filter(
    ({ id, notAfter }) => notAfter < stamp && !after.invites.some((one) => equal(one.id, id)),
  );
  const kept = granted.context.invites.filter((one) => !withdrawn.includes(one));
  const expected = settled({ ...granted.context, invites: kept, grounds: after.grounds }, going);
  if (!equal(encodeRoomContext(expected), encodeRoomContext(after))) {
    // E30 where it is about the invite, E14 for everything else.
    const invites = expected.invites.length !== after.invites.length;
    throw invites
      ? new RoomRuleError("E30", "invites", "not exactly the invites that these grounds leave open")
      : new RoomRuleError("E14", "grounds_change", "the grounds do not carry this change of the room");
  }
  return { granted, what: [...granted.what, ...withdrawnBy(before, after, granted, going.voids)] };
}

function withdrawnBy(
  before: RoomContext,
  after: RoomContext,
  granted: Granted,
  voids: boolean,
): readonly Happening[] {
  return before.invites
    .filter(({ id }) => granted.inviteId === null || !equal(id, granted.inviteId))
    .filter(({ id }) => !after.invites.some((one) => equal(one.id, id)))
    .map(({ id }) => ({ kind: "invite_withdrawn", inviteId: id, why: voids ? "void" : "expired" }));
}

/** 6 */
function judgeUngrounded(
  judging: Judging,
  parts: Parts & { readonly committer: LeafIdentity; readonly rosterAfter: Roster },
): Verdict {
  const { before, roster, stamp } = judging;
  const { committer, after, added, removes, leaves, rosterAfter, gone } = parts;
  // E30: nobody is added but by an invite and its request, or by their own signed request.
  if (added.length > 0) throw new RoomRuleError("E30", "add_without_request", "an Add that nobody asked for");
  const left = leaves.map((leaf): Happening => {
    const { accountId, deviceId } = roster.get(leaf)!;
    return { kind: "left", account: accountId, device: deviceId, whole: includes(gone, accountId) };
  });
  const removed = judgeRemoves(judging, committer, removes, rosterAfter);
  // E30: whoever is taken out, or goes, knows the keys of all open invites, and may have made some.
  const going = gone.length > 0 ? { gone, voids: true } : NOBODY_GOES;
  const account = committer.accountId;
  const changed = judgeContext({ before, after, roster, rosterAfter, account, stamp, going });
  return { granted: null, what: [...left, ...removed, ...changed] };
}

/** E14: Removes by value on nothing but authority: of one's own other devices, or of a whole account. */
function judgeRemoves(
  { before, roster }: Judging,
  committer: LeafIdentity,
  removes: readonly LeafIndex[],
  rosterAfter: Roster,
): readonly Happening[] {
  const what: Happening[] = [];
  const judgedAccounts: Uint8Array[] = [];
  for (const leaf of removes) {
    const { accountId: target, deviceId } = roster.get(leaf)!;
    if (equal(target, committer.accountId)) {
      what.push({ kind: "device_removed", account: target, device: deviceId });
      continue;
    }
    if (includes(judgedAccounts, target)) continue;
    judgedAccounts.push(target);
    // To take single devices from somebody is that person's alone.
    if (leavesOf(rosterAfter, target).length > 0) {
      throw new RoomRuleError("E14", "part_of_account", "a Remove of some devices of another account");
    }
    const change = { kind: "remove", target } as const;
    if (!mayCommit(before, roster, change, committer.accountId)) {
      throw new RoomRuleError("E14", "approvals", "removing somebody needs the founder or more approvals");
    }
    what.push({ kind: "removed", account: target, approvers: approversOf(before, change) });
  }
  return what;
}
