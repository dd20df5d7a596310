"""Events of this device on their way: said, sealed in the epoch that is current, sent until the server has
them (E16, E17).
"""

from dataclasses import dataclass, replace

from client.room import effects
from client.room.happenings import line_id
from client.room.heads import head_at
from client.room.state import Made, Outgoing, Sealed
from client.room.turn import Turn, seen_now
from crypto.mls.application import protect_application
from crypto.room.bodies import EventBody, encode_body
from crypto.room.call_bodies import Ring
from crypto.room.events import (
    Envelope,
    Unsigned,
    encode_envelope,
    event_authenticated_data,
    message_bucket,
    sign_event,
)
from crypto.room.log_head import list_hash, payload_hash
from crypto.room.roster import devices_of
from crypto.room.timeline import SystemItem
from wire.frames import Send

MAX_IN_FLIGHT = 64
"""Sent and not yet acknowledged at the same time."""
MAX_OUTBOX = 10_000
"""Said and not yet on the server. More is a program that runs wild."""
ID_BYTES = 16
RING_WAITS_MS = 5 * 60_000
"""A ring that could not be sent for so long is not sent any more: it says that help is wanted now."""
STORAGE_WAIT_MS = 2_000
"""How long this device waits when the server could not store."""


def queue_event(turn: Turn, event: EventBody) -> bytes:
    """Its id. It is sealed and sent when this device is level with the log."""
    id_ = turn.env.rng(ID_BYTES)
    turn.state = replace(turn.state, outbox=(*turn.state.outbox, Outgoing(id_, event, turn.env.now)))
    return id_


def send_outbox(turn: Turn) -> None:
    """Send what may be sent, in the order of its counters: a server that took a later one first would make
    it a repetition.
    """
    _drop_late_rings(turn)
    outbox = turn.state.outbox
    room = MAX_IN_FLIGHT - sum(one.in_flight and one.acked == 0 for one in outbox)
    again = [(one.sealed.counter, one) for one in outbox if one.sealed is not None and _waits(one)]
    for _, one in sorted(again, key=lambda pair: pair[0])[: max(room, 0)]:
        _send_sealed(turn, one)
    room -= len(again)
    if room <= 0:
        return
    for one in [one for one in outbox if one.sealed is None and one.acked == 0][:room]:
        _send_sealed(turn, _seal(turn, one))


def _drop_late_rings(turn: Turn) -> None:
    late = [one for one in turn.state.outbox if _is_late_ring(one, turn.env.now)]
    if late:
        turn.state = replace(turn.state, outbox=tuple(one for one in turn.state.outbox if one not in late))
        for _ in late:
            turn.effect(effects.Dropped("ring", "ring_late"))


def _is_late_ring(one: Outgoing, now: int) -> bool:
    """What was sealed once may be in the log."""
    return isinstance(one.event, Ring) and not one.made and now >= one.at + RING_WAITS_MS


def _waits(one: Outgoing) -> bool:
    return not one.in_flight and one.acked == 0


def _replace(turn: Turn, before: Outgoing, after: Outgoing) -> None:
    turn.state = replace(
        turn.state, outbox=tuple(after if one is before else one for one in turn.state.outbox)
    )


@dataclass(frozen=True, slots=True)
class SealedEvent:
    payload: bytes
    counter: int
    signature: bytes


def seal_event(turn: Turn, id_: bytes, event: EventBody) -> SealedEvent:
    """The event in this epoch, under the next counter of this device (E16)."""
    membership = turn.state.membership
    if membership is None:
        raise AssertionError("nothing is sealed without a group")
    group, counter = membership.group, turn.state.counter
    unsigned = Unsigned(id_, event.type, encode_body(event))
    signature = sign_event(group.signature_private_key, turn.state.room_id, unsigned)
    data = encode_envelope(
        Envelope(id_, unsigned.type, counter, seen_now(turn.state), unsigned.body, signature)
    )
    sealed = protect_application(
        group,
        data=data,
        authenticated_data=event_authenticated_data(id_),
        padded_to=message_bucket(len(data)),
        rng=turn.env.rng,
    )
    turn.set_group(sealed.group)
    turn.wipe(sealed.consumed)
    turn.state = replace(turn.state, counter=counter + 1)
    return SealedEvent(sealed.message, counter, signature)


