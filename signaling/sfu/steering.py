"""What one receiver is given: its layers within the estimate of its path, and bursts that try for more."""

from collections.abc import Sequence

from signaling.sfu.bandwidth import PLAIN_QUEUE
from signaling.sfu.control import Layer
from signaling.sfu.departures import Out, pad, padding_line
from signaling.sfu.layers import STEP, Candidate
from signaling.sfu.line import Line
from signaling.sfu.participant import Participant
from signaling.sfu.probe import CALM
from signaling.sfu.trendline import Usage
from signaling.sfu.waiting import ask_waiting, wait


def judge(out: Out, person: Participant, order: Sequence[bytes], now: float) -> None:
    """Which layers this receiver gets."""
    ranks = {session: rank for rank, session in enumerate(order)}
    budget = person.estimator.rate
    lines, candidates = [], []
    for line in person.lines.values():
        section = line.section
        if not section.video:
            if line.incoming is not None and line.incoming.is_live(now):
                budget -= line.incoming.rate * (2 if now < person.losing_until else 1)
            continue
        rates = section.live(now)
        if rates:
            lines.append(line)
            rank = ranks[section.owner.session]
            candidates.append(Candidate(section.kind, line.wish, rank, rates, line.aim))
        elif line.wish is Layer.NONE:
            _give(out, line, Layer.NONE, now)
        # Where nothing comes from the sender at all, nothing is decided: it goes on where it stopped.
    full = person.estimator.standing > PLAIN_QUEUE
    given = person.ladder.decide(candidates, max(0.0, budget), now, full)
    for line, layer in zip(lines, given, strict=True):
        _give(out, line, layer, now)
    # Audio is part of what a step up needs, as it was taken off the budget first.
    audio = person.estimator.rate - budget
    person.needed = person.ladder.wanting + audio if person.ladder.wanting else 0.0


def _give(out: Out, line: Line, layer: Layer, now: float) -> None:
    line.aim = layer
    if layer is Layer.NONE:
        line.stop()
        return
    source = line.section.layers.get(layer)
    if source is None or source is line.incoming:
        line.stop_waiting()
    elif source is not line.waiting:
        wait(line, source)
        ask_waiting(out, source, now)
    before, estimator = line.incoming, line.receiver.estimator
    # What plainly doesn't fit only makes the queue longer in which the smaller picture is going to wait.
    if (
        line.waiting is not None
        and before is not None
        and STEP[layer] < STEP[before.layer]
        and before.rate > estimator.rate
        and estimator.overflows
    ):
        line.end()


def probe_for(out: Out, person: Participant, order: Sequence[bytes], now: float) -> None:
    """The burst of padding that finds out whether the next step up is carried."""
    probe, estimator = person.probe, person.estimator
    if not probe.running:
        needed = person.needed
        # Without feedback too: where the smallest picture is too much at first, nothing else brings any.
        calm = estimator.usage is Usage.NORMAL and probe.due(person.bare, now)
        if needed > estimator.rate and calm and padding_line(person) is not None:
            probe.begin(estimator.rate, needed, person.wide, now)
            estimator.probing(now + CALM + person.round_trip)
    if probe.sending:
        if (line := padding_line(person)) is not None:
            pad(out, person, line, now)
        probe.end_sending(person.wide, now)
    rate = probe.outcome(now, estimator.floor) if probe.running else None
    if rate:
        estimator.probed(rate)
        judge(out, person, order, now)
