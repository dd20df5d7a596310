"""The log as it comes: entry by entry without holes, its running hash, and what was deleted (E17, E19,
E23).
"""

from dataclasses import replace
from typing import Literal

from client.room import effects
from client.room.clear_header import epoch_of
from client.room.commits import read_commit, read_leave
from client.room.endings import left_room
from client.room.heads import with_head
from client.room.merging import drop_staged
from client.room.outbox import reseal
from client.room.reading import confirm_own, own_event, read_message
from client.room.rejoining import begin_rejoin, settle_outbox
from client.room.seen import Place, note_unreadable
from client.room.sitting import nothing_said
from client.room.snapshots import owe_snapshot
from client.room.state import Fetching, Happened, Passed
from client.room.turn import Turn
from crypto.mls.group import epoch
from crypto.room.log_head import next_head, payload_hash
from wire.frames import Entry, Fetch, Gap

MAX_PAYLOAD = 1024 * 1024
"""E26: before it is parsed."""
MAX_FETCH = 1000
FETCH_WAIT_MS = 20_000
"""How long the server has for what was asked of it, and how often it is asked."""
FETCH_TRIES = 3


def on_entry(turn: Turn, entry: Entry) -> None:
    _raise_target(turn, entry.n)
    state = turn.state
    # While it waits to be added again, the log waits too: it is read on from where this device stands.
    if state.stage != "member" or state.membership is None or not _follows(turn, entry.n):
        return
    if len(entry.payload) > MAX_PAYLOAD:
        return
    hash_ = payload_hash(entry.payload)
    happened = _process(turn, entry, hash_)
    if happened == "stopped":
        return
    _advance(turn, entry.n, entry.time, hash_)
    if entry.kind != "message":
        turn.log = replace(turn.log, after=entry.n)
        reseal(turn)
    if happened is not None:
        owe_snapshot(turn, entry.n, happened)


def _process(turn: Turn, entry: Entry, hash_: bytes) -> Happened | Literal["stopped"] | None:
    """`stopped`: this device cannot go on here; the entry is read once more when it has come back."""
    newcomer, leaving = turn.state.newcomer, turn.state.leaving
    own = own_event(turn.state.outbox, hash_)
    if own is not None and own.sent.id == entry.id:
        confirm_own(turn, Place(entry.id, entry.n, entry.time), own)
        return None
    if newcomer is not None and entry.n <= newcomer.c:
        # Before this device came (again): only its place in the running hash counts.
        _drop_said_elsewhere(turn, entry)
        return None
    if leaving is not None and hash_ in leaving.hashes:
        left_room(turn)
        return None
    if _missed_commit(turn, entry):
        # E23: a commit was deleted before this device had it.
        begin_rejoin(turn)
        return "stopped"
    happened = _read(turn, entry, hash_)
    # E39: the state is destroyed. (Whoever is stuck keeps the old epoch, and has this position behind it.)
    destroyed = turn.state.stage == "rejoining" and turn.state.membership is None
    return "stopped" if destroyed else happened


def _read(turn: Turn, entry: Entry, hash_: bytes) -> Happened | None:
    match entry.kind:
        case "commit":
            return read_commit(turn, entry, hash_)
        case "leave":
            read_leave(turn, entry)
        case "message":
            read_message(turn, entry)
    return None


def _drop_said_elsewhere(turn: Turn, entry: Entry) -> None:
    """E39: another copy of this device has said it under the same id; to say it again would double it."""
    outbox = turn.state.outbox
    if any(one.id == entry.id for one in outbox):
        said = (replace(one, acked=entry.n) if one.id == entry.id else one for one in outbox)
        turn.state = replace(turn.state, outbox=tuple(said))
        settle_outbox(turn, entry.n)


def _missed_commit(turn: Turn, entry: Entry) -> bool:
    membership = turn.state.membership
    if not turn.log.gap or membership is None:
        return False
    named = epoch_of(entry.payload)
    return named is not None and named > epoch(membership.group)


def _follows(turn: Turn, n: int) -> bool:
    """Whether position n is the next one. A repetition is ignored; a hole is asked for."""
    if n == turn.log.n + 1:
        return True
    if n > turn.log.n:
        fetch_missing(turn, n - 1)
    return False


def _raise_target(turn: Turn, n: int) -> None:
    if n > turn.link.target:
        turn.link = replace(turn.link, target=n)


def fetch_missing(turn: Turn, upto: int) -> None:
    """Ask for what stands between here and there, once at a time."""
    link = turn.link
    # Whoever waits to be added again does not read on: what it is sent would never be what it asked for.
    if turn.state.stage == "member" and link.fetching is None and link.connected and upto > turn.log.n:
        _ask(turn, upto, 1)


