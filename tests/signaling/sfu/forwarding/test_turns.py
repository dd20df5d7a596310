"""What is judged of everybody is judged of one after the other, so that no packet waits for all of it."""

import random

from signaling.sfu import rtp
from signaling.sfu.control import Kind
from signaling.sfu.extensions import AUDIO_LEVEL, MID
from signaling.sfu.forwarder import Forwarder
from signaling.sfu.payloads import OPUS
from signaling.sfu.rounds import JUDGE_PERIOD, TICK

PEOPLE = [bytes([number]) * 16 for number in range(12)]


class Talk:
    """Everybody sends a voice to everybody."""

    def __init__(self) -> None:
        self.forwarder = Forwarder(random.Random(1).randbytes)
        self.now, self.number = 50.0, 0
        for one in PEOPLE:
            self.forwarder.join(one, one, self.now)
            self.forwarder.publish(one, "0", Kind.AUDIO)
        for one in PEOPLE:
            for mid, stream in enumerate(self.forwarder.streams_for(one), 4):
                self.forwarder.subscribe(one, str(mid), stream)

    def tick(self) -> list[int]:
        """A packet of everybody, and 20 ms. Gives how many were judged."""
        self.number += 1
        extensions = {MID: b"0", AUDIO_LEVEL: b"\xa0"}
        packet = rtp.build(OPUS, self.number, 960 * self.number, 7, bytes(90), extensions=extensions)
        people = self.forwarder._people
        for one in PEOPLE:
            if one in people:
                self.forwarder.rtp(one, packet, self.now)
        before = {one: person.sent_at_check for one, person in people.items()}
        self.forwarder.tick(self.now)
        self.now += TICK
        return [PEOPLE.index(one) for one, person in people.items() if person.sent_at_check != before[one]]


def test_all_at_once_where_something_changed_and_in_turns_besides() -> None:
    talk = Talk()
    assert len(talk.tick()) == len(PEOPLE)
    period = round(JUDGE_PERIOD / TICK)
    rounds = [talk.tick() for _ in range(6 * period)]
    turns = [one for judged in rounds for one in judged]
    assert max(map(len, rounds)) == 2  # of twelve, in ten ticks
    # Nobody is left out, and nobody comes twice before all have had their turn.
    assert [sorted(turns[i : i + 12]) for i in range(0, 60, 12)] == [list(range(12))] * 5
    talk.forwarder.unsubscribe(PEOPLE[0], "4")
    stream = talk.forwarder.streams_for(PEOPLE[0])[0]
    talk.forwarder.subscribe(PEOPLE[0], "4", stream)
    assert len(talk.tick()) == len(PEOPLE)


def test_who_leaves_loses_their_turn() -> None:
    talk = Talk()
    talk.tick()
    while not talk.forwarder._rounds._unjudged:
        talk.tick()
    waits = talk.forwarder._rounds._unjudged[-1].session
    talk.forwarder.leave(waits, talk.now)
    turns = [one for _ in range(20) for one in talk.tick()]
    assert PEOPLE.index(waits) not in turns
    assert waits not in talk.forwarder.losing()
    assert len(set(turns)) == len(PEOPLE) - 1
