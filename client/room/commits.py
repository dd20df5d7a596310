"""Commits and leaves of the log: judged by what everyone can check alike, then applied, skipped, or not
followed (E14, E18, E21).
"""

from dataclasses import dataclass, replace

import cbor2

from client.room.endings import copy_found, removed_from_room, stuck_at
from client.room.faults import Fault, judged
from client.room.merging import after_merge, drop_staged, give_up
from client.room.seen import Place, Position, check_seen, note_unreadable
from client.room.snapshots import take_happened
from client.room.staged import StagedCommit
from client.room.state import Happened, HeldCommit, Membership, PendingLeave
from client.room.turn import Turn
from client.room.welcomes import maker_at
from crypto.identity.credential import LeafIdentity
from crypto.mls.application import OpenedCommit, OpenedProposal, unprotect
from crypto.mls.codec import decode
from crypto.mls.complete_commit import complete_commit
from crypto.mls.framing import read_authenticated_content
from crypto.mls.group import Group, superseded_secrets
from crypto.mls.judge_commit import Judged, ProposalReference, judge_commit
from crypto.mls.message_protection import VerifiedContent
from crypto.mls.proposal import Remove
from crypto.room.change import RoomChange
from crypto.room.errors import RoomRuleError
from crypto.room.events import decode_commit_data
from crypto.room.log_head import Seen
from crypto.room.timeline import SystemItem, with_system
from crypto.room.validity import Judging, judge_room_commit
from wire.frames import Entry


@dataclass(frozen=True, slots=True)
class _Valid:
    judged: Judged
    change: RoomChange
    seen: Seen


def place_of(entry: Entry) -> Place:
    return Place(entry.id, entry.n, entry.time)


def read_commit(turn: Turn, entry: Entry, hash_: bytes) -> Happened | None:
    """A commit at its position. Gives what it did, where it was valid and this device has followed it."""
    staged = turn.state.staged
    if staged is not None and staged.id == entry.id and staged.hash == hash_:
        return _read_own(turn, entry, staged)
    # E21: whatever stands here instead has won, or is skipped by all; ours is made anew if it still fits.
    drop_staged(turn)
    return _read_other(turn, entry)


def _read_own(turn: Turn, entry: Entry, staged: StagedCommit) -> Happened | None:
    membership = turn.state.membership
    if membership is None:
        return None
    # What is stored is what `unprotect` gives to the others: the payload's hash is the same.
    authenticated = VerifiedContent(decode(staged.content, read_authenticated_content))
    verdict = _judge(turn, entry, membership.group, authenticated)
    if isinstance(verdict, Fault):
        drop_staged(turn)
        _skipped(turn, entry, membership.me, verdict.code)
        give_up(turn, staged, verdict.code)
        return None
    turn.wipe(superseded_secrets(membership.group, staged.next))
    turn.state = replace(turn.state, staged=None)
    return _merge(turn, entry, staged.next, verdict, staged)


def _read_other(turn: Turn, entry: Entry) -> Happened | None:
    membership = turn.state.membership
    if membership is None:
        return None
    opened = judged(lambda: unprotect(membership.group, entry.payload))
    if isinstance(opened, Fault):
        note_unreadable(turn, place_of(entry), "damaged", None)
        return None
    group = opened.group
    if opened.sender == group.own_leaf:
        copy_found(turn)  # E39
        return None
    turn.set_group(group)
    turn.wipe(opened.consumed)
    leaf = membership.roster[opened.sender]
    if not isinstance(opened.content, OpenedCommit):
        _skipped(turn, entry, leaf, "kind")
        return None
    verdict = _judge(turn, entry, group, opened.authenticated)
    if isinstance(verdict, Fault):
        _skipped(turn, entry, leaf, verdict.code)
        return None
    if verdict.judged.removes_me:
        removed_from_room(turn, place_of(entry), _happened(verdict.change))
        return None
    completed = judged(lambda: complete_commit(group, verdict.judged))
    if isinstance(completed, Fault):
        # E18: valid for all, and this device cannot follow.
        stuck_at(turn, entry.n, leaf)
        return None
    turn.wipe(completed.consumed)
    turn.wipe(superseded_secrets(group, completed.next))
    return _merge(turn, entry, completed.next, verdict, None)


