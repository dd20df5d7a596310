"""What forwarding media costs: our unit, and Debian's Janus under the same load in the same run.

Each participant sends a camera (80 packets a second of 1,090 bytes, one layer: neither server chooses then,
and both get and send the same packets) and a voice (50 of 80 bytes), over sockets, ICE, DTLS and SRTP, and
answers what it gets with transport-wide feedback and reports as browsers do. Retransmission is negotiated
and on. The server has a core of its own, the load has the others. Prints figures.

./run bench media                 beside, full, half, and two minutes of memory
./run bench media beside          4 calls of six: CPU of an outgoing packet beside Janus
./run bench media full            16 calls of six on one core: loss
./run bench media half            8 of them: delay
./run bench media memory          30 minutes of joins and leaves; `memory short` is 2 minutes
./run bench media unit            our unit alone, 4 calls of six
"""

import os
import statistics
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import psutil  # type: ignore[import-untyped]

from bench import janus
from bench.media.calls import OurUnit
from bench.media.load import AUDIO_RATE, VIDEO_RATE, Load, NoLoadError, quantile

SIZE = 6
RUNS = 3  # of which the median is printed
SECONDS = 10.0
WARM_UP_S = 40.0  # at most, until everybody gets everything
LATE_S = 1.0  # what was sent last may still come
STEADY = 0.995
POLL_S = 0.5
MEMORY_S, MEMORY_SHORT_S = 1800.0, 120.0
MEMORY_ROOMS = 4
CHANGE_S = 0.5
TARGET = 0.8
PARTS = ("beside", "full", "half", "memory", "unit")


