"""The unit's one UDP port: reads in bursts, sends a batch at once, and keeps what the socket has no room for.

Linux takes a whole batch in one call (`sendmmsg`). Elsewhere each datagram is a call of its own.
"""

import asyncio
import ctypes
import errno
import socket
import sys
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from itertools import islice
from typing import Any, Final, Protocol

from pylibsrtp._binding import ffi  # type: ignore[import-not-found]

from signaling.sfu.batch import FULL, SLOT, SLOTS, Batch
from signaling.sfu.stun import Address

# Datagrams read before what comes of them is sent. Few: a packet counts as sent when it was read.
BURST: Final = 32
GATHER_S: Final = 0.003
"""From one reading to the next at most, where packets come that fast: what came meanwhile leaves together.
To wake up for each packet of each participant costs up to half as much again; a voice has packets each 20 ms.
"""
MAX_DATAGRAM: Final = 2048
"""What is longer is cut, and then refused."""
MAX_UNSENT: Final = 1024
"""Datagrams that wait for a full socket; the newest are dropped."""
MAX_NAMES: Final = 4096
"""Addresses that are kept in the kernel's form."""


class Sends(Protocol):
    """A way to send a batch. What has no way to where it is to go is counted in `failed`; the rest leaves."""

    failed: int

    def send(self) -> int:
        """Gives the slot from which on the socket has no room, or the count when there was room for all."""
        ...


class OneByOne:
    """A call for each datagram."""

    def __init__(self, batch: Batch, send: Callable[[memoryview, Address], object]) -> None:
        """`send` is that of a socket."""
        self._batch, self._send = batch, send
        self.failed = 0

    def send(self) -> int:
        send, view, lengths, to = self._send, self._batch.view, self._batch.lengths, self._batch.to
        count = self._batch.count
        for slot in range(count):
            at = SLOT * slot
            try:
                send(view[at : at + lengths[slot][0]], to[slot])
            except BlockingIOError:
                return slot
            except OSError:
                self.failed += 1
        return count


class _Message(ctypes.Structure):
    """`struct msghdr` of sendmsg(2)."""

    _fields_ = (
        ("name", ctypes.c_size_t),
        ("name_length", ctypes.c_uint),
        ("parts", ctypes.c_size_t),
        ("part_count", ctypes.c_size_t),
        ("control", ctypes.c_size_t),
        ("control_length", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )


class _Counted(ctypes.Structure):
    """`struct mmsghdr` of sendmmsg(2)."""

    _fields_ = (("message", _Message), ("length", ctypes.c_uint))


_SIZE: Final = ctypes.sizeof(_Counted)
_WORD: Final = ctypes.sizeof(ctypes.c_size_t)

SendsMany = Callable[[int, int, int, int], int]
"""`sendmmsg`: a socket's number, where the messages begin, how many, flags. -1, and errno: none left."""


def sends_many() -> SendsMany | None:
    """The one of this machine. None where there is none, or where it is not known to have these structures:
    C libraries differ in the widths of two fields, which a little-endian machine reads alike.
    """
    if sys.platform != "linux" or sys.byteorder != "little":
        return None
    try:
        call = ctypes.CDLL(None, use_errno=True).sendmmsg
    except (OSError, AttributeError):
        return None
    call.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int)
    call.restype = ctypes.c_int
    return call


class AllAtOnce:
    """A call for all of a batch, by structures of the kernel's that are filled in but for the destination."""

    def __init__(self, batch: Batch, bound: socket.socket, call: SendsMany) -> None:
        self._batch, self._number, self._call = batch, bound.fileno(), call
        self._names = _Names(bound.family)
        self._messages = (_Counted * SLOTS)()
        self._begin = ctypes.addressof(self._messages)
        parts = int(ffi.cast("size_t", batch.words))
        for slot, one in enumerate(self._messages):
            one.message.name_length = self._names.length
            one.message.parts = parts + slot * 2 * _WORD
            one.message.part_count = 1
        self._words = memoryview(self._messages).cast("B").cast("P")
        self.failed = 0

    def send(self) -> int:
        names, words, at = self._names, self._words, 0
        count = self._batch.count
        names.forget()
        for to in self._batch.to[:count]:
            words[at] = names[to]
            at += _SIZE // _WORD
        begin = 0
        while begin < count:
            sent = self._call(self._number, self._begin + begin * _SIZE, count - begin, 0)
            if sent > 0:
                begin += sent
                continue
            match ctypes.get_errno():
                case errno.EAGAIN:
                    return begin
                case errno.EINTR:
                    pass
                case _:
                    self.failed += 1
                    begin += 1
        return count


