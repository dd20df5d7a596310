/** Commits that rest on a signed request or statement: each kind suffices for its own Remove or Add (E14, E22, E28, E30). */

import { equal } from "../bytes/bytes";
import { expired, obsolete } from "../identity/authService";
import { readRevocation, revokes } from "../identity/certificate";
import type { LeafIdentity } from "../identity/credential";
import { readChain } from "../identity/statement";
import { encodeKeyPackage, type KeyPackage, keyPackageRef } from "../mls/keyPackage";
import { roomSuite } from "../mls/suite";
import type { LeafIndex } from "../mls/treeMath";
import { inviteAdmits } from "./authority";
import type { Happening } from "./change";
import { RoomRuleError } from "./errors";
import { readJoinClaim } from "./joinRequest";
import { checkNotOlder } from "./leafRules";
import { checkRejoin, readRejoinClaim } from "./rejoin";
import { type Grounds, type RoomContext, withInvites, withRevocation } from "./roomContext";
import { hasAccount, leafOfDevice, leavesOf, type Roster } from "./roster";
import { requestHash } from "./signedRequest";

export type Added = {
  readonly leaf: LeafIndex;
  readonly keyPackage: KeyPackage;
  readonly identity: LeafIdentity;
};

/** What a Commit does to leaves, and where it stands. */
export type Case = {
  readonly roomId: Uint8Array;
  readonly before: RoomContext;
  readonly roster: Roster;
  readonly stamp: number;
  readonly added: readonly Added[];
  /** By value. */
  readonly removed: readonly LeafIndex[];
};

/** What follows from valid grounds. */
export type Granted = {
  /** The context before, with what these grounds themselves change in it. */
  readonly context: RoomContext;
  /** Whether open invites are void (E30). */
  readonly voids: boolean;
  readonly inviteId: Uint8Array | null;
  readonly requestHash: Uint8Array | null;
  readonly name: string | null;
  readonly what: readonly Happening[];
};

const NO_REQUEST = { inviteId: null, requestHash: null, name: null };

/** @throws RoomRuleError | RoomDataError | AsError when the grounds do not carry exactly this Commit */
export function judgeGrounds(grounds: Grounds, at: Case): Granted {
  switch (grounds.kind) {
    case "join":
      return judgeJoin(grounds.request, at);
    case "rejoin":
      return judgeRejoin(grounds.request, at);
    case "revocation":
      return judgeRevocation(grounds.statement, at);
    case "expiry":
      return judgeExpiry(at);
    case "identity":
      return judgeIdentity(grounds.chain, at);
  }
}

function judgeJoin(request: Uint8Array, at: Case): Granted {
  const { before, roster, stamp } = at;
  const added = theOneAdd(at);
  requireRemoved(at, []);
  const invite = (id: Uint8Array) => before.invites.find((one) => equal(one.id, id)) ?? null;
  const claim = readJoinClaim(request, (id) => invite(id)?.joinKey ?? null);
  const used = invite(claim.inviteId)!;
  if (!equal(claim.room, at.roomId))
    throw new RoomRuleError("E28", "join_room", "a request for another room");
  if (!equal(claim.inviter, used.inviter)) {
    throw new RoomRuleError("E28", "join_invite", "a request that names another inviter");
  }
  if (!equal(claim.account, added.identity.accountId)) {
    throw new RoomRuleError("E28", "join_account", "the KeyPackage is of another account than the request");
  }
  requireReference(added, claim.keyPackageRef);
  // E10: judged at the stamp.
  if (stamp > used.notAfter || stamp > claim.notAfter) {
    throw new RoomRuleError("E28", "invite_expired", "the invite or the request has run out");
  }
  // E29: the newcomer will look for the inviter in the tree.
  if (!hasAccount(roster, used.inviter)) {
    throw new RoomRuleError("E29", "inviter_gone", "the inviter is not in the room any more");
  }
  // Whoever is here has other ways: a second device by invite would go past its person's identity key.
  if (hasAccount(roster, claim.account)) {
    throw new RoomRuleError("E28", "already_here", "the account is in the room already");
  }
  if (!inviteAdmits(before, roster, used)) {
    throw new RoomRuleError("E14", "approvals", "policy asks for more approvals of this invite");
  }
  return {
    // E30: exactly the invite that is used goes.
    context: withInvites(
      before,
      before.invites.filter(({ id }) => !equal(id, used.id)),
    ),
    voids: false,
    inviteId: used.id,
    requestHash: requestHash(request),
    name: claim.name,
    what: [
      {
        kind: "joined",
        account: claim.account,
        device: added.identity.deviceId,
        name: claim.name,
        inviteId: used.id,
        inviter: used.inviter,
      },
    ],
  };
}

