"""A room as it is stored: one small row that names the others, the group in two (what changes with commits,
what changes with every message), heads and timeline in chunks, and a row for each event on its way. Only
what changed is written.

Rows are sealed by the store, so what is read back is what was written; it is decoded, not judged again.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from itertools import starmap
from typing import Any, TypeVar

import cbor2

from client.room.call_state import NO_CALL, NO_MEDIA
from client.room.commands import Intent
from client.room.heads import HeadChunk, chunk_number
from client.room.records import MAX_RECORD_BYTES, Record
from client.room.staged import SentCommit, StagedCommit
from client.room.state import (
    NO_DUES,
    NOBODY,
    OFFLINE,
    Chores,
    EpochMaker,
    Leaving,
    Membership,
    Newcomer,
    Outgoing,
    Pause,
    PendingLeave,
    Provisional,
    Rejoining,
    RoomLog,
    RoomState,
    SnapshotDuty,
    Stage,
)
from client.room.surface import JoinExpectation
from crypto.mls.errors import StorageError
from crypto.mls.group import Group, extensions, members
from crypto.mls.group_state import (
    StoredGroup,
    decode_group,
    encode_epoch,
    encode_ratchets,
    in_same_epoch,
)
from crypto.room.fold import FOLD_VERSION, Fold
from crypto.room.room_context import read_room_extensions
from crypto.room.roster import roster_of
from crypto.room.timeline import Segment, SystemItem, Timeline, timeline_of
from wire.codec import DecodeError, items

T = TypeVar("T")

CORE_ROW = "core"
"""The row to read first; `row_names` tells the others."""
FORMAT = 2
FORMER_FORMAT = 1
"""Its fold had no rings and no meetings, and it knew of no calls."""

EPOCH = "epoch"
RATCHETS = "ratchets"
STAGED = "staged"
STAGED_EPOCH = "staged/epoch"
STAGED_RATCHETS = "staged/ratchets"
NEWCOMER = "newcomer"
HEADS = "heads/"
TIMELINE = "timeline/"
OUT = "out/"


@dataclass(frozen=True, slots=True)
class RowChange:
    """The rows that changed, by their names below the room's prefix."""

    put: dict[str, bytes] = field(default_factory=dict)
    drop: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Log:
    """RoomLog without its heads."""

    n: int
    head: bytes | None
    time: int
    after: int
    maker: EpochMaker
    gap: bool


@dataclass(frozen=True, slots=True)
class _Core:
    """The core row: RoomState without what is volatile or has rows of its own."""

    format: int
    rows: tuple[str, ...]
    deployment: bytes | None
    log: _Log
    room_id: bytes
    stage: Stage
    title: str
    fold: Fold
    whole: bool
    names: Mapping[bytes, str]
    counter: int
    intents: tuple[Intent, ...]
    leaves: tuple[PendingLeave, ...]
    leaving: Leaving | None
    provisional: Provisional | None
    duties: tuple[SnapshotDuty, ...]
    rejoining: Rejoining | None
    pause: Pause | None
    tolerated: frozenset[bytes]
    read_up_to: int
    confirmed_at: int | None
    chores: Chores


_CORE: Record[_Core] = Record(_Core)
_STAGED: Record[SentCommit] = Record(SentCommit)
_NEWCOMER: Record[Newcomer] = Record(Newcomer)
_CHUNK: Record[HeadChunk] = Record(HeadChunk)
_SEGMENT: Record[Segment] = Record(Segment)
_OUTGOING: Record[Outgoing] = Record(Outgoing)
_EXPECTATION: Record[JoinExpectation] = Record(JoinExpectation)

_OWN_COLUMNS = ("format", "rows", "deployment", "log")
_AS_THEY_ARE = tuple(one.name for one in fields(_Core) if one.name not in _OWN_COLUMNS)


def _heads_row(_: int, chunk: HeadChunk) -> str:
    return f"{HEADS}{chunk_number(chunk)}"


def _segment_row(index: int, _: Segment) -> str:
    return f"{TIMELINE}{index}"


def _outgoing_row(_: int, outgoing: Outgoing) -> str:
    return f"{OUT}{outgoing.id.hex()}"


