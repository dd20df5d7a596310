"""What senders are told about what came from them: feedback, reports, and what is missing."""

from typing import Final

from signaling.sfu import rtcp
from signaling.sfu.departures import Out
from signaling.sfu.incoming import Incoming
from signaling.sfu.participant import Participant
from signaling.sfu.waiting import ask_waiting

FEEDBACK_PERIOD: Final = 0.1
REPORT_PERIOD: Final = 1.0

_CNAME: Final = b"collegium"


def patience(source: Incoming) -> float:
    """How long an answer to a NACK takes."""
    return source.section.owner.round_trip * 1.25


def tend(out: Out, person: Participant, source: Incoming, now: float) -> None:
    if source.missing.waiting and (asked := source.missing.due(now, patience(source))):
        out.append((person.session, rtcp.nack(person.ssrc, source.ssrc, asked), True))
    if source.waiting or source.broken:
        ask_waiting(out, source, now)


def send_feedback(out: Out, person: Participant, now: float) -> None:
    person.feedback_at = now + FEEDBACK_PERIOD
    ssrc = next(iter(person.sources), 0)
    body = person.arrivals.feedback()
    if body is not None:
        out.append((person.session, rtcp.wide_feedback(person.ssrc, ssrc, body), True))


def send_reports(out: Out, person: Participant, now: float) -> None:
    person.report_at = now + REPORT_PERIOD
    blocks, expected, lost = [], 0, 0
    for source in person.sources.values():
        if isinstance(source, Incoming) and not source.ended:
            blocks.append(source.block(now))
            more, missed = source.loss_since()
            expected += more
            lost += max(0, missed)
    if expected > 0:
        person.loss_up = 0.5 * person.loss_up + 0.5 * min(1.0, lost / expected)
    if blocks:
        # RFC 3550 §6.1: a compound begins with a report and names its sender.
        own = rtcp.source_description(person.ssrc, _CNAME)
        out.append((person.session, rtcp.receiver_report(person.ssrc, blocks) + own, True))
