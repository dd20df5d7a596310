"""What one outgoing packet costs the forwarder, without encryption: `python -m bench.forwarding`."""

import os
import time
from statistics import median

from signaling.sfu import rtp, vp8
from signaling.sfu.control import Kind, Layer
from signaling.sfu.extensions import AUDIO_LEVEL, MID, RID, TRANSPORT_WIDE_CC
from signaling.sfu.forwarder import Forwarder
from signaling.sfu.payloads import OPUS, VP8

SECONDS = 4
RUNS = 5
PAYLOAD = 1100
VIDEO = 45  # packets of one camera's layer in a second: 400 kbit/s
AUDIO = 50


def packets(audio: bool) -> list[bytes]:
    """A second of one participant's packets, as Chromium arranges them. Numbers go on over the runs."""
    out = []
    for i in range(SECONDS * (AUDIO if audio else VIDEO)):
        wide = i.to_bytes(2, "big")
        if audio:
            extensions = {MID: b"0", TRANSPORT_WIDE_CC: wide, AUDIO_LEVEL: b"\xa0"}
            payload = os.urandom(90)
            out.append(rtp.build(OPUS, i, i * 960, 7, payload, extensions=extensions))
        else:
            extensions = {MID: b"1", RID: b"m", TRANSPORT_WIDE_CC: wide}
            head = vp8.descriptor(start=True, picture=i, tl0=i, tid=0) + (b"\x00" if i == 0 else b"\x01")
            payload = head + os.urandom(PAYLOAD)
            out.append(rtp.build(VP8, i, i * 3000, 8, payload, extensions=extensions))
    return out


def room(people: int) -> tuple[Forwarder, list[bytes]]:
    forwarder = Forwarder(os.urandom)
    sessions = [bytes([i]) * 16 for i in range(people)]
    for session in sessions:
        forwarder.join(session, session, 0.0)
        forwarder.publish(session, "0", Kind.AUDIO)
        forwarder.publish(session, "1", Kind.CAMERA)
    for session in sessions:
        for mid, stream in enumerate(forwarder.streams_for(session), 4):
            forwarder.subscribe(session, str(mid), stream)
            forwarder.wants(session, str(mid), Layer.MIDDLE, 0.0)
    return forwarder, sessions


def run(people: int, audio: bool) -> tuple[float, int]:
    """Seconds of CPU, and packets that left."""
    forwarder, sessions = room(people)
    stream = packets(audio)
    now, left = 10.0, 0
    due = forwarder.tick(now)
    started = time.process_time()
    for packet in stream:
        now += 1 / (AUDIO if audio else VIDEO)
        for session in sessions:
            forwarder.rtp(session, packet, now)
            left += sum(not is_rtcp for _, _, is_rtcp in forwarder.take())
        if now >= due:
            due = forwarder.tick(now)
            forwarder.take()
    return time.process_time() - started, left


def main() -> None:
    print("CPU of one outgoing packet, µs, with everything that is due between packets")
    print(f"{'participants':<14}{'audio':>10}{'camera':>10}")
    for people in (2, 4, 8, 16):
        cells = []
        for audio in (True, False):
            costs = [spent / left * 1e6 for spent, left in (run(people, audio) for _ in range(RUNS)) if left]
            cells.append(f"{median(costs):.2f}" if costs else "-")
        print(f"{people:<14}{cells[0]:>10}{cells[1]:>10}")


if __name__ == "__main__":
    main()
