"""The room's state for newcomers (E24): canonical bytes, their pages, and what other members say of them."""

from dataclasses import dataclass, replace
from hashlib import sha384
from typing import Final, TypeVar

from crypto.room.bodies import MAX_PAGE, MAX_PAGES, SnapshotCheck, SnapshotPage
from crypto.room.call_snapshot import meetings_value, read_meetings, read_rings, rings_value
from crypto.room.canonical import MAX_NUMBER, FieldReader, decode_canonical, encode_canonical, is_ascending
from crypto.room.errors import RoomDataError
from crypto.room.fold import FOLD_VERSION, FORMER_FOLD_VERSION, Fold
from crypto.room.room_context import HASH_LENGTH, ID_LENGTH, MAX_LEAVES
from crypto.room.text import is_name

T = TypeVar("T")

# When the adder's snapshot has not come by then, another member's device posts it (ms).
SNAPSHOT_POST_MS: Final = 10_000
# By then a member that is online has said whether it agrees (ms).
SNAPSHOT_CHECK_MS: Final = 60_000

_MAX_SNAPSHOT: Final = MAX_PAGES * MAX_PAGE


@dataclass(frozen=True, slots=True)
class Snapshot:
    """`position` is of the Commit with the Add, `head` the log head there, whole."""

    position: int
    head: bytes
    fold: Fold


def encode_snapshot(snapshot: Snapshot) -> bytes:
    """The same bytes for the same state, whoever writes them. Of a fold of the former version, as it was
    written then.
    """
    fold = snapshot.fold
    since = fold.version > FORMER_FOLD_VERSION
    return encode_canonical(
        {
            "version": fold.version,
            "position": snapshot.position,
            "head": snapshot.head,
            "names": [{"account": account, "name": name} for account, name in sorted(fold.names.items())],
            "counters": [
                {"device": device, "counter": counter} for device, counter in sorted(fold.counters.items())
            ],
            "events": fold.events,
            "rings": rings_value(fold.rings) if since else None,
            "meetings": meetings_value(fold.meetings) if since else None,
        }
    )


def decode_snapshot(data: bytes) -> Snapshot:
    """Raises RoomDataError."""
    reader = FieldReader(decode_canonical(data, _MAX_SNAPSHOT), "snapshot")
    version = reader.integer("version", FORMER_FOLD_VERSION, FOLD_VERSION)
    position = reader.integer("position", 1, MAX_NUMBER)
    head = reader.octets("head", HASH_LENGTH)
    names = reader.list("names", 0, MAX_LEAVES, _read_name)
    counters = reader.list("counters", 0, MAX_LEAVES, _read_counter)
    events = reader.octets("events", HASH_LENGTH)
    since = version > FORMER_FOLD_VERSION
    rings = read_rings(reader) if since else ()
    meetings = read_meetings(reader) if since else ()
    reader.finish()
    if not is_ascending([account for account, _ in names]) or not is_ascending([one for one, _ in counters]):
        raise RoomDataError("a snapshot's names or counters are out of order")
    return Snapshot(position, head, Fold(version, dict(names), dict(counters), events, rings, meetings))


def _read_name(value: object) -> tuple[bytes, str]:
    reader = FieldReader(value, "name")
    entry = reader.octets("account", ID_LENGTH), reader.text("name", is_name)
    reader.finish()
    return entry


def _read_counter(value: object) -> tuple[bytes, int]:
    reader = FieldReader(value, "counter")
    entry = reader.octets("device", ID_LENGTH), reader.integer("counter", 1, MAX_NUMBER)
    reader.finish()
    return entry


def snapshot_hash(data: bytes) -> bytes:
    return sha384(data).digest()


def snapshot_pages(snapshot: Snapshot) -> tuple[SnapshotPage, ...]:
    """The bodies of the events that carry a snapshot, in order."""
    data = encode_snapshot(snapshot)
    digest = snapshot_hash(data)
    pages = -(-len(data) // MAX_PAGE)
    if pages > MAX_PAGES:
        raise RoomDataError("a snapshot beyond its bound")
    return tuple(
        SnapshotPage(snapshot.position, page, pages, digest, data[page * MAX_PAGE : (page + 1) * MAX_PAGE])
        for page in range(pages)
    )


@dataclass(frozen=True, slots=True)
class Pages:
    """Pages that have come, by one author for one position."""

    first: SnapshotPage
    data: tuple[bytes | None, ...]


def take_page(pages: Pages | None, page: SnapshotPage) -> Pages:
    """With one page more. A page of another snapshot of the same author (another hash) begins anew.

    Raises RoomDataError for a page that does not go with the others.
    """
    if page.page >= page.pages:
        raise RoomDataError("a page beyond the last")
    if pages is None or (pages.first.position, pages.first.hash) != (page.position, page.hash):
        return Pages(page, _put((None,) * page.pages, page))
    if pages.first.pages != page.pages:
        raise RoomDataError("pages of one snapshot disagree")
    return replace(pages, data=_put(pages.data, page))


def _put(data: tuple[bytes | None, ...], page: SnapshotPage) -> tuple[bytes | None, ...]:
    return (*data[: page.page], page.data, *data[page.page + 1 :])


def assembled(pages: Pages) -> Snapshot | None:
    """The snapshot once all pages are there; None before. Raises RoomDataError when they are not what the
    hash says.
    """
    present = [one for one in pages.data if one is not None]
    if len(present) < len(pages.data):
        return None
    data = b"".join(present)
    if snapshot_hash(data) != pages.first.hash:
        raise RoomDataError("a snapshot's hash is another")
    snapshot = decode_snapshot(data)
    if snapshot.position != pages.first.position:
        raise RoomDataError("a snapshot of another position")
    return snapshot


def check_of(own: Snapshot, digest: bytes) -> SnapshotCheck:
    """What a member says of a snapshot's hash, having the state at that position itself (E24). One of the
    former version is right when it is the part of that state which that version knew.
    """
    former = replace(own, fold=replace(own.fold, version=FORMER_FOLD_VERSION))
    agrees = digest in (snapshot_hash(encode_snapshot(own)), snapshot_hash(encode_snapshot(former)))
    return SnapshotCheck(own.position, digest, agrees=agrees)
