"""What is said outside the log: under a key of the epoch, to whoever is connected (E38)."""

from dataclasses import replace

from client.room.turn import Turn
from crypto.mls.group import Group, export_secret
from crypto.room.ephemeral import EPHEMERAL_LABEL, EPHEMERAL_LENGTH, AnySignal, new_sender, seal_signal
from wire.frames import Ephemeral


def signal_key(group: Group) -> bytes:
    return export_secret(group, EPHEMERAL_LABEL, b"", EPHEMERAL_LENGTH)


def send_signal(turn: Turn, signal: AnySignal) -> None:
    membership = turn.state.membership
    if membership is None:
        return
    group = membership.group
    sender = turn.presence.sender or new_sender(group.own_leaf, turn.env.rng)
    sealed = seal_signal(signal_key(group), sender, signal, turn.env.server_now)
    turn.presence = replace(turn.presence, sender=sealed.sender)
    turn.send(Ephemeral(room=turn.state.room_id, payload=sealed.payload))
