"""Messages of the log: opened in exactly the epoch they were made in, checked, taken into the state (E16,
E17, E19).
"""

from dataclasses import dataclass, replace
from typing import Literal

from client.room import effects
from client.room.endings import copy_found
from client.room.faults import Fault, judged
from client.room.outbox import queue_event
from client.room.said import said_by
from client.room.seen import Place, Position, check_seen, note_unreadable
from client.room.signals import stopped_typing
from client.room.snapshots import note_snapshot_page, take_check, take_happened, take_over
from client.room.state import Held, HeldCommit, HeldEvent, Made, Outgoing
from client.room.turn import Turn
from crypto.identity.credential import LeafIdentity
from crypto.mls.application import OpenedApplication, Unprotected, unprotect
from crypto.room.bodies import (
    Delete,
    Edit,
    EventBody,
    Post,
    Profile,
    React,
    SnapshotCheck,
    SnapshotPage,
    decode_body,
    encode_body,
)
from crypto.room.call_bodies import (
    Attended,
    CallRecord,
    Meeting,
    MeetingCancel,
    MeetingChange,
    Ring,
    RingEnd,
)
from crypto.room.call_lines import call_line, named_origin, ring_line_id
from crypto.room.calls import has_lapsed, ring_of
from crypto.room.events import (
    Envelope,
    decode_envelope,
    encode_envelope,
    event_signature_is_valid,
)
from crypto.room.fold import EventPlace, Fold, fold_event
from crypto.room.log_head import SEEN_HEAD_LENGTH, Seen
from crypto.room.timeline import SystemItem, find_system, with_said, with_sitting, with_system
from wire.frames import Entry


@dataclass(frozen=True, slots=True)
class OwnEvent:
    sent: Outgoing
    made: Made


def own_event(outbox: tuple[Outgoing, ...], hash_: bytes) -> OwnEvent | None:
    """One of our own events at its position: from what was stored, never decrypted."""
    for sent in outbox:
        for made in sent.made:
            if made.hash == hash_:
                return OwnEvent(sent, made)
    return None


def confirm_own(turn: Turn, place: Place, own: OwnEvent) -> None:
    sent, made = own.sent, own.made
    outbox = tuple(one for one in turn.state.outbox if one is not sent)
    turn.state = replace(turn.state, outbox=outbox)
    if turn.state.membership is None:
        return
    # Its own head is not judged again.
    seen = Seen(0, bytes(SEEN_HEAD_LENGTH))
    event = sent.event
    envelope = Envelope(sent.id, event.type, made.counter, seen, encode_body(event), made.signature)
    # A repetition by its counter is refused by all alike: the person's words go again, as something new.
    if _fold_in(turn, place, turn.state.membership.me, envelope) == "repeated":
        queue_event(turn, event)


def read_message(turn: Turn, entry: Entry) -> None:
    membership = turn.state.membership
    if membership is None:
        return
    place = Place(entry.id, entry.n, entry.time)
    opened = judged(lambda: unprotect(membership.group, entry.payload))
    if isinstance(opened, Fault):
        note_unreadable(turn, place, "damaged", None)
        return
    if opened.sender == opened.group.own_leaf:
        # E39: its signature is ours, and this store does not know it.
        copy_found(turn)
        return
    turn.set_group(opened.group)
    turn.wipe(opened.consumed)
    leaf = membership.roster[opened.sender]
    envelope = judged(lambda: _envelope_of(turn, entry, opened, leaf))
    if envelope is None or isinstance(envelope, Fault):
        note_unreadable(turn, place, "other", leaf)
        return
    at = Position(entry.n, entry.time, turn.log.after)
    if turn.state.newcomer is not None:
        _hold(turn, at, leaf, envelope)
        return
    check_seen(turn, at, leaf, envelope.seen, entry.payload)
    _fold_in(turn, place, leaf, envelope)


def _envelope_of(turn: Turn, entry: Entry, opened: Unprotected, leaf: LeafIdentity) -> Envelope | None:
    # E16: one id, in the frame, in the clear and inside.
    if not isinstance(opened.content, OpenedApplication) or opened.authenticated_data != entry.id:
        return None
    envelope = decode_envelope(opened.content.data)
    if envelope.id != entry.id:
        return None
    return envelope if event_signature_is_valid(leaf.leaf_key, turn.state.room_id, envelope) else None


