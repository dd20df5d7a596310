"""Who is here and who writes: sealed, never stored, and over by themselves; and signals of calls (E38)."""

from dataclasses import replace

from client.room.send_signal import send_signal, signal_key
from client.room.sitting import heard_in_call
from client.room.turn import Turn
from crypto.identity.credential import LeafIdentity
from crypto.mls.tree_math import leaf_index
from crypto.room.ephemeral import Signal, open_signal
from wire.frames import Ephemeral

TYPING_EVERY_MS = 3_000
TYPING_LASTS_MS = 7_000
HERE_EVERY_MS = 45_000
HERE_LASTS_MS = 100_000
ANSWER_EVERY_MS = 5_000
"""Somebody came: this device says that it is here too, but not to each of a crowd."""
MAX_SIGNAL = 2 * 1024
"""Before it is opened."""


def say_typing(turn: Turn) -> None:
    state, now = turn.state, turn.env.now
    if (
        state.stage != "member"
        or not state.link.connected
        or now < turn.presence.said_typing + TYPING_EVERY_MS
    ):
        return
    send_signal(turn, Signal("typing", True))
    turn.presence = replace(turn.presence, said_typing=now)


def say_here(turn: Turn) -> None:
    """From time to time while the connection is there."""
    if turn.env.now < here_due(turn):
        return
    send_signal(turn, Signal("presence", True))
    turn.presence = replace(turn.presence, said_here=turn.env.now)


def here_due(turn: Turn) -> int:
    return turn.presence.said_here + HERE_EVERY_MS


def on_signal(turn: Turn, frame: Ephemeral) -> None:
    membership, presence = turn.state.membership, turn.presence
    if turn.state.stage != "member" or membership is None or len(frame.payload) > MAX_SIGNAL:
        return
    opened = open_signal(signal_key(membership.group), presence.seen, frame.payload, turn.env.server_now)
    who = None if opened is None else membership.roster.get(leaf_index(opened.leaf))
    if opened is None or who is None:
        return
    turn.presence = replace(presence, seen=opened.seen)
    if isinstance(opened.signal, Signal):
        _seen(turn, who, opened.signal)
    else:
        heard_in_call(turn, who, opened.signal)


def _seen(turn: Turn, who: LeafIdentity, signal: Signal) -> None:
    presence, now, device = turn.presence, turn.env.now, who.device_id
    here, typing = dict(presence.here), dict(presence.typing)
    if signal.kind == "typing":
        if signal.on:
            typing[device] = now + TYPING_LASTS_MS
        else:
            typing.pop(device, None)
    arrives = here.get(device, 0) <= now
    if signal.kind == "presence" and not signal.on:
        here.pop(device, None)
    else:
        here[device] = now + HERE_LASTS_MS
    turn.presence = replace(presence, here=here, typing=typing)
    if arrives and device in here:
        answer = min(presence.said_here, now - HERE_EVERY_MS + ANSWER_EVERY_MS)
        turn.presence = replace(turn.presence, said_here=answer)


def stopped_typing(turn: Turn, device_id: bytes) -> None:
    """A message of theirs has come: they write no more."""
    typing = turn.presence.typing
    if device_id in typing:
        rest = {one: until for one, until in typing.items() if one != device_id}
        turn.presence = replace(turn.presence, typing=rest)


def signals_expire(turn: Turn) -> int | None:
    """When what is shown of others changes by itself."""
    presence = turn.presence
    ends = (*presence.here.values(), *presence.typing.values())
    return min((end for end in ends if end > turn.env.now), default=None)
