"""Waiting for a key frame: a line goes over to another source at the next one, and asks for it till then."""

from typing import Final

from signaling.sfu import rtcp
from signaling.sfu.departures import Out
from signaling.sfu.incoming import Incoming
from signaling.sfu.key_frames import SOURCE_GAP, Requester
from signaling.sfu.line import Line

MAKING: Final = 0.15
"""Seconds that a browser takes to make a key frame, besides the round trip, before it is asked again."""


def wait(line: Line, source: Incoming) -> None:
    """The line goes over to `source` at its next key frame; audio at its next packet."""
    if line.waiting is not source:
        line.stop_waiting()
        line.waiting = source
        line.asked_at = float("-inf")
        source.waiting.append(line)


def ask(out: Out, source: Incoming, requester: Requester | None, now: float) -> bool:
    """On behalf of a requester, or of everybody: then what the source lacks is its own path's doing."""
    keys = source.keys
    if not keys.is_free(now):
        return False
    if requester is not None and not (keys.bears(now) and requester.may_ask(now, keys.came_at)):
        return False
    keys.asked(now)
    owner = source.section.owner
    out.append((owner.session, rtcp.picture_loss(owner.ssrc, source.ssrc), True))
    return True


def ask_waiting(out: Out, source: Incoming, now: float) -> None:
    """A key frame for those who wait for one, again when the last request had time to be answered."""
    if not source.video:
        return
    period = max(SOURCE_GAP, source.section.owner.round_trip + MAKING)
    for line in source.waiting:
        if now - line.asked_at >= period and ask(out, source, line.switcher, now):
            line.asked_at = now
    # We know it before those who look on do: a browser trusts for three seconds that a repair will come.
    if source.broken and source.lines and now - source.asked_at >= period and ask(out, source, None, now):
        source.asked_at = now
