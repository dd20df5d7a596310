"""What a commit did, as lines of the timeline."""

from dataclasses import dataclass
from hashlib import sha256

from client.room.seen import Place
from client.room.state import Happened
from crypto.room import change
from crypto.room.change import Happening
from crypto.room.timeline import SystemCode, SystemItem, Timeline, with_system


@dataclass(frozen=True, slots=True)
class _Line:
    code: SystemCode
    who: bytes | None
    by: bytes | None
    detail: str = ""


def _line_of(happening: Happening, committer: bytes) -> _Line | None:
    """None for what people see elsewhere, or need not see."""
    match happening:
        case change.Joined():
            return _Line("joined", happening.account, happening.inviter)
        case change.DeviceAdded() | change.Rejoined():
            return _Line("rejoined", happening.account, committer)
        case change.Left():
            return _Line("left", happening.account, committer) if happening.whole else None
        case change.Removed():
            return _Line("removed", happening.account, committer)
        case change.Renamed():
            return _Line("renamed", None, committer, happening.to)
        case change.PolicyChanged() | change.CharterChanged() | change.FounderChanged():
            return _Line("policy", None, committer)
        case _:
            return None


def line_id(entry_id: bytes, index: int) -> bytes:
    """An id of its own for each line that one entry makes: an interface tells them apart by it."""
    return sha256(entry_id + bytes((index % 256,))).digest()[:16]


def with_happened(timeline: Timeline, happened: Happened, place: Place) -> Timeline:
    for index, happening in enumerate(happened.what):
        line = _line_of(happening, happened.committer.account_id)
        if line is not None:
            item = SystemItem(
                line_id(place.id, index), place.n, place.time, line.code, line.who, line.by, line.detail
            )
            timeline = with_system(timeline, item)
    return timeline
