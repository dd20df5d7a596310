"""What a sitting belongs to: the ring that led to it, an occurrence of a meeting, or neither.

Whoever was there says it with the time that they were there, so that calls of one meeting are found together
also where the call broke off in between. An occurrence is named as everywhere by the start that its rule
gives it: one that was moved is still the same.
"""

from collections.abc import Set
from dataclasses import dataclass
from typing import ClassVar, Final, Literal, TypeAlias

from crypto.room.calls import Ring, Rings, has_lapsed
from crypto.room.meetings import Meetings, due

# Whoever rings goes into the call at once: the ring may stand in the log a little after the call began (ms).
RUNG_WITHIN_MS: Final = 120_000


@dataclass(frozen=True, slots=True)
class RingOrigin:
    """`by` and `why` are as this device knew the ring; None and empty where it did not."""

    kind: ClassVar[Literal["ring"]] = "ring"
    call: bytes
    by: bytes | None
    why: str


@dataclass(frozen=True, slots=True)
class MeetingOrigin:
    """`title` and `start` (local) are as this device knew the meeting; empty where it did not."""

    kind: ClassVar[Literal["meeting"]] = "meeting"
    meeting: bytes
    occurrence: str
    title: str
    start: str


Origin: TypeAlias = RingOrigin | MeetingOrigin


def origin_of(rings: Rings, meetings: Meetings, accounts: Set[bytes], since: int) -> Origin | None:
    """Of a call that goes on: `accounts` are in it, `since` is the stamp of its begin (ms). The newest ring
    that one of them rang or comes to; else the meeting whose begin is nearest.
    """
    ring = next((one for one in reversed(rings) if _led(one, accounts, since)), None)
    if ring is not None:
        return RingOrigin(ring.call, ring.by, ring.why)
    near = min(due(meetings, since), key=lambda one: abs(one.begins - since), default=None)
    if near is None:
        return None
    return MeetingOrigin(near.meeting.meeting, near.occurrence, near.meeting.title, near.start)


def _led(ring: Ring, accounts: Set[bytes], since: int) -> bool:
    rang = {ring.by} | {one.by for one in ring.also}
    come = {one.account for one in ring.answers if one.state == "joining"}
    in_time = ring.at <= since + RUNG_WITHIN_MS and not has_lapsed(ring, since)
    return in_time and not accounts.isdisjoint(rang | come)
