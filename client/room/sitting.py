"""Who is in the room's call, by the server's word; and what they say of themselves by signals (E37, E38)."""

from collections.abc import Mapping, Set
from dataclasses import replace
from typing import TypeVar

from client.room import effects
from client.room.call_state import SILENT, Call, InCall, MediaOff, Sitting
from client.room.send_signal import send_signal
from client.room.surface import CommandError
from client.room.turn import Turn, is_level
from crypto.identity.credential import LeafIdentity
from crypto.room.ephemeral import CallMedia, CallReaction, CallSignal, Hand
from crypto.room.text import is_emoji
from wire.frames import CallState

T = TypeVar("T")

AGAIN_AFTER_MS = 45_000
"""What holds with this device is said again at the latest after this time: a signal may be lost."""
SAY_EVERY_MS = 1_000
"""What changes quickly, and who comes in a crowd, is answered at once for all."""
REACTION_EVERY_MS = 500
"""Of one device: more are not said, and not shown."""
REACTION_HEARD_MS = 200
"""Two that were said in time may come closer together."""


# The server's word


def on_call_state(turn: Turn, frame: CallState) -> None:
    call = turn.call
    if turn.state.stage != "member" or turn.state.membership is None:
        return
    if not frame.participants or frame.call is None or frame.since is None:
        _nobody(turn)
        return
    known = devices_in(call.sitting)
    sitting = Sitting(frame.call, frame.since, tuple(frame.participants))
    here = devices_in(sitting)
    same = call.heard_in == frame.call
    turn.call = Call(
        sitting=sitting,
        told=True,
        over_at=None,
        last_at=None if here - {turn.env.me.device_id} else call.last_at,
        left_at=call.left_at,
        heard_at=turn.env.now if call.heard_at is None else call.heard_at,
        heard_in=frame.call,
        heard=_among(call.heard, here) if same else {},
        reacted=_among(call.reacted, here) if same else {},
        mine=call.mine if same else _hand_down(call.mine),
        said_at=call.said_at,
        # Whoever has just come has heard nothing.
        again=call.again or not here <= known,
    )
    # E37: whoever was in a call of this epoch had its keys.
    if not turn.chores.called:
        turn.chores = replace(turn.chores, called=True)


def devices_in(sitting: Sitting | None) -> Set[bytes]:
    return frozenset() if sitting is None else frozenset(one.device for one in sitting.participants)


def _among(of: Mapping[bytes, T], here: Set[bytes]) -> Mapping[bytes, T]:
    return {device: one for device, one in of.items() if device in here}


def _hand_down(mine: InCall | None) -> InCall | None:
    """What is on of a device's media outlasts a sitting that breaks off; a hand is one sitting's."""
    return mine and replace(mine, hand=None)


def _nobody(turn: Turn) -> None:
    call = turn.call
    turn.call = Call(
        told=True,
        over_at=turn.env.now if call.over_at is None else call.over_at,
        last_at=call.last_at,
        left_at=call.left_at,
        mine=_hand_down(call.mine),
        said_at=call.said_at,
        again=call.again,
    )
    # The last to leave has waited for this word.
    if call.last_at is not None:
        turn.dues = replace(turn.dues, after_call=None)


def nothing_said(turn: Turn) -> None:
    """The server has sent all that there is: of a call it would have spoken."""
    call = turn.call
    if not call.told:
        # What was heard stays: the word may follow, and it is the same call.
        over_at = turn.env.now if call.over_at is None else call.over_at
        turn.call = replace(call, sitting=None, told=True, over_at=over_at)


def call_unknown(turn: Turn) -> None:
    """A connection begins, or is gone: what was said on it may have changed since."""
    turn.call = replace(turn.call, told=False, over_at=None, again=turn.call.mine is not None)


# What this device says of itself


def say_in_call(turn: Turn, signal: CallSignal) -> None:
    """Raises CommandError."""
    call, now = turn.call, turn.env.now
    sitting = call.sitting
    if turn.state.stage != "member" or sitting is None or not _is_in(turn) or sitting.id != signal.sitting:
        raise CommandError("not_in_call")
    if not isinstance(signal, CallReaction):
        turn.call = replace(call, mine=_with_said(call.mine or SILENT, signal), again=True)
        return
    device = turn.env.me.device_id
    if not is_emoji(signal.emoji):
        raise CommandError("emoji")
    if not turn.link.connected:
        raise CommandError("offline")
    if now < call.reacted.get(device, 0) + REACTION_EVERY_MS:
        raise CommandError("too_often")
    turn.call = replace(call, reacted={**call.reacted, device: now})
    send_signal(turn, signal)


def _with_said(before: InCall, signal: Hand | CallMedia) -> InCall:
    if isinstance(signal, Hand):
        return replace(before, hand=signal.since if signal.on else None)
    return replace(before, mic=signal.mic, camera=signal.camera, screen=signal.screen)


def _is_in(turn: Turn) -> bool:
    """Whether this device is in the call, by its own word and by the server's."""
    listed = turn.env.me.device_id in devices_in(turn.call.sitting)
    return listed and not isinstance(turn.state.media, MediaOff)


def say_mine(turn: Turn) -> None:
    """What holds with this device, when it changed or somebody may not have heard it."""
    due, call = mine_due(turn), turn.call
    if due is None or due > turn.env.now or call.sitting is None or call.mine is None:
        return
    sitting, mine = call.sitting.id, call.mine
    send_signal(turn, CallMedia(sitting, mine.mic, mine.camera, mine.screen))
    if mine.hand is not None or call.again:
        send_signal(turn, Hand(sitting, mine.hand is not None, mine.hand or 0))
    turn.call = replace(turn.call, said_at=turn.env.now, again=False)


def mine_due(turn: Turn) -> int | None:
    call = turn.call
    if call.mine is None or not _is_in(turn) or not is_level(turn.state):
        return None
    return call.said_at + (SAY_EVERY_MS if call.again else AGAIN_AFTER_MS)


# What others say


def heard_in_call(turn: Turn, who: LeafIdentity, signal: CallSignal) -> None:
    call, device, now = turn.call, who.device_id, turn.env.now
    if call.sitting is None or call.sitting.id != signal.sitting or device not in devices_in(call.sitting):
        return
    if isinstance(signal, CallReaction):
        if now < call.reacted.get(device, 0) + REACTION_HEARD_MS:
            return
        turn.call = replace(call, reacted={**call.reacted, device: now})
    else:
        said = _with_said(call.heard.get(device, SILENT), signal)
        turn.call = replace(call, heard={**call.heard, device: said})
    turn.effect(effects.HeardInCall(who.account_id, device, signal))