class Server(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def process(self) -> psutil.Process: ...
    @property
    def lost(self) -> int:
        """Connections that the server has given up."""
        ...

    def tend(self, seconds: float) -> None: ...
    def close(self) -> None: ...


Start = Callable[[Load, int], Server]


@dataclass(frozen=True, slots=True)
class Found:
    cpu_us: float  # for each media packet that left
    rate: float  # of those, each second
    busy: float  # share of its core
    loss: float  # of packets and receivers, before repair
    p50: float
    p99: float
    memory: float  # MB
    warm_up: float  # seconds until everybody got everything
    idle: float  # the load's share
    late: float  # how late the load sent, p99 in ms
    odd: str


def cpu_of(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def say(line: str) -> None:
    print(line, flush=True)


def running(load: Load, server: Server, seconds: float) -> None:
    """The load in a thread, while what the server says is answered here."""
    thread = threading.Thread(target=load.run, args=(seconds,))
    thread.start()
    while thread.is_alive():
        server.tend(0.1)
    thread.join()


def warm(load: Load, server: Server, expected: float) -> float:
    """Until everything that is sent arrives everywhere, for a second. Gives how long that took."""
    started = time.monotonic()
    while time.monotonic() - started < WARM_UP_S:
        load.window(POLL_S)
        running(load, server, POLL_S + 0.1)
        figures = load.figures
        if figures.window_arrived >= STEADY * figures.window_expected > 0.9 * expected * POLL_S:
            return time.monotonic() - started
    return float("inf")


def measure(start: Start, rooms: int, seconds: float = SECONDS) -> Found:
    load = Load()
    server = start(load, rooms)
    try:
        expected = rooms * SIZE * (SIZE - 1) * (AUDIO_RATE + VIDEO_RATE)
        warm_up = warm(load, server, expected)
        figures = load.figures
        repairs, nacks, refused, unsent = figures.repairs, figures.nacks, figures.refused, figures.unsent
        load.window(seconds)
        began, arrived = time.monotonic(), figures.arrived
        cpu, own = cpu_of(server.process), time.process_time()
        running(load, server, seconds)
        took, count = time.monotonic() - began, figures.arrived - arrived
        cpu, own = cpu_of(server.process) - cpu, time.process_time() - own
        running(load, server, LATE_S)
        odd = [
            f"{value:,} {name}"
            for name, value in (
                ("repairs", figures.repairs - repairs),
                ("NACKs", figures.nacks - nacks),
                ("refused", figures.refused - refused),
                ("not sent", figures.unsent - unsent),
                ("connections lost", server.lost),
            )
            if value
        ]
        return Found(
            cpu_us=cpu / max(1, count) * 1e6,
            rate=count / took,
            busy=cpu / took,
            loss=1 - figures.window_arrived / max(1, figures.window_expected),
            p50=quantile(figures.delays, 0.5),
            p99=quantile(figures.delays, 0.99),
            memory=server.process.memory_info().rss / 2**20,
            warm_up=warm_up,
            idle=1 - own / took,
            late=quantile(figures.lateness, 0.99),
            odd=", ".join(odd),
        )
    finally:
        server.close()
        load.close()


def line_of(name: str, found: Found) -> str:
    warm_up = (
        f"all of it after {found.warm_up:.0f} s"
        if found.warm_up != float("inf")
        else f"NOT everything was forwarded after {WARM_UP_S:.0f} s"
    )
    return (
        f"  {name}: {found.cpu_us:.2f} us CPU a packet, {found.rate:,.0f} packets/s, "
        f"core {found.busy:.0%} busy, loss {found.loss:.4%}, delay p50 {found.p50:.2f} "
        f"p99 {found.p99:.2f} ms, {found.memory:.0f} MB\n"
        f"    {warm_up}; load {found.idle:.0%} idle, sends p99 {found.late:.2f} ms late"
        f"{f'; {found.odd}' if found.odd else ''}; load average {os.getloadavg()[0]:.1f}"
    )


def median(found: list[Found]) -> Found:
    return sorted(found, key=lambda one: one.cpu_us)[len(found) // 2]


class Bench:
    def __init__(self) -> None:
        cores = sorted(os.sched_getaffinity(0))
        self.cores = {cores[0]}
        if len(cores) > 1:
            os.sched_setaffinity(0, set(cores[1:]))
        else:
            say("only one core: the load shares it with the server, and the delays mean little")

    def ours(self, load: Load, rooms: int) -> Server:
        return OurUnit(load, rooms, SIZE, self.cores)

    def peer(self, load: Load, rooms: int) -> Server:
        return janus.Janus(load, rooms, SIZE, self.cores)

    def unit(self) -> Found:
        found = []
        for number in range(RUNS):
            found.append(measure(self.ours, 4))
            say(line_of(f"our unit, run {number + 1}", found[-1]))
        return median(found)

    def beside(self) -> None:
        say(f"4 calls of {SIZE}, {RUNS} runs")
        why = janus.missing()
        if why is not None:
            say(f"  Janus is left out: {why}")
            self.unit()
            return
        ours, peers = [], []
        for number in range(RUNS):
            ours.append(measure(self.ours, 4))
            say(line_of(f"our unit, run {number + 1}", ours[-1]))
            peers.append(measure(self.peer, 4))
            say(line_of(f"Janus,    run {number + 1}", peers[-1]))
        one, other = median(ours), median(peers)
        say(
            f"  {one.cpu_us / other.cpu_us:.2f} x the CPU of Janus for a packet (medians {one.cpu_us:.2f} "
            f"and {other.cpu_us:.2f} us); the aim is at most {TARGET}"
        )

    def full(self) -> None:
        say(f"16 calls of {SIZE} on one core; the aim is no loss")
        say(line_of("our unit", measure(self.ours, 16)))

    def half(self) -> None:
        say(f"8 calls of {SIZE} on one core; the aim is p99 under 5 ms")
        say(line_of("our unit", measure(self.ours, 8)))

    def memory(self, seconds: float) -> None:
        """People come and go; each call also ends now and then, when the last of its people has gone."""
        say(
            f"{MEMORY_ROOMS} calls of {SIZE}, joins and leaves for {seconds / 60:.0f} minutes; "
            "the aim is flat memory"
        )
        load = Load()
        unit = OurUnit(load, MEMORY_ROOMS, SIZE, self.cores)
        try:
            running(load, unit, WARM_UP_S / 4)
            samples, changes, lives = [unit.process.memory_info().rss], 0, 1
            began = said = time.monotonic()
            while (now := time.monotonic()) - began < seconds:
                oldest = next(iter(unit.people.values()))
                unit.leave(oldest)
                changes += 1
                if changes % (10 * SIZE) == 0:
                    lives += 1
                    room = oldest.room
                    there = [one for one in unit.people.values() if one.room == room]
                    for one in there:
                        unit.leave(one)
                    new = os.urandom(16)
                    for _ in range(SIZE):
                        unit.join(new)
                else:
                    unit.join(oldest.room)
                running(load, unit, CHANGE_S)
                samples.append(unit.process.memory_info().rss)
                if now - said >= seconds / 10:
                    said = now
                    say(f"  {(now - began) / 60:5.1f} min, {changes} changes: {samples[-1] / 2**20:.1f} MB")
            third = len(samples) // 3
            early = statistics.median(samples[third : 2 * third]) / 2**20
            late = statistics.median(samples[-third:]) / 2**20
            say(
                f"  {changes} people came and went, {lives} calls began: {early:.1f} MB in the second third, "
                f"{late:.1f} MB in the last ({late / early - 1:+.1%}), most {max(samples) / 2**20:.1f} MB"
            )
        finally:
            unit.close()
            load.close()


def main(words: list[str]) -> None:
    short = words[-1:] == ["short"]
    parts = words[:-1] if short else words
    if (unknown := set(parts) - set(PARTS)) or (short and parts != ["memory"]):
        sys.exit(f"no such part: {', '.join(sorted(unknown)) or 'short'}; there are {', '.join(PARTS)}")
    bench = Bench()
    try:
        for part in parts or ("beside", "full", "half", "memory"):
            match part:
                case "memory":
                    bench.memory(MEMORY_SHORT_S if short or not parts else MEMORY_S)
                case "beside":
                    bench.beside()
                case "full":
                    bench.full()
                case "half":
                    bench.half()
                case _:
                    bench.unit()
    except NoLoadError as error:
        sys.exit(f"collegium: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])
