"""What the engine keeps beside its rooms, each a row of the vault.

Immutable: a change makes a new one, and the rows that differ are written together with the rooms' in one
transaction.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from client.room.core import JoinExpectation
from client.room.records import Record
from client.vault.storage import DamagedRowError
from crypto.identity.identity import Identity
from crypto.identity.known_people import NOBODY, KnownPeople
from crypto.mls.errors import StorageError
from crypto.mls.kem import KeyPair
from crypto.mls.key_package import KeyPackageSecrets

MAX_ALARMS: Final = 100
# Invitations whose rooms are remembered, so that the same link leads to the same room again.
MAX_JOINED: Final = 1024


@dataclass(frozen=True, slots=True)
class KeptCode:
    """The recovery code (15 bytes), until somebody has said that it is kept elsewhere (E6)."""

    code: bytes


@dataclass(frozen=True, slots=True)
class Register:
    """A new account that the server was not heard to have taken: the same keys are offered until it was."""

    token: bytes
    recovery_key: bytes
    backup: bytes


@dataclass(frozen=True, slots=True)
class Recover:
    """A recovered device that the server was not yet heard to have taken."""

    grant: bytes


@dataclass(frozen=True, slots=True)
class Account:
    origin: str
    """Where the server is."""
    deployment_id: bytes
    identity: Identity
    device_id: bytes
    sign_in: KeyPair
    name: str
    kept: KeptCode | None
    pending: Register | Recover | None
    link: str | None
    """An invitation to accept when the account stands: the text of its link."""


@dataclass(frozen=True, slots=True)
class WaitingRow:
    """An invitation that was accepted: what was sent, and what the Welcome is judged by (E25, E29)."""

    invite_id: bytes
    room_id: bytes
    since: int
    not_after: int
    state: Literal["asking", "waiting", "expired"]
    token: bytes
    sealed: bytes
    expectation: JoinExpectation


@dataclass(frozen=True, slots=True)
class JoinedRow:
    """Where an invitation led."""

    invite_id: bytes
    room_id: bytes


@dataclass(frozen=True, slots=True)
class AlarmRow:
    id: bytes
    code: str
    room_id: bytes | None
    who: bytes | None
    name: str | None
    """As the person was called then."""
    at: int
    evidence: bytes | None


# Calls to the server that must not be lost: done until they were answered, not before `not_before` (ms).


@dataclass(frozen=True, slots=True)
class BackupErrand:
    not_before: int


@dataclass(frozen=True, slots=True)
class WithdrawTokenErrand:
    not_before: int
    invite_id: bytes


@dataclass(frozen=True, slots=True)
class RejoinErrand:
    not_before: int
    room_id: bytes
    sealed: bytes


Errand = BackupErrand | WithdrawTokenErrand | RejoinErrand


@dataclass(frozen=True, slots=True)
class Founding:
    """A group that is being started: between the server's word and the vault's."""

    room_id: bytes
    title: str


@dataclass(frozen=True, slots=True)
class KeptKeyPackage:
    """One of this device's, with its private keys: until it was used, or a while after it ran out (E10)."""

    ref: bytes
    key_package: bytes
    secrets: KeyPackageSecrets
    not_after: int
    last_resort: bool
    sent: bool
    """The server was heard to have taken it."""


@dataclass(frozen=True, slots=True)
class SeenKeyPackage:
    """One of another device that the server has handed to this one: it is taken once (THREATS 3)."""

    ref: bytes
    not_after: int


@dataclass(frozen=True, slots=True)
class Records:
    account: Account
    people: KnownPeople = field(default_factory=lambda: NOBODY)
    alarms: tuple[AlarmRow, ...] = ()
    errands: tuple[Errand, ...] = ()
    waiting: tuple[WaitingRow, ...] = ()
    joined: tuple[JoinedRow, ...] = ()
    founding: Founding | None = None
    key_packages: tuple[KeptKeyPackage, ...] = ()
    seen_key_packages: tuple[SeenKeyPackage, ...] = ()
    rooms: tuple[bytes, ...] = ()
    """Those that have rows."""


_CODECS: Final[Mapping[str, Record[Any]]] = {
    "account": Record(Account),
    "people": Record(KnownPeople),
    "alarms": Record(tuple[AlarmRow, ...]),
    "errands": Record(tuple[Errand, ...]),
    "waiting": Record(tuple[WaitingRow, ...]),
    "joined": Record(tuple[JoinedRow, ...]),
    "founding": Record(Founding | None),
    "key_packages": Record(tuple[KeptKeyPackage, ...]),
    "seen_key_packages": Record(tuple[SeenKeyPackage, ...]),
    "rooms": Record(tuple[bytes, ...]),
}
RECORD_ROWS: Final = tuple(_CODECS)


def record_rows(before: Records | None, after: Records) -> dict[str, bytes]:
    """The rows that differ; `before` None: all of them."""
    return {
        name: codec.encode(getattr(after, name))
        for name, codec in _CODECS.items()
        if before is None or getattr(before, name) is not getattr(after, name)
    }


def read_records(values: Sequence[bytes | None]) -> Records:
    """From the values of RECORD_ROWS, None where there is no row. Raises DamagedRowError."""
    found: dict[str, Any] = {}
    for (name, codec), value in zip(_CODECS.items(), values, strict=True):
        if value is None and name != "account":
            continue  # of a later version than this store: as in a new account
        try:
            found[name] = codec.decode(value or b"")
        except StorageError as error:
            raise DamagedRowError(name) from error
    return Records(**found)


def with_alarm(records: Records, alarm: AlarmRow) -> Records:
    """The same alarm about the same room and person is one, and the newest is first."""

    def tag(one: AlarmRow) -> tuple[object, ...]:
        return one.code, one.room_id, one.who

    others = [one for one in records.alarms if tag(one) != tag(alarm)]
    return replace(records, alarms=(alarm, *others)[:MAX_ALARMS])


def _purpose(errand: Errand) -> tuple[object, ...]:
    match errand:
        case BackupErrand():
            return ("backup",)
        case WithdrawTokenErrand(invite_id=invite_id):
            return ("withdraw_token", invite_id)
        case RejoinErrand(room_id=room_id):
            return ("rejoin", room_id)


def with_errand(records: Records, errand: Errand) -> Records:
    """A newer errand of the same purpose takes the place of the older one.

    But for a request that is asked for again while it waits: it may be on its way, and is posted once.
    """
    if isinstance(errand, RejoinErrand) and errand in records.errands:
        return records
    others = [one for one in records.errands if _purpose(one) != _purpose(errand)]
    return replace(records, errands=(*others, errand))


def without_errand(records: Records, errand: Errand) -> Records:
    return replace(records, errands=tuple(one for one in records.errands if one is not errand))


def without_old_request(records: Records, room_id: bytes, current: bytes | None) -> Records:
    """`current`: the request that the room waits for, if it waits for one."""
    left = tuple(
        one
        for one in records.errands
        if not isinstance(one, RejoinErrand) or one.room_id != room_id or one.sealed == current
    )
    return records if len(left) == len(records.errands) else replace(records, errands=left)


def with_joined(records: Records, row: WaitingRow) -> Records:
    """The invitation led into its room: no other waits for it any more."""
    joined = (*records.joined, JoinedRow(row.invite_id, row.room_id))[-MAX_JOINED:]
    waiting = tuple(one for one in records.waiting if one.room_id != row.room_id)
    return replace(records, joined=joined, waiting=waiting)
