"""Who speaks, and which layers each path carries: judged for everybody once in a period.

One after the other, so that no packet waits for all of that at once; where something changed, all of them at
the next tick.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from signaling.sfu.control import Kind
from signaling.sfu.departures import Out
from signaling.sfu.loudness import Speakers
from signaling.sfu.participant import REPAIR_RATE, Participant
from signaling.sfu.steering import judge

TICK: Final = 0.02
"""Seconds between ticks while media flows."""
JUDGE_PERIOD: Final = 0.2
"""Seconds within which everybody is judged."""


class Rounds:
    """`people` are those of the room, whom the room changes."""

    def __init__(self, people: Mapping[bytes, Participant]) -> None:
        self._people = people
        self._speakers = Speakers()
        self._next = 0.0
        self._unjudged: list[Participant] = []
        self.losing: set[bytes] = set()
        """Sessions on whose path packets are lost without its being full."""

    def join(self, session: bytes) -> None:
        self._speakers.join(session)

    def leave(self, person: Participant) -> None:
        self._speakers.leave(person.session)
        self.losing.discard(person.session)
        if person in self._unjudged:
            self._unjudged.remove(person)

    def soon(self) -> None:
        """Something changed: everybody at the next tick."""
        self._next = 0.0

    @property
    def order(self) -> Sequence[bytes]:
        """Sessions: who spoke last comes first."""
        return self._speakers.order

    def tick(self, out: Out, flowing: bool, now: float) -> None:
        """Called each TICK while media flows."""
        unjudged = self._unjudged
        some = -(-len(self._people) * TICK // JUDGE_PERIOD)
        if now >= self._next:
            if self._next == 0.0 or not flowing:
                unjudged.clear()
                some = len(self._people)
            else:
                some += len(unjudged)  # of the last period: ticks may come late
            self._next = now + JUDGE_PERIOD
            self._look_round(now)
            unjudged += self._people.values()
        judged, self._unjudged = unjudged[: int(some)], unjudged[int(some) :]
        for person in judged:
            self._judge(out, person, now)

    def _look_round(self, now: float) -> None:
        """What comes from everybody, and who speaks."""
        loudness: dict[bytes, float] = {}
        for person in self._people.values():
            for section in person.sections.values():
                for source in section.layers.values():
                    source.measure(now)
                if section.kind is Kind.AUDIO:
                    section.loudness.pause(now)
                    loudness[person.session] = max(section.loudness.value, loudness.get(person.session, 0.0))
        self._speakers.judge(loudness, now)

    def _judge(self, out: Out, person: Participant, now: float) -> None:
        judge(out, person, self._speakers.order, now)
        level = person.repair_level + JUDGE_PERIOD * person.estimator.rate * REPAIR_RATE / 8
        person.repair_level = min(person.repair_burst, level)
        if person.wide != person.sent_at_check:
            person.sent_at_check = person.wide
            person.estimator.check(now)
        if person.loses(now):
            self.losing.add(person.session)
        else:
            self.losing.discard(person.session)
