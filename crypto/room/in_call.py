"""What is heard of the others in a call by signals (E38): hands, reactions, what is on. Kept nowhere.

Signals may be lost, so each device says anew what holds, every SAY_EVERY_MS and when somebody comes; what is
not said again is forgotten.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from crypto.room.ephemeral import CallMedia, CallReaction, CallSignal, Hand

SAY_EVERY_MS: Final = 20_000
LASTS_MS: Final = 50_000
REACTION_MS: Final = 6_000
MAX_DEVICES: Final = 64


@dataclass(frozen=True, slots=True)
class Heard:
    """Of one device. `hand`: since when it is up (ms). `until`: what holds unless it is said again."""

    sitting: bytes
    until: int
    hand: int | None = None
    media: CallMedia | None = None
    reaction: str | None = None
    reaction_until: int = 0


# By device.
InCall: TypeAlias = Mapping[bytes, Heard]


def heard(in_call: InCall, device: bytes, signal: CallSignal, now: int) -> InCall:
    """With what a device says at `now` (ms). What is over is dropped, and who says too much for too many."""
    going_on = {one: known for one, known in in_call.items() if known.until > now}
    known = going_on.get(device)
    if known is None and len(going_on) >= MAX_DEVICES:
        return going_on
    until = now + LASTS_MS
    # A device is in one sitting at a time: what it said in another is over.
    same = known if known is not None and known.sitting == signal.sitting else Heard(signal.sitting, until)
    return {**going_on, device: replace(_said(same, signal, now), until=until)}


def _said(known: Heard, signal: CallSignal, now: int) -> Heard:
    match signal:
        case Hand(_, on, since):
            # By a clock that is ahead it would be put up in the future.
            return replace(known, hand=min(since, now) if on else None)
        case CallReaction(_, emoji):
            return replace(known, reaction=emoji, reaction_until=now + REACTION_MS)
        case CallMedia():
            return replace(known, media=signal)


def hands_up(in_call: InCall, sitting: bytes, now: int) -> tuple[bytes, ...]:
    """Devices with a hand up, in the order in which they are called on."""
    up = [
        (known.hand, device)
        for device, known in in_call.items()
        if known.sitting == sitting and known.until > now and known.hand is not None
    ]
    return tuple(device for _, device in sorted(up))
