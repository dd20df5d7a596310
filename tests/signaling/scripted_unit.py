"""A unit process that moves no media: it speaks `control.py` over its socketpair, and does what answers say.

    python -m tests.signaling.scripted_unit --fd N [anything else]

The SDP of an answer says what happens: "here" (media flows), "silent", "lost CODE", "refuse CODE", "hang" (it
never speaks again). A session that is opened is offered at once, and the others in its room once more.
The SDP of an offer names the process and the leg.
"""

import argparse
import os
import select
import socket
import time

from signaling.sfu import control

REPORT_EVERY_S = 0.2


class ScriptedUnit:
    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self._open: dict[bytes, control.Open] = {}
        self._here: set[bytes] = set()
        self._seq: dict[bytes, int] = {}
        self._offered: set[bytes] = set()  # with an open offer: one at a time
        self._changed: set[bytes] = set()  # meanwhile

    def say(self, message: control.FromUnit) -> None:
        self._line.sendall(control.encode(message))

    def run(self) -> None:
        """Until the other end closes."""
        self.say(control.Hello(addresses=["127.0.0.1"], port=9, fingerprint=":".join(["AB"] * 32)))
        messages = control.to_unit()
        next_report = time.monotonic() + REPORT_EVERY_S
        while True:
            ready, _, _ = select.select([self._line], [], [], max(0, next_report - time.monotonic()))
            if ready:
                data = self._line.recv(65536)
                if not data:
                    return
                for message in messages.feed(data):
                    self.take(message)
            else:
                self.report()
                next_report = time.monotonic() + REPORT_EVERY_S

    def take(self, message: control.ToUnit) -> None:
        match message:
            case control.Open():
                self._open[message.session] = message
                for session, one in self._open.items():
                    if one.room == message.room:
                        self.offer(session)
            case control.Answer():
                self._offered.discard(message.session)
                self.answered(message)
                if message.session in self._changed and message.session in self._open:
                    self._changed.discard(message.session)
                    self.offer(message.session)
            case control.Wants():
                self.offer(message.session)  # so that a test sees them arrive
            case control.Restart():
                self.offer(message.session)
            case control.Close():
                self._open.pop(message.session, None)
                self._here.discard(message.session)

    def offer(self, session: bytes) -> None:
        if session in self._offered:
            self._changed.add(session)
            return
        self._offered.add(session)
        me = self._open[session]
        seq = self._seq[session] = self._seq.get(session, 0) + 1
        others = [one for one in self._open.values() if one.room == me.room and one is not me]
        streams = [
            control.StreamOf(mid=str(4 + place), device=one.device, kind=control.Kind.AUDIO)
            for place, one in enumerate(others)
        ]
        self.say(
            control.Offer(session=session, seq=seq, sdp=f"{os.getpid()} {session.hex()}", streams=streams)
        )

    def answered(self, answer: control.Answer) -> None:
        session = answer.session
        match answer.sdp.split():
            case ["here"]:
                self._here.add(session)
                self.say(control.Connected(session=session))
            case ["silent"]:
                self.say(control.Silent(session=session))
            case ["lost", code]:
                self._open.pop(session)
                self._here.discard(session)
                self.say(control.Lost(session=session, code=code))
            case ["refuse", code]:
                self.say(control.Refused(session=session, code=code))
            case ["hang"]:
                time.sleep(3600)

    def report(self) -> None:
        rooms = {self._open[session].room for session in self._here}
        for room in rooms:
            entries = [
                control.ParticipantReport(
                    device=self._open[session].device,
                    session=session,
                    round_trip_ms=12.5,
                    loss_up=0.0,
                    loss_down=0.25,
                    kbps_up=100.0,
                    kbps_down=200.0,
                    loudness=60,
                    layers=[],
                )
                for session in sorted(self._here)
                if self._open[session].room == room
            ]
            self.say(control.Report(room=room, participants=entries))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--fd", type=int, required=True)
    known, _ = parser.parse_known_args()
    with socket.socket(fileno=known.fd) as line:
        ScriptedUnit(line).run()


if __name__ == "__main__":
    main()