def _hold(turn: Turn, at: Position, leaf: LeafIdentity, envelope: Envelope) -> None:
    """A newcomer holds what it reads until the state that it belongs to is there (E24)."""
    newcomer = turn.state.newcomer
    if newcomer is None:
        return
    held = HeldEvent(at.n, at.time, at.after, leaf, envelope.seen, encode_envelope(envelope))
    turn.state = replace(turn.state, newcomer=replace(newcomer, held=(*newcomer.held, held)))
    event = judged(lambda: decode_body(envelope.type, envelope.body))
    if isinstance(event, SnapshotPage):
        for one in take_over(turn, leaf, event):
            _take_held(turn, one)


def _take_held(turn: Turn, held: Held) -> None:
    """What was held, now that the state at the Add is here."""
    at = Position(held.n, held.time, held.after)
    match held:
        case HeldCommit():
            check_seen(turn, at, held.leaf, held.seen, held.id)
            take_happened(turn, Place(held.id, held.n, held.time), held.happened)
        case HeldEvent():
            envelope = decode_envelope(held.envelope)
            check_seen(turn, at, held.leaf, held.seen, held.envelope)
            _fold_in(turn, Place(envelope.id, held.n, held.time), held.leaf, envelope)


def _fold_in(
    turn: Turn, place: Place, leaf: LeafIdentity, envelope: Envelope
) -> Literal["taken", "repeated"]:
    """An authentic event becomes part of what everyone computes alike, and of what is shown."""
    decoded = judged(lambda: decode_body(envelope.type, envelope.body))
    event = None if isinstance(decoded, Fault) else decoded
    author = EventPlace(place.n, leaf.account_id, leaf.device_id, place.time)
    before = turn.state.fold
    folded = fold_event(before, author, envelope, event)
    turn.state = replace(turn.state, fold=folded.fold)
    if turn.chores.first_event == 0:
        turn.chores = replace(turn.chores, first_event=turn.env.now)
    if folded.repeated or isinstance(decoded, Fault):
        note_unreadable(turn, place, "other", leaf)
    elif event is None:
        line = SystemItem(place.id, place.n, place.time, "newer_version", leaf.account_id, None, "")
        turn.state = replace(turn.state, timeline=with_system(turn.state.timeline, line))
    else:
        _apply(turn, place, leaf, event, before)
    return "repeated" if folded.repeated else "taken"


def _apply(turn: Turn, place: Place, leaf: LeafIdentity, event: EventBody, before: Fold) -> None:
    match event:
        case Post() | Edit() | Delete() | React():
            _say(turn, place, leaf, event)
        case Profile(name):
            turn.state = replace(turn.state, names={**turn.state.names, leaf.account_id: name})
        case SnapshotPage():
            note_snapshot_page(turn, leaf, event)
        case SnapshotCheck():
            take_check(turn, leaf, event)
        case Attended() | CallRecord():
            timeline = turn.state.timeline
            origin = named_origin(timeline, turn.state.fold, event)
            timeline = with_sitting(timeline, event, leaf.account_id, place.n, place.time, origin)
            turn.state = replace(turn.state, timeline=timeline)
        case Ring() | RingEnd() | Meeting() | MeetingChange() | MeetingCancel():
            _note_call(turn, place, leaf, event, before)
        # Who is stuck rejoins by itself; the successor room of E18 would begin here.


def _note_call(turn: Turn, place: Place, leaf: LeafIdentity, event: EventBody, before: Fold) -> None:
    line = call_line(before, turn.state.fold, event)
    if line is None:
        return
    author = leaf.account_id
    timeline, id_ = turn.state.timeline, place.id
    if isinstance(event, Ring) and find_system(timeline, ring_line_id(event.call)) is None:
        id_ = ring_line_id(event.call)
    item = SystemItem(id_, place.n, place.time, line.code, None, author, line.detail)
    turn.state = replace(turn.state, timeline=with_system(timeline, item))
    if isinstance(event, Ring) and author != turn.env.me.account_id:
        ring = ring_of(turn.state.fold.rings, event.call)
        if ring is not None and not has_lapsed(ring, turn.env.server_now):
            turn.effect(effects.Rang(event.call))


def _say(turn: Turn, place: Place, leaf: LeafIdentity, event: EventBody) -> None:
    said = said_by(place.id, event)
    if said is None:
        return
    timeline = with_said(turn.state.timeline, said, leaf.account_id, place.n, place.time)
    turn.state = replace(turn.state, timeline=timeline)
    stopped_typing(turn, leaf.device_id)
    if isinstance(event, Post) and leaf.account_id != turn.env.me.account_id:
        turn.effect(effects.Arrived(place.id))
