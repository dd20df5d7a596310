"""What participants say about streams: reports are passed on, and what they lack is sent again."""

from signaling.sfu.departures import Out, repair
from signaling.sfu.incoming import Incoming
from signaling.sfu.line import Line
from signaling.sfu.participant import Participant
from signaling.sfu.rtcp import Block, SenderReport
from signaling.sfu.waiting import ask


def take_sender_report(out: Out, person: Participant, report: SenderReport, now: float) -> None:
    source = person.sources.get(report.ssrc)
    if not isinstance(source, Incoming) or source.ended:
        return
    source.sr = (report.ntp, report.timestamp, now)
    for line in source.lines:
        if (sent := line.sender_report(now)) is not None:
            out.append((line.receiver.session, sent, True))


def take_blocks(person: Participant, blocks: tuple[Block, ...], now: float) -> None:
    for block in blocks:
        line = person.lines_by_ssrc.get(block.ssrc)
        if line is None:
            continue
        seconds = line.round_trip(block, now)
        if seconds is not None:
            person.note_round_trip(seconds)
        if not person.estimator.hears:
            person.loss_down = 0.7 * person.loss_down + 0.3 * block.fraction / 256


def repair_all(out: Out, line: Line, numbers: tuple[int, ...], now: float) -> None:
    """RFC 4588: under an SSRC and a sequence of their own, for receivers and streams that have one.

    What is neither here nor asked for is not coming any more: its receiver needs a key frame.
    """
    source = line.incoming
    if line.section.stream.rtx_ssrc is None or source is None:
        return
    for number in numbers:
        original = line.original(number)
        if original is None:
            continue
        kept = source.cache.get(original)
        if kept is None:
            if original not in source.missing.waiting and not source.broken:
                ask(out, source, line.requester, now)
        elif line.receiver.repair_level >= len(kept[6]) and line.may_resend(original, now):
            repair(out, line, kept, now)
