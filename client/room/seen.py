"""What authors say they have seen of the log, and what this device cannot read (E19)."""

from dataclasses import dataclass, replace
from typing import Literal

import cbor2

from client.room.heads import head_at, judge_seen
from client.room.state import Pause
from client.room.turn import Turn
from crypto.identity.credential import LeafIdentity
from crypto.room.log_head import Seen
from crypto.room.timeline import SystemItem, with_system

UNREADABLE_ALARM = 3
"""E19: so many unreadable entries in one epoch lead to the offer to compare."""


@dataclass(frozen=True, slots=True)
class Place:
    """An entry's id, position and stamp."""

    id: bytes
    n: int
    time: int


@dataclass(frozen=True, slots=True)
class Position:
    """Where something was said, and the last Commit or leave before it."""

    n: int
    time: int
    after: int


def note_unreadable(
    turn: Turn, place: Place, detail: Literal["damaged", "missed", "other"], by: LeafIdentity | None
) -> None:
    """An entry that this device cannot read is kept in sight; by itself it proves nothing (E19)."""
    who = None if by is None else by.account_id
    line = SystemItem(place.id, place.n, place.time, "unreadable", who, None, detail)
    turn.state = replace(turn.state, timeline=with_system(turn.state.timeline, line))
    unreadable = turn.chores.unreadable + 1
    turn.chores = replace(turn.chores, unreadable=unreadable)
    if unreadable == UNREADABLE_ALARM:
        turn.alarm("unreadable", who)


def check_seen(turn: Turn, at: Position, leaf: LeafIdentity, seen: Seen, evidence: bytes) -> None:
    """E19: the head that an author repeats is the one that this device has. Otherwise the room is paused
    until the person has compared by voice or goes on, and the evidence is kept.
    """
    state = turn.state
    author = leaf.account_id
    verdict = judge_seen(state.log.heads, seen, at.n, at.after)
    if verdict == "unknown":
        return
    if verdict == "same":
        if state.membership is not None and author != state.membership.me.account_id:
            turn.state = replace(turn.state, confirmed_at=at.time)
        if author in state.tolerated:
            turn.state = replace(turn.state, tolerated=state.tolerated - {author})
        return
    if author in state.tolerated or (state.pause is not None and state.pause.who == author):
        return  # the person has been told
    turn.state = replace(turn.state, pause=Pause(author, turn.env.now))
    told = {
        "n": at.n,
        "time": at.time,
        "message": evidence,
        "said": {"n": seen.n, "head": seen.head},
        "ours": head_at(state.log.heads, seen.n) or b"",
    }
    turn.alarm("fork", author, cbor2.dumps(told))
