"""The state that everyone computes alike from the log, and that a snapshot carries (E24).

What colleagues are called, how far each device has counted, a running hash of all events, which calls ring
and which meetings are planned. Not the texts: history is passed on apart, and must reproduce this hash.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha384
from typing import Final, NamedTuple

from crypto.room import calls, meetings
from crypto.room.bodies import EventBody, Profile
from crypto.room.call_bodies import (
    Meeting,
    MeetingAnswer,
    MeetingCancel,
    MeetingChange,
    Ring,
    RingAnswer,
    RingEnd,
)
from crypto.room.calls import Rings
from crypto.room.change import RoomChange
from crypto.room.events import Envelope
from crypto.room.meetings import Meetings

# Goes up with every change of what is folded, or how.
FOLD_VERSION: Final = 2
# The former one knew neither rings nor meetings. Its snapshots are still read and confirmed.
FORMER_FOLD_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Fold:
    """`names` by account id, `counters` (the highest event counter of each device) by device id, `events` the
    running hash over (n, author, id, SHA-384(signature)) of all events. The maps are never changed once they
    are made. A fold of the former version has no rings and no meetings.
    """

    version: int
    names: Mapping[bytes, str]
    counters: Mapping[bytes, int]
    events: bytes
    rings: Rings = ()
    meetings: Meetings = ()


def first_fold(room_id: bytes) -> Fold:
    return Fold(FOLD_VERSION, {}, {}, sha384(b"Collegium 1.0 events" + room_id).digest())


@dataclass(frozen=True, slots=True)
class EventPlace:
    """Who said it, and where it stands in the log, with the stamp there (ms)."""

    n: int
    account: bytes
    device: bytes
    time: int


def next_events_hash(digest: bytes, place: EventPlace, envelope: Envelope) -> bytes:
    """E24. An author is account and device together."""
    author = place.account + place.device
    signature_hash = sha384(envelope.signature).digest()
    return sha384(digest + place.n.to_bytes(8, "big") + author + envelope.id + signature_hash).digest()


class Folded(NamedTuple):
    """`repeated`: the device had used this counter, or a higher one, before. It says something twice, or its
    state is old: such an event changes nothing else and is not to be shown as said.
    """

    fold: Fold
    repeated: bool


def fold_event(fold: Fold, place: EventPlace, envelope: Envelope, event: EventBody | None) -> Folded:
    """An event that was decrypted, its envelope decoded, its id and signature checked. Every such event
    counts for the hash, whatever its type and body; `event` is None for a type that is not known here, and
    for a body out of bounds.
    """
    events = next_events_hash(fold.events, place, envelope)
    if envelope.counter <= fold.counters.get(place.device, 0):
        return Folded(replace(fold, events=events), repeated=True)
    counters = {**fold.counters, place.device: envelope.counter}
    counted = replace(fold, events=events, counters=counters)
    return Folded(_said(counted, place, event), repeated=False)


def _said(fold: Fold, place: EventPlace, event: EventBody | None) -> Fold:
    match event:
        case Profile(name):
            return replace(fold, names={**fold.names, place.account: name})
        case Ring() | RingAnswer() | RingEnd():
            return replace(fold, rings=calls.fold_ring(fold.rings, place.account, place.n, place.time, event))
        case Meeting() | MeetingChange() | MeetingCancel() | MeetingAnswer():
            planned = meetings.fold_meeting(fold.meetings, place.account, place.n, place.time, event)
            return replace(fold, meetings=planned)
        case _:
            return fold


def fold_commit(fold: Fold, change: RoomChange) -> Fold:
    """A valid Commit: newcomers' names come; names of accounts that are gone go, and counters of devices that
    went or came anew; accounts that are gone ring and come no more.
    """
    names = {account: name for account, name in fold.names.items() if account not in change.gone}
    counters = dict(fold.counters)
    for left in change.removed:
        counters.pop(left.identity.device_id, None)
    for came in change.added:
        # A device that was added anew begins to count anew: it may have lost what it counted.
        counters.pop(came.identity.device_id, None)
        if came.name is not None:
            names[came.identity.account_id] = came.name
    return replace(
        fold,
        names=names,
        counters=counters,
        rings=calls.fold_gone(fold.rings, change.gone),
        meetings=meetings.fold_gone(fold.meetings, change.gone),
    )