def _judge(turn: Turn, entry: Entry, group: Group, authenticated: VerifiedContent) -> _Valid | Fault:
    """E18: what everyone can check alike decides."""
    membership = turn.state.membership
    if membership is None:
        return Fault("membership")

    def judge() -> _Valid:
        data = decode_commit_data(authenticated.framed.authenticated_data)
        if data.id != entry.id:
            raise RoomRuleError("E15", "commit_id", "the commit has another id")
        found = judge_commit(group, authenticated, _references(turn.state.leaves))
        change = judge_room_commit(
            Judging(
                room_id=turn.state.room_id,
                deployment_id=turn.env.me.deployment_id,
                before=membership.context,
                roster=membership.roster,
                judged=found,
                stamp=entry.time,  # E10
            )
        )
        return _Valid(found, change, data.seen)

    return judged(judge)


def _references(leaves: tuple[PendingLeave, ...]) -> tuple[ProposalReference, ...]:
    """What a commit may refer to: every leave is a Remove of its sender."""
    return tuple(ProposalReference(Remove(one.leaf), one.ref, one.leaf) for one in leaves)


def _skipped(turn: Turn, entry: Entry, leaf: LeafIdentity, code: str) -> None:
    """A commit that breaks the rules is skipped by all, blamed on its leaf, and shown; the room goes on
    (E18).
    """
    line = SystemItem(entry.id, entry.n, entry.time, "bad_commit", leaf.account_id, None, code)
    turn.state = replace(turn.state, timeline=with_system(turn.state.timeline, line))
    told = {"n": entry.n, "time": entry.time, "rule": code, "message": entry.payload}
    turn.alarm("bad_commit", leaf.account_id, cbor2.dumps(told))


def _happened(change: RoomChange) -> Happened:
    return Happened(change.committer, change.added, change.removed, change.gone, change.what)


def _merge(turn: Turn, entry: Entry, next_: Group, valid: _Valid, own: StagedCommit | None) -> Happened:
    state, change = turn.state, valid.change
    newcomer, committer = state.newcomer, change.committer
    happened = _happened(change)
    at = Position(entry.n, entry.time, state.log.after)
    if newcomer is None and own is None:
        check_seen(turn, at, committer, valid.seen, entry.payload)
    membership = Membership(next_, change.context, change.roster, change.roster[next_.own_leaf])
    turn.state = replace(turn.state, membership=membership, title=change.context.title, leaves=())
    turn.log = replace(turn.log, maker=maker_at(entry.n, entry.time, committer), gap=False)
    turn.chores = replace(turn.chores, unreadable=0)
    if newcomer is None:
        take_happened(turn, place_of(entry), happened)
    else:
        held = HeldCommit(at.n, at.time, at.after, committer, valid.seen, entry.id, happened)
        turn.state = replace(turn.state, newcomer=replace(newcomer, held=(*newcomer.held, held)))
    after_merge(turn, entry.n, change, state.membership, own)
    return happened


def read_leave(turn: Turn, entry: Entry) -> None:
    """A Remove of its sender, by its sender: it counts until the next commit (E14). Anything else is
    skipped.
    """
    membership = turn.state.membership
    drop_staged(turn)
    if membership is None:
        return
    opened = judged(lambda: unprotect(membership.group, entry.payload))
    if isinstance(opened, Fault):
        note_unreadable(turn, place_of(entry), "damaged", None)
        return
    sender, content = opened.sender, opened.content
    if sender == opened.group.own_leaf:
        copy_found(turn)  # E39
        return
    turn.set_group(opened.group)
    turn.wipe(opened.consumed)
    if (
        not isinstance(content, OpenedProposal)
        or content.proposal != Remove(sender)
        or opened.authenticated_data != entry.id
    ):
        _skipped(turn, entry, membership.roster[sender], "leave")
        return
    others = tuple(one for one in turn.state.leaves if one.leaf != sender)
    turn.state = replace(turn.state, leaves=(*others, PendingLeave(sender, content.ref, entry.n)))
    turn.dues = replace(turn.dues, leaves=None)
