"""Whether a Commit is valid in a room (E14): a function of the tree and GroupContext before it, its stamp,
and the Commit alone. Whoever has these answers alike, so an invalid Commit is skipped by all (E18).

MLS has judged it before (`judge_commit`). What follows here, in order:

  1. only Add, Remove and GroupContextExtensions by value; by reference only a Remove of its own sender
  2. the extensions are exactly those of a room (E13), and the Adds at most 32 (E26)
  3. each added leaf and the path's leaf: AS check, lifetimes at the stamp, capabilities (E9, E10, E13)
  4. all leaves together: one leaf for a device, one identity key for an account
  5. with grounds: they carry exactly these Adds and Removes, and change exactly what is theirs in the context
  6. without: no Add, Removes and changes of the context by the committer's authority
  7. in both: what the going of people entails in the context has happened (E30)
"""

from dataclasses import dataclass, replace
from typing import Final

from crypto.identity.credential import LeafIdentity
from crypto.mls.errors import MlsError
from crypto.mls.judge_commit import Judged
from crypto.mls.proposal import Add, GroupContextExtensions, Remove
from crypto.mls.tree_math import LeafIndex
from crypto.room.authority import may_commit
from crypto.room.change import (
    AddedLeaf,
    DeviceRemoved,
    Happening,
    InviteWithdrawn,
    Left,
    Removed,
    RemovedLeaf,
    Renewed,
    RoomChange,
)
from crypto.room.context_rules import ContextCase, judge_context
from crypto.room.errors import RoomDataError, RoomRuleError
from crypto.room.grounds import Added, Case, Granted, judge_grounds
from crypto.room.leaf_rules import LeafContext, check_added_leaf, check_path_leaf
from crypto.room.room_context import (
    Grounds,
    RemoveChange,
    RoomContext,
    approvers_of,
    read_room_extensions,
)
from crypto.room.roster import Roster, check_together, gone_between, has_account
from crypto.room.settling import NOBODY_GOES, Going, settled

MAX_ADDS: Final = 32  # E26


@dataclass(frozen=True, slots=True)
class Judging:
    """`before` and `roster`: the room context, and who sat where, before the Commit. `stamp` is of the log
    entry (ms); before sending, this device's own corrected clock (E10).
    """

    room_id: bytes
    deployment_id: bytes
    before: RoomContext
    roster: Roster
    judged: Judged
    stamp: int


def judge_room_commit(judging: Judging) -> RoomChange:
    """Raises RoomRuleError for a Commit that everyone skips (E18), and nothing else for what a peer can
    cause.
    """
    try:
        return _judge(judging)
    except RoomDataError as cause:
        # A structure inside it that does not hold breaks the Commit around it.
        raise RoomRuleError("E14", cause.code, str(cause)) from cause
    except MlsError as cause:
        if cause.fault != "peer":
            raise
        raise RoomRuleError("E9", cause.code, str(cause)) from cause


def _judge(judging: Judging) -> RoomChange:
    before, roster, judged = judging.before, judging.roster, judging.judged
    committer = roster.get(judged.committer)
    if committer is None:
        raise RoomRuleError("E14", "committer", "the committer is not in the room")
    sorted_ = _sort_proposals(judged)
    after = read_room_extensions(judged.extensions_after) if sorted_.brings_extensions else before
    added = _check_added(judging)
    roster_after = _roster_of_tree(judging, committer, added)
    gone = gone_between(roster, roster_after)
    parts = _Parts(committer, after, added, sorted_.removes, sorted_.leaves, roster_after, gone)
    if sorted_.brings_extensions and after.grounds is not None:
        granted, what = _judge_grounded(judging, parts, after.grounds)
    else:
        granted, what = None, _judge_ungrounded(judging, parts)
    return RoomChange(
        committer=committer,
        # E30: without grounds nobody is added.
        added=() if granted is None else tuple(_added_leaf(one, granted) for one in added),
        removed=tuple(RemovedLeaf(leaf, roster[leaf]) for leaf in judged.removed),
        gone=gone,
        context=after,
        roster=roster_after,
        what=what or (Renewed(),),
    )


def _added_leaf(added: Added, granted: Granted) -> AddedLeaf:
    return AddedLeaf(added.leaf, added.identity, granted.invite_id, granted.request_hash, granted.name)


@dataclass(frozen=True, slots=True)
class _Sorted:
    removes: tuple[LeafIndex, ...]
    leaves: tuple[LeafIndex, ...]
    brings_extensions: bool


def _sort_proposals(judged: Judged) -> _Sorted:
    """1: what may be in a Commit at all."""
    removes: list[LeafIndex] = []
    leaves: list[LeafIndex] = []
    extensions = 0
    for one in judged.proposals:
        match one.proposal:
            case Remove(removed) if one.by_reference and removed == one.sender:
                leaves.append(removed)
            case _ if one.by_reference:
                # E14: everyone may leave, and nobody proposes anything else.
                raise RoomRuleError("E14", "reference", "by reference only a Remove of its own sender")
            case Remove(removed):
                removes.append(removed)
            case GroupContextExtensions():
                extensions += 1
            case Add():
                pass
            case other:
                # E14: Update, PSK, ReInit, ExternalInit, and whatever is not known. Policy allows no ReInit
                # yet.
                raise RoomRuleError("E14", "proposal", f"{type(other).__name__} in a room")
    if extensions > 1:
        raise RoomRuleError("E14", "extensions_twice", "two GroupContextExtensions")
    return _Sorted(tuple(removes), tuple(leaves), extensions == 1)