class _Names(dict[Address, int]):
    """Where the kernel's form of each address lies (`sockaddr` of ip(7) and ipv6(7))."""

    def __init__(self, family: int) -> None:
        self._family = family
        self.length = 28 if family == socket.AF_INET6 else 16
        self._held: list[Any] = []

    def forget(self) -> None:
        """Only when none is in use."""
        if len(self) > MAX_NAMES:
            self.clear()
            self._held.clear()

    def __missing__(self, address: Address) -> int:
        try:
            name = _name(self._family, address)
        except OSError:
            return 0  # its network is gone. The kernel refuses a message without a name.
        held = ctypes.create_string_buffer(name, self.length)
        self._held.append(held)
        self[address] = where = ctypes.addressof(held)
        return where


def _name(family: int, address: Address) -> bytes:
    """Addresses are those that a socket of this family told us."""
    host, port = address
    front = family.to_bytes(2, sys.byteorder) + port.to_bytes(2, "big")
    if family == socket.AF_INET:
        return front + socket.inet_pton(family, host) + bytes(8)
    host, _, zone = host.partition("%")
    scope = 0 if not zone else int(zone) if zone.isdecimal() else socket.if_nametoindex(zone)
    return front + bytes(4) + socket.inet_pton(family, host) + scope.to_bytes(4, sys.byteorder)


def way_of(batch: Batch, bound: socket.socket) -> Sends:
    """The best that this machine has."""
    call = sends_many()
    return OneByOne(batch, bound.sendto) if call is None else AllAtOnce(batch, bound, call)


class Mail:
    """The port. What is to leave is put into `batch`, and leaves by `send`."""

    def __init__(
        self,
        bound: socket.socket,
        received: Callable[[list[tuple[bytes, Address]]], None],
        way: Callable[[Batch, socket.socket], Sends] | None = None,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._socket = bound
        self._received = received
        self.batch = Batch()
        self._way = (way or way_of)(self.batch, bound)
        self._unsent: deque[tuple[bytes, Address]] = deque()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(bound, self._readable)
        self._dropped = 0
        self._clock, self._pause = clock, pause
        self._next_read = 0.0

    @property
    def dropped(self) -> int:
        return self._dropped + self._way.failed

    def send(self) -> None:
        """What is in the batch; then it is empty."""
        batch = self.batch
        # What waits goes before it.
        sent = 0 if self._unsent else self._way.send()
        if sent < batch.count:
            if not self._unsent:
                self._loop.add_writer(self._socket, self._writable)
            room = max(0, MAX_UNSENT - len(self._unsent))
            kept = batch.datagrams(sent)
            self._unsent += kept[:room]
            self._dropped += len(kept[room:])
        batch.count = 0

    def _writable(self) -> None:
        """Something waits. The batch is empty: whoever fills it sends it in the same breath."""
        batch, waiting = self.batch, self._unsent
        while waiting:
            for data, address in islice(waiting, FULL):
                batch.add(data, address)
            sent, filled = self._way.send(), batch.count
            batch.count = 0
            for _ in range(sent):
                waiting.popleft()
            if sent < filled:
                return
        self._loop.remove_writer(self._socket)

    def _readable(self) -> None:
        wait = self._next_read - self._clock()
        if wait > 0:
            # The whole process waits: what it does besides is due by timers of 20 ms, or is for the server.
            # A timer of the loop would cost what is saved, and counts in whole milliseconds.
            self._pause(min(wait, GATHER_S))
        burst: list[tuple[bytes, Address]] = []
        receive = self._socket.recvfrom
        with suppress(BlockingIOError):
            for _ in range(BURST):
                data, sender = receive(MAX_DATAGRAM)
                burst.append((data, (sender[0], sender[1])))
        # The more there was, the sooner there is enough. After a full burst there is more already.
        self._next_read = self._clock() + GATHER_S * (1 - len(burst) / BURST)
        if burst:
            self._received(burst)

    def close(self) -> None:
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        self._socket.close()
