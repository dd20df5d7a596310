"""A translator of addresses between a client and the unit, on loopback: what a client's router is to it.

Each port of a client gets a port towards the unit. `change` gives it another one, as happens when a phone
goes from one network to the next.
"""

import selectors
import socket
import threading
from types import TracebackType


class Mapping:
    """Runs in a thread of its own while it is entered."""

    def __init__(self, unit: tuple[str, int]) -> None:
        self._unit = unit
        self._inner = _bound()
        self.port: int = self._inner.getsockname()[1]
        self._outer: dict[tuple[str, int], socket.socket] = {}
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._inner, selectors.EVENT_READ)
        self._change = threading.Event()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.changes = 0

    def change(self) -> None:
        """From the next packet of the client on, the unit sees it at another address."""
        self._change.set()

    def __enter__(self) -> "Mapping":
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
            for key, _ in self._selector.select(0.05):
                read = key.fileobj
                assert isinstance(read, socket.socket)
                data, sender = read.recvfrom(2048)
                if read is self._inner:
                    self._outgoing(sender).sendto(data, self._unit)
                else:
                    self._inner.sendto(data, key.data)

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
