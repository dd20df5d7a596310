"""The way from pages to the unit: a relay on loopback that drops, delays and reorders, and changes addresses.

It is to a client what its router and its line are. Each port of a client gets a port towards the unit;
`change` gives it another one, as happens when a phone goes from one network to the next. What happens to a
packet is drawn from a seed, for each direction from dice of its own.
"""

import heapq
import selectors
import socket
import threading
import time
from dataclasses import dataclass
from random import Random
from types import TracebackType

MAX_DATAGRAM = 2048
MAX_UNDER_WAY = 20_000
HEADERS = 28
"""Bytes of IPv4 and UDP: they take their part of a narrow path."""
IDLE_S = 0.02


@dataclass(frozen=True, slots=True)
class Weather:
    """One direction. Seconds, and bits in a second."""

    loss: float = 0.0
    delay: float = 0.0
    jitter: float = 0.0
    """Up to so much is added to the delay of each packet: they overtake one another."""
    capacity: float | None = None
    queue: float = 0.4
    """What would wait longer in front of the narrow place is lost."""
    gone: bool = False


class Way:
    """One direction: when a packet comes out, or that it doesn't."""

    def __init__(self, seed: str) -> None:
        self._dice = Random(seed)
        self._free_at = 0.0
        self.weather = Weather()
        self.dropped = 0

    def send(self, size: int, now: float) -> float | None:
        weather = self.weather
        lost, late = self._dice.random() < weather.loss, self._dice.random() * weather.jitter
        begun = max(now, self._free_at)
        full = weather.capacity is not None and begun - now > weather.queue
        if weather.gone or lost or full:
            self.dropped += 1
            return None
        if weather.capacity is None:
            return now + weather.delay + late
        self._free_at = begun + (size + HEADERS) * 8 / weather.capacity
        return self._free_at + weather.delay + late


class Network:
    """Runs in a thread of its own while it is entered."""

    def __init__(self, unit: tuple[str, int], seed: str = "fine") -> None:
        self._unit = unit
        self._inner = _bound()
        self.port: int = self._inner.getsockname()[1]
        self.up, self.down = Way(f"{seed} up"), Way(f"{seed} down")
        self._outer: dict[tuple[str, int], socket.socket] = {}
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._inner, selectors.EVENT_READ)
        # When it comes out, how many came before it, whether to the unit, whose it is, its bytes. Towards the
        # unit it leaves by the port that its client has then.
        self._under_way: list[tuple[float, int, bool, tuple[str, int], bytes]] = []
        self._count = 0
        self._change = threading.Event()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.changes = 0

    def change(self) -> None:
        """From the next packet of the client on, the unit sees it at another address."""
        self._change.set()

    def __enter__(self) -> "Network":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        for one in (self._inner, *self._outer.values()):
            one.close()
        self._selector.close()

    def _run(self) -> None:
        while not self._over.is_set():
            if self._change.is_set():
                self._renew()
            wait = IDLE_S
            if self._under_way:
                wait = max(0.0, min(wait, self._under_way[0][0] - time.monotonic()))
            for key, _ in self._selector.select(wait):
                read = key.fileobj
                assert isinstance(read, socket.socket)
                data, sender = read.recvfrom(MAX_DATAGRAM)
                if read is self._inner:
                    self._put(True, sender, data)
                else:
                    self._put(False, key.data, data)
            now = time.monotonic()
            while self._under_way and self._under_way[0][0] <= now:
                _, _, up, client, data = heapq.heappop(self._under_way)
                if up:
                    self._outgoing(client).sendto(data, self._unit)
                else:
                    self._inner.sendto(data, client)

    def _put(self, up: bool, client: tuple[str, int], data: bytes) -> None:
        at = (self.up if up else self.down).send(len(data), time.monotonic())
        if at is not None and len(self._under_way) < MAX_UNDER_WAY:
            self._count += 1
            heapq.heappush(self._under_way, (at, self._count, up, client, data))

    def _renew(self) -> None:
        self._change.clear()
        self.changes += 1
        for one in self._outer.values():
            self._selector.unregister(one)
            one.close()
        self._outer.clear()

    def _outgoing(self, client: tuple[str, int]) -> socket.socket:
        if client not in self._outer:
            self._outer[client] = made = _bound()
            self._selector.register(made, selectors.EVENT_READ, client)
        return self._outer[client]


def _bound() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind(("127.0.0.1", 0))
    return made