def _seal(turn: Turn, outgoing: Outgoing) -> Outgoing:
    """The same event, the same id, in this epoch (E17)."""
    made = seal_event(turn, outgoing.id, outgoing.event)
    sealed = replace(
        outgoing,
        sealed=Sealed(made.payload, turn.log.after, made.counter),
        made=(*outgoing.made, Made(payload_hash(made.payload), made.counter, made.signature)),
    )
    _replace(turn, outgoing, sealed)
    return sealed


def _send_sealed(turn: Turn, outgoing: Outgoing) -> None:
    if turn.state.membership is None or outgoing.sealed is None:
        return
    send_message(turn, outgoing.id, outgoing.sealed.payload, outgoing.sealed.after)
    _replace(turn, outgoing, replace(outgoing, in_flight=True))


def send_message(turn: Turn, id_: bytes, payload: bytes, after: int) -> None:
    """A message for the log, with the hash of the list that this device's tree implies (E20)."""
    membership = turn.state.membership
    if membership is None:
        return
    turn.send(
        Send(
            room=turn.state.room_id,
            id=id_,
            kind="message",
            after=after,
            list=list_hash(devices_of(membership.roster)),
            payload=payload,
        )
    )


def _anew(one: Outgoing) -> Outgoing:
    return replace(one, sealed=None, in_flight=False, acked=0)


def reseal(turn: Turn) -> None:
    """A Commit or leave was processed: what was sealed before it and is not in the log by now never will
    be, since the server takes nothing with an older `after` (E17).
    """
    if turn.state.outbox:
        outbox = (one if one.sealed is None and one.acked == 0 else _anew(one) for one in turn.state.outbox)
        turn.state = replace(turn.state, outbox=tuple(outbox))


def acked(turn: Turn, id_: bytes, n: int) -> None:
    """The server has it, by its word; it is in the log when its entry comes."""
    found = _find(turn, id_)
    if found is None:
        return
    if n > turn.log.n:
        _replace(turn, found, replace(found, acked=n))
    elif not _was_read(turn, n):
        # It stood there and was deleted, or passed by, before this device read it (E23): an old copy of its
        # state, say, whose newer one had said it (E39). To say it again would double it; what stands there is
        # gone for this device, like all else of that time.
        turn.state = replace(turn.state, outbox=tuple(one for one in turn.state.outbox if one is not found))
    else:
        # Something else stands at that position under this id, which only a server that lies can bring about.
        _replace(turn, found, replace(_anew(found), id=turn.env.rng(ID_BYTES), made=()))


def _was_read(turn: Turn, n: int) -> bool:
    """Whether this device has had the entry itself at a position that it has passed: not where it was
    deleted, nor below the place where this device came, or came again.
    """
    state = turn.state
    if head_at(state.log.heads, n) is None:
        return False
    for segment in reversed(state.timeline):
        for item in reversed(segment):
            if not isinstance(item, SystemItem):
                continue
            came = line_id(state.room_id, item.n), line_id(turn.env.me.device_id, item.n)
            if (item.n == n and item.detail == "missed") or (item.n >= n and item.id in came):
                return False
    return True


def stale(turn: Turn, id_: bytes, after: int) -> None:
    """A Commit or leave came first: wait for it. An answer to an earlier attempt says nothing new."""
    found = _find(turn, id_)
    if found is not None and found.sealed is not None and found.sealed.after < after:
        _replace(turn, found, replace(found, sealed=None, in_flight=False))


def not_stored(turn: Turn, id_: bytes) -> None:
    """The server could not store it: once more, a little later. Sealed anew, since later ones may have been
    stored, and a counter below theirs would be a repetition.
    """
    found = _find(turn, id_)
    if found is not None:
        _replace(turn, found, replace(found, sealed=None, in_flight=False))
        turn.link = replace(turn.link, not_before=turn.env.now + STORAGE_WAIT_MS)


def _find(turn: Turn, id_: bytes) -> Outgoing | None:
    return next((one for one in turn.state.outbox if one.id == id_), None)