# Writing


def _core_row(state: RoomState) -> bytes:
    log, membership = state.log, state.membership
    rows = [
        *(() if membership is None else (EPOCH, RATCHETS)),
        *(() if state.staged is None else (STAGED, STAGED_EPOCH, STAGED_RATCHETS)),
        *(() if state.newcomer is None else (NEWCOMER,)),
        *starmap(_heads_row, enumerate(log.heads)),
        *starmap(_segment_row, enumerate(state.timeline)),
        *starmap(_outgoing_row, enumerate(state.outbox)),
    ]
    leaving = None if state.leaving is None else replace(state.leaving, in_flight=False)
    kept = {name: getattr(state, name) for name in _AS_THEY_ARE} | {"leaving": leaving}
    core = _Core(
        format=FORMAT,
        rows=tuple(rows),
        deployment=None if membership is None else membership.me.deployment_id,
        log=_Log(log.n, log.head, log.time, log.after, log.maker, log.gap),
        **kept,
    )
    return _CORE.encode(core)


def _outgoing_value(outgoing: Outgoing) -> bytes:
    return _OUTGOING.encode(replace(outgoing, in_flight=False))


def _each(
    change: RowChange,
    before: Sequence[T],
    after: Sequence[T],
    name_of: Callable[[int, T], str],
    encode: Callable[[T], bytes],
) -> None:
    """A row for each item, by its name; those that are not there any more go."""
    if before is after:
        return
    had = {name_of(index, one): one for index, one in enumerate(before)}
    for index, one in enumerate(after):
        name = name_of(index, one)
        if had.pop(name, None) is not one:
            change.put[name] = encode(one)
    change.drop.extend(had)


def _group(change: RowChange, before: Group | None, after: Group | None, epoch: str, ratchets: str) -> None:
    if after is before:
        return
    if after is None:
        change.drop.extend((epoch, ratchets))
        return
    if before is None or not in_same_epoch(before, after):
        change.put[epoch] = encode_epoch(after)
    change.put[ratchets] = encode_ratchets(after)


def _one(
    change: RowChange, before: T | None, after: T | None, name: str, encode: Callable[[T], bytes]
) -> None:
    _each(change, _some(before), _some(after), lambda *_: name, encode)


def _some(one: T | None) -> tuple[T, ...]:
    return () if one is None else (one,)


def _group_of(state: RoomState | None) -> Group | None:
    return None if state is None or state.membership is None else state.membership.group


def room_rows(before: RoomState | None, after: RoomState) -> RowChange:
    """The stored rows that changed. `before` None: all of them."""
    change = RowChange()
    staged = None if before is None else before.staged
    _group(change, _group_of(before), _group_of(after), EPOCH, RATCHETS)
    _group(
        change,
        None if staged is None else staged.next,
        None if after.staged is None else after.staged.next,
        STAGED_EPOCH,
        STAGED_RATCHETS,
    )
    _one(change, staged, after.staged, STAGED, _STAGED.encode)
    _one(change, None if before is None else before.newcomer, after.newcomer, NEWCOMER, _NEWCOMER.encode)
    heads = () if before is None else before.log.heads
    _each(change, heads, after.log.heads, _heads_row, _CHUNK.encode)
    timeline = () if before is None else before.timeline
    _each(change, timeline, after.timeline, _segment_row, _SEGMENT.encode)
    outbox = () if before is None else before.outbox
    _each(change, outbox, after.outbox, _outgoing_row, _outgoing_value)
    if before is None or change.put or change.drop or not _same_core(before, after):
        change.put[CORE_ROW] = _core_row(after)
    return change


def _same_core(before: RoomState, after: RoomState) -> bool:
    return before.log == after.log and all(
        getattr(before, name) == getattr(after, name) for name in _AS_THEY_ARE
    )


# Reading


def _damaged(what: str) -> StorageError:
    return StorageError("room_rows", f"{what} of a stored room is missing or of another program")


