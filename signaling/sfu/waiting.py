"""Waiting for a key frame: a line goes over to another source at the next one, and asks for it till then."""

from typing import Final

from signaling.sfu import rtcp
from signaling.sfu.departures import Out
from signaling.sfu.incoming import Incoming
from signaling.sfu.key_frames import Requester
from signaling.sfu.line import Line

ASK_PERIOD: Final = 0.5
"""How often a key frame is asked for again by who waits for it."""


def wait(line: Line, source: Incoming) -> None:
    """The line goes over to `source` at its next key frame; audio at its next packet."""
    if line.waiting is not source:
        line.stop_waiting()
        line.waiting = source
        line.asked_at = float("-inf")
        source.waiting.append(line)


def ask(out: Out, source: Incoming, requester: Requester | None, now: float) -> bool:
    """What a source cannot bear now is not held against who asked."""
    if not source.keys.is_ready(now) or (requester is not None and not requester.may_ask(now)):
        return False
    source.keys.asked(now)
    owner = source.section.owner
    out.append((owner.session, rtcp.picture_loss(owner.ssrc, source.ssrc), True))
    return True


def ask_waiting(out: Out, source: Incoming, now: float) -> None:
    """A key frame for those who wait for one, each as often as it may ask."""
    if not source.video:
        return
    for line in source.waiting:
        if now - line.asked_at >= ASK_PERIOD and ask(out, source, line.switcher, now):
            line.asked_at = now
