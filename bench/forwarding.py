"""What one outgoing packet costs the forwarder, without encryption: `python -m bench.forwarding`.

Each participant sends audio or one layer of a camera, and answers what it gets with feedback as browsers do.
The CPU is that of the forwarder: packets, feedback, reports and everything that is due.
"""

import os
import time

from signaling.sfu import rtcp, rtp, vp8
from signaling.sfu.control import Kind, Layer
from signaling.sfu.extensions import AUDIO_LEVEL, MID, RID, TRANSPORT_WIDE_CC
from signaling.sfu.forwarder import Forwarder
from signaling.sfu.payloads import OPUS, VP8
from signaling.sfu.transport_feedback import Arrivals

WARM_UP = 15.0  # until the estimates have grown to what is wished
SECONDS = 4.0
PAYLOAD = 1100
CAMERA = 60  # packets of a layer in a second: 540 kbit/s
AUDIO = 50
FEEDBACK = 0.1


class Room:
    def __init__(self, people: int, kind: Kind) -> None:
        self.kind = kind
        self.forwarder = Forwarder(os.urandom)
        self.sessions = [bytes([i]) * 16 for i in range(people)]
        self.arrivals = {session: Arrivals() for session in self.sessions}
        self.cpu = 0.0
        self.left = 0
        mid = "0" if kind is Kind.AUDIO else "1"
        for session in self.sessions:
            self.forwarder.join(session, session, 0.0)
            self.forwarder.publish(session, mid, kind)
        for session in self.sessions:
            for own, stream in enumerate(self.forwarder.streams_for(session), 4):
                self.forwarder.subscribe(session, str(own), stream)
                self.forwarder.wants(session, str(own), Layer.MIDDLE, 0.0)

    def packet(self, number: int) -> bytes:
        """As Chromium arranges it; the same of everybody."""
        wide = (number & 0xFFFF).to_bytes(2, "big")
        if self.kind is Kind.AUDIO:
            extensions = {MID: b"0", TRANSPORT_WIDE_CC: wide, AUDIO_LEVEL: b"\xa0"}
            return rtp.build(OPUS, number, number * 960, 7, bytes(90), extensions=extensions)
        extensions = {MID: b"1", RID: b"m", TRANSPORT_WIDE_CC: wide}
        key = number % CAMERA == 0
        payload = vp8.descriptor(start=True, picture=number, tl0=number, tid=0) + bytes([not key])
        return rtp.build(VP8, number, number * 1500, 8, payload + bytes(PAYLOAD), extensions=extensions)

    def run(self, begin: float, seconds: float, number: int) -> int:
        """Gives the next number. What the participants do is not timed."""
        period = 1 / (AUDIO if self.kind is Kind.AUDIO else CAMERA)
        rtp_in, tick = self.forwarder.rtp, self.forwarder.tick
        now, due, feedback_at = begin, begin, begin
        while now < begin + seconds:
            packet = self.packet(number)
            number += 1
            now += period
            started = time.process_time()
            for session in self.sessions:
                rtp_in(session, packet, now)
            if now >= due:
                due = tick(now)
            self.cpu += time.process_time() - started
            self.deliver(now)
            if now >= feedback_at:
                feedback_at = now + FEEDBACK
                said = [(session, self.arrivals[session].feedback()) for session in self.sessions]
                started = time.process_time()
                for session, body in said:
                    if body is not None:
                        self.forwarder.rtcp(session, rtcp.wide_feedback(1, 1, body), now)
                self.cpu += time.process_time() - started
        return number

    def deliver(self, now: float) -> None:
        for session, packet, is_rtcp in self.forwarder.take():
            if not is_rtcp:
                self.left += 1
                self.arrivals[session].noted.append((int.from_bytes(packet[17:19], "big"), now + 0.02))


def measure(people: int, kind: Kind) -> tuple[float, float]:
    """µs for one outgoing packet, and outgoing packets in a second."""
    room = Room(people, kind)
    number = room.run(100.0, WARM_UP, 0)
    room.cpu, room.left = 0.0, 0
    room.run(100.0 + WARM_UP, SECONDS, number)
    return room.cpu / max(1, room.left) * 1e6, room.left / SECONDS


def main() -> None:
    print("CPU of one outgoing packet, and how many there are; of cameras six are shown to each")
    print(f"{'participants':<14}{'audio':>24}{'camera':>24}")
    for people in (2, 4, 8, 16):
        cells = [measure(people, kind) for kind in (Kind.AUDIO, Kind.CAMERA)]
        print(f"{people:<14}" + "".join(f"{f'{cost:.2f} µs, {rate:.0f}/s':>24}" for cost, rate in cells))


if __name__ == "__main__":
    main()