def _as_now(data: bytes) -> bytes:
    """A core row as this format has it."""
    core = _former_core(data)
    if core is None:
        return data
    fold = {**core["fold"], "version": FOLD_VERSION, "rings": [], "meetings": []}
    chores = {"called": False, **core["chores"]}
    return cbor2.dumps({**core, "format": FORMAT, "fold": fold, "chores": chores})


def _former_core(data: bytes) -> dict[str, Any] | None:
    """None for a row of this format, and for what the reader is to refuse."""
    try:
        found = items(data, MAX_RECORD_BYTES)
    except DecodeError:
        return None
    core = found[0] if len(found) == 1 else None
    if not isinstance(core, dict) or core.get("format") != FORMER_FORMAT:
        return None
    return core if isinstance(core.get("fold"), dict) and isinstance(core.get("chores"), dict) else None


def _was_passed_unread(data: bytes, timeline: Timeline) -> bool:
    """Whether the former program has passed events that it did not know: what they did is missing from the
    fold, which does not have every event then (E23).
    """
    codes = (item.code for segment in timeline for item in segment if isinstance(item, SystemItem))
    return _former_core(data) is not None and "newer_version" in codes


def _core_of(data: bytes) -> _Core:
    core = _CORE.decode(_as_now(data))
    if core.format != FORMAT:
        raise _damaged(CORE_ROW)
    return core


def row_names(core: bytes) -> tuple[str, ...]:
    """The names of all rows besides the core row, as it says. Raises StorageError."""
    return _core_of(core).rows


def _row(rows: Mapping[str, bytes], name: str) -> bytes:
    if name not in rows:
        raise _damaged(name)
    return rows[name]


def _read_group(rows: Mapping[str, bytes], epoch: str, ratchets: str) -> Group:
    return decode_group(StoredGroup(_row(rows, epoch), _row(rows, ratchets)))


def _read_membership(rows: Mapping[str, bytes], core: _Core) -> Membership:
    group = _read_group(rows, EPOCH, RATCHETS)
    if core.deployment is None:
        raise _damaged("deployment")
    roster = roster_of(members(group), core.deployment)
    if group.own_leaf not in roster:
        raise _damaged("own leaf")
    return Membership(group, read_room_extensions(extensions(group)), roster, roster[group.own_leaf])


def _read_staged(rows: Mapping[str, bytes]) -> StagedCommit:
    sent = _STAGED.decode(_row(rows, STAGED))
    kept = {one.name: getattr(sent, one.name) for one in fields(SentCommit)}
    return StagedCommit(**kept, next=_read_group(rows, STAGED_EPOCH, STAGED_RATCHETS))


def load_room(rows: Mapping[str, bytes]) -> RoomState:
    """The room as its rows have it: the core row and all that it names. Raises StorageError."""
    core = _core_of(_row(rows, CORE_ROW))

    def of(prefix: str, record: Record[T]) -> tuple[T, ...]:
        return tuple(record.decode(_row(rows, name)) for name in core.rows if name.startswith(prefix))

    log = core.log
    kept = {name: getattr(core, name) for name in _AS_THEY_ARE}
    timeline = timeline_of(of(TIMELINE, _SEGMENT))
    if _was_passed_unread(rows[CORE_ROW], timeline):
        kept["whole"] = False
    return RoomState(
        membership=_read_membership(rows, core) if EPOCH in core.rows else None,
        log=RoomLog(log.n, log.head, log.time, log.after, of(HEADS, _CHUNK), log.maker, log.gap),
        timeline=timeline,
        outbox=of(OUT, _OUTGOING),
        staged=_read_staged(rows) if STAGED in core.rows else None,
        newcomer=_NEWCOMER.decode(_row(rows, NEWCOMER)) if NEWCOMER in core.rows else None,
        link=OFFLINE,
        dues=NO_DUES,
        requests=(),
        cursors={},
        presence=NOBODY,
        media=NO_MEDIA,
        call=NO_CALL,
        wake=None,
        **kept,
    )


# While it waits for its Welcome


def encode_expectation(expectation: JoinExpectation) -> bytes:
    return _EXPECTATION.encode(expectation)


def decode_expectation(data: bytes) -> JoinExpectation:
    """Raises StorageError."""
    return _EXPECTATION.decode(data)