def _check_added(judging: Judging) -> tuple[Added, ...]:
    """2 and 3: the leaves that Adds bring."""
    judged = judging.judged
    if len(judged.added) > MAX_ADDS:
        raise RoomRuleError("E26", "adds", "more than 32 Adds")
    at = _leaf_context(judging)
    return tuple(
        Added(one.leaf, one.key_package, check_added_leaf(one.leaf, one.key_package, at))
        for one in judged.added
    )


def _leaf_context(judging: Judging) -> LeafContext:
    return LeafContext(judging.deployment_id, judging.stamp, judging.before.revocations)


def _roster_of_tree(judging: Judging, committer: LeafIdentity, added: tuple[Added, ...]) -> Roster:
    """3 and 4: who sits where afterwards."""
    judged = judging.judged
    after = dict(judging.roster)
    for leaf in judged.removed:
        if after.pop(leaf, None) is None:
            raise RoomRuleError("E14", "removed_nobody", "a Remove of an empty leaf")
    if judged.path_leaf is not None:
        after[judged.committer] = check_path_leaf(committer, judged.path_leaf, _leaf_context(judging))
    for one in added:
        after[one.leaf] = one.identity
    check_together(after)
    return after


@dataclass(frozen=True, slots=True)
class _Parts:
    committer: LeafIdentity
    after: RoomContext
    added: tuple[Added, ...]
    removes: tuple[LeafIndex, ...]
    leaves: tuple[LeafIndex, ...]
    roster_after: Roster
    gone: tuple[bytes, ...]


def _judge_grounded(
    judging: Judging, parts: _Parts, grounds: Grounds
) -> tuple[Granted, tuple[Happening, ...]]:
    """5"""
    before, after, stamp = judging.before, parts.after, judging.stamp
    # Who leaves is let go first, in a Commit of its own: so no grounds are stretched to cover it.
    if parts.leaves:
        raise RoomRuleError("E14", "grounds_and_leave", "grounds and a leave in one Commit")
    case = Case(judging.room_id, before, judging.roster, stamp, parts.added, parts.removes)
    granted = judge_grounds(grounds, case)
    still_open = {invite.id for invite in after.invites}
    kept = tuple(
        invite for invite in granted.context.invites if invite.not_after >= stamp or invite.id in still_open
    )
    brought = replace(granted.context, invites=kept, grounds=grounds)
    expected = settled(brought, Going(parts.gone, granted.voids))
    if expected != after:
        # E30 where it is about the invite, E14 for everything else.
        if len(expected.invites) != len(after.invites):
            raise RoomRuleError("E30", "invites", "not exactly the invites that these grounds leave open")
        raise RoomRuleError("E14", "grounds_change", "the grounds do not carry this change of the room")
    withdrawn = [
        InviteWithdrawn(invite.id, "void" if granted.voids else "expired")
        for invite in before.invites
        if invite.id != granted.invite_id and invite.id not in still_open
    ]
    return granted, (*granted.what, *withdrawn)


def _judge_ungrounded(judging: Judging, parts: _Parts) -> tuple[Happening, ...]:
    """6"""
    # E30: nobody is added but by an invite and its request, or by their own signed request.
    if parts.added:
        raise RoomRuleError("E30", "add_without_request", "an Add that nobody asked for")
    gone = parts.gone
    leaving = [judging.roster[leaf] for leaf in parts.leaves]
    left = [Left(who.account_id, who.device_id, whole=who.account_id in gone) for who in leaving]
    removed = _judge_removes(judging, parts)
    # E30: whoever is taken out, or goes, knows the keys of all open invites, and may have made some.
    going = Going(gone, voids=True) if gone else NOBODY_GOES
    case = ContextCase(
        before=judging.before,
        after=parts.after,
        roster=judging.roster,
        roster_after=parts.roster_after,
        account=parts.committer.account_id,
        stamp=judging.stamp,
        going=going,
    )
    return (*left, *removed, *judge_context(case))


def _judge_removes(judging: Judging, parts: _Parts) -> list[Happening]:
    """E14: Removes by value on nothing but authority: of one's own other devices, or of a whole account."""
    what: list[Happening] = []
    judged_accounts: set[bytes] = set()
    own = parts.committer.account_id
    for leaf in parts.removes:
        who = judging.roster[leaf]
        target = who.account_id
        if target == own:
            what.append(DeviceRemoved(target, who.device_id))
            continue
        if target in judged_accounts:
            continue
        judged_accounts.add(target)
        # To take single devices from somebody is that person's alone.
        if has_account(parts.roster_after, target):
            raise RoomRuleError("E14", "part_of_account", "a Remove of some devices of another account")
        change = RemoveChange(target)
        if not may_commit(judging.before, judging.roster, change, own):
            raise RoomRuleError("E14", "approvals", "removing somebody needs the founder or more approvals")
        what.append(Removed(target, approvers_of(judging.before, change)))
    return what