function judgeRejoin(request: Uint8Array, at: Case): Granted {
  const { roster } = at;
  const added = theOneAdd(at);
  const { accountId, deviceId } = added.identity;
  const signed = readRejoinClaim(request);
  checkRejoin(signed, at.roomId, added.identity);
  requireReference(added, signed.claim.keyPackageRef);
  const others = leavesOf(roster, accountId);
  // An account that was taken out comes back by invite alone.
  if (others.length === 0) throw new RoomRuleError("E22", "not_here", "the account is not in the room");
  for (const leaf of others) checkNotOlder(roster.get(leaf)!, added.identity);
  const old = leafOfDevice(roster, deviceId);
  requireRemoved(at, old === null ? [] : [old]);
  if (signed.claim.oldLeaf !== null && signed.claim.oldLeaf !== old) {
    throw new RoomRuleError("E22", "old_leaf", "the old leaf is not that device's");
  }
  // A request that was used once names a serial that the tree has now: it cannot be used again.
  if (old !== null && added.identity.certificateSerial <= roster.get(old)!.certificateSerial) {
    throw new RoomRuleError("E22", "rejoin_used", "the certificate is not newer than the one in the room");
  }
  const kind = old === null ? "device_added" : "rejoined";
  return {
    ...NO_REQUEST,
    context: at.before,
    voids: false,
    requestHash: requestHash(request),
    what: [{ kind, account: accountId, device: deviceId }],
  };
}

function judgeRevocation(statement: Uint8Array, at: Case): Granted {
  const revocation = readRevocation(statement);
  requireNoAdd(at);
  const lost = [...at.roster].filter(([, who]) => revokes(revocation, who));
  if (lost.length === 0) throw new RoomRuleError("E9", "revocation_other", "it revokes no leaf of this room");
  requireRemoved(
    at,
    lost.map(([leaf]) => leaf),
  );
  return {
    ...NO_REQUEST,
    context: withRevocation(at.before, statement),
    voids: true,
    what: [{ kind: "device_revoked", account: revocation.accountId, device: revocation.deviceId }],
  };
}

function judgeExpiry(at: Case): Granted {
  requireNoAdd(at);
  if (at.removed.length === 0) throw new RoomRuleError("E10", "grounds", "nobody is removed");
  const what = at.removed.map((leaf): Happening => {
    const who = at.roster.get(leaf)!;
    if (!expired(who, at.stamp)) {
      throw new RoomRuleError("E10", "not_expired", "the certificate has not run out at the entry's stamp");
    }
    return { kind: "expired", account: who.accountId, device: who.deviceId };
  });
  // E30: expiry voids no invites.
  return { ...NO_REQUEST, context: at.before, voids: false, what };
}

function judgeIdentity(chainBytes: Uint8Array, at: Case): Granted {
  const chain = readChain(chainBytes);
  const due = [...at.roster].filter(([, who]) => obsolete(who, chainBytes)).map(([leaf]) => leaf);
  if (due.length === 0) throw new RoomRuleError("E9", "identity_other", "it supersedes no leaf of this room");
  // E9: it obliges the Remove of every leaf under older keys.
  requireRemoved(at, due);
  for (const { identity } of at.added) {
    const certifiedAnew =
      equal(identity.accountId, chain.accountId) &&
      equal(identity.identityKey, chain.identityKey) &&
      identity.identitySerial === chain.serial;
    if (!certifiedAnew)
      throw new RoomRuleError("E9", "identity_add", "an Add that the statement does not permit");
  }
  // E30: whoever held the older key knows the keys of all open invites.
  return {
    ...NO_REQUEST,
    context: at.before,
    voids: true,
    what: [{ kind: "identity_changed", account: chain.accountId }],
  };
}

function theOneAdd({ added }: Case): Added {
  if (added.length !== 1) throw new RoomRuleError("E30", "one_add", "a request is for one Add");
  return added[0]!;
}

function requireNoAdd({ added }: Case): void {
  if (added.length > 0) throw new RoomRuleError("E30", "add_without_request", "an Add that nobody asked for");
}

/** By value exactly these. */
function requireRemoved({ removed }: Case, leaves: readonly LeafIndex[]): void {
  const same =
    removed.length === leaves.length && leaves.every((leaf) => removed.some((other) => other === leaf));
  if (!same) throw new RoomRuleError("E14", "removes", "not exactly the Removes that the grounds are for");
}

/** The Add is of the KeyPackage that was signed for, whole. */
function requireReference({ keyPackage }: Added, reference: Uint8Array): void {
  if (!equal(keyPackageRef(roomSuite, encodeKeyPackage(keyPackage)), reference)) {
    throw new RoomRuleError("E28", "key_package_ref", "the Add is of another KeyPackage than was signed for");
  }
}