def _ask(turn: Turn, upto: int, tries: int) -> None:
    n = turn.log.n
    limit = min(MAX_FETCH, upto - n)
    turn.link = replace(turn.link, fetching=Fetching(n + limit, turn.env.now, tries))
    turn.send(fetch_frame(turn.state.room_id, n + 1, limit))


def fetch_frame(room: bytes, start: int, limit: int) -> Fetch:
    return Fetch.model_validate({"room": room, "from": start, "limit": limit})


def watch_fetch(turn: Turn) -> None:
    """When what was asked for does not come: once more, and in the end without it."""
    fetching, newcomer = turn.link.fetching, turn.state.newcomer
    if fetching is None or turn.env.now < fetching.at + FETCH_WAIT_MS:
        return
    if fetching.tries < FETCH_TRIES:
        _ask(turn, fetching.upto, fetching.tries + 1)
        return
    turn.link = replace(turn.link, fetching=None)
    if newcomer is not None and turn.log.n < newcomer.c:
        _skip_to_coming(turn, newcomer.c)
    else:
        # E23: it is kept nowhere any more, or is held back.
        turn.alarm("log_broken", None)
        begin_rejoin(turn)


def fetch_due(turn: Turn) -> int | None:
    fetching = turn.link.fetching
    return None if fetching is None else fetching.at + FETCH_WAIT_MS


def _skip_to_coming(turn: Turn, c: int) -> None:
    """A device that comes again is given nothing from before: it begins at its coming, and the snapshot
    tells the head.
    """
    turn.log = replace(turn.log, n=c, head=None, heads=(), after=c)
    settle_outbox(turn, c)
    fetch_missing(turn, turn.link.target)


def _advance(turn: Turn, n: int, time: int, hash_: bytes) -> None:
    """One position further: E19."""
    log, newcomer = turn.log, turn.state.newcomer
    head = None if log.head is None else next_head(log.head, n, time, hash_)
    heads = log.heads if head is None else with_head(log.heads, n, head)
    turn.log = replace(log, n=n, time=time, head=head, heads=heads)
    if newcomer is not None and n == newcomer.c:
        turn.log = replace(turn.log, after=n)
        reseal(turn)
    if newcomer is not None and n > newcomer.c and head is None:
        passed = (*newcomer.entries, Passed(n, time, hash_))
        turn.state = replace(turn.state, newcomer=replace(newcomer, entries=passed))
    turn.effect(effects.Cursor(n))
    fetching = turn.link.fetching
    if fetching is None:
        return
    if n < fetching.upto:
        turn.link = replace(turn.link, fetching=replace(fetching, at=turn.env.now))
        return
    turn.link = replace(turn.link, fetching=None)
    fetch_missing(turn, turn.link.target)


def on_gap(turn: Turn, gap: Gap) -> None:
    """E23: of what was deleted, enough is left for the head. Its words are gone for this device."""
    for one in gap.entries:
        _raise_target(turn, one.n)
        state = turn.state
        if state.stage != "member" or state.membership is None or not _follows(turn, one.n):
            continue
        own = own_event(state.outbox, one.hash)
        if own is not None:
            confirm_own(turn, Place(own.sent.id, one.n, one.time), own)
        elif state.newcomer is None or one.n > state.newcomer.c:
            _note_missed(turn, Place(one.hash[:16], one.n, one.time))
        _advance(turn, one.n, one.time, one.hash)


def _note_missed(turn: Turn, place: Place) -> None:
    unreadable = turn.chores.unreadable
    note_unreadable(turn, place, "missed", None)
    turn.chores = replace(turn.chores, unreadable=unreadable)  # it proves nothing: it is gone
    turn.state = replace(turn.state, whole=False)
    if not turn.log.gap:
        turn.log = replace(turn.log, gap=True)


def on_caught_up(turn: Turn, last: int) -> None:
    """All that the server has was sent."""
    _raise_target(turn, last)
    turn.link = replace(turn.link, caught_up=True)
    nothing_said(turn)
    fetch_missing(turn, turn.link.target)


def check_after(turn: Turn, after: int) -> None:
    """The server names a Commit or leave that this device should have processed. One that it has passed
    without seeing it was deleted: its epoch is lost to this device (E23).
    """
    log = turn.log
    if turn.state.stage != "member" or turn.state.newcomer is not None:
        return
    if after <= log.after or after > log.n:
        return
    if not log.gap:
        turn.alarm("log_broken", None)
    drop_staged(turn)
    begin_rejoin(turn)
