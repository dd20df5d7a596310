"""Datagrams that leave together, each sealed where it lies: nothing is copied out to be sent."""

import sys
from typing import Any, Final

from pylibsrtp._binding import ffi  # type: ignore[import-not-found]

from signaling.sfu.stun import Address

SLOTS: Final = 256
"""What a burst causes in a call of eight, and what is due besides. Of more, several batches leave."""
FULL: Final = SLOTS - 1
"""A packet may leave with the one before it behind it: there is a place for both."""
SLOT: Final = 1536
"""Bytes: what Ethernet carries, a multiple of a line of the processor's memory."""


class Batch:
    """`count` datagrams of `SLOTS`. Who fills it writes into `view`, and counts up when one is whole.

    `words` has two for each slot, its address in memory and its length, as the kernel's `iovec` has them.
    """

    __slots__ = ("_memory", "count", "lengths", "spots", "to", "view", "words")

    def __init__(self) -> None:
        self._memory = ffi.new("char[]", SLOTS * SLOT)
        self.view = memoryview(ffi.buffer(self._memory))
        self.words: Any = ffi.new("size_t[]", 2 * SLOTS)
        self.spots: list[Any] = [self._memory + SLOT * slot for slot in range(SLOTS)]
        """Where each slot begins."""
        # libsrtp has lengths of type int. The rest of the word stays zero.
        low = 0 if sys.byteorder == "little" else ffi.sizeof("size_t") - ffi.sizeof("int")
        self.lengths: list[Any] = []
        for slot, spot in enumerate(self.spots):
            self.words[2 * slot] = int(ffi.cast("size_t", spot))
            self.lengths.append(ffi.cast("int *", ffi.cast("char *", self.words + 2 * slot + 1) + low))
        self.to: list[Address] = [("", 0)] * SLOTS
        self.count = 0

    @property
    def full(self) -> bool:
        return self.count >= FULL

    def add(self, datagram: bytes, address: Address) -> None:
        """One that is as it has to be, when there is a place."""
        self.put(self.count, datagram, address)
        self.count += 1

    def put(self, slot: int, datagram: bytes, address: Address) -> None:
        """As `add`, without counting it. Raises ValueError for what is longer than any of ours."""
        at, size = SLOT * slot, len(datagram)
        if size > SLOT:
            raise ValueError("a datagram does not fit")
        self.view[at : at + size] = datagram
        self.lengths[slot][0] = size
        self.to[slot] = address

    def datagrams(self, begin: int = 0) -> list[tuple[bytes, Address]]:
        """A copy of what is there from the slot `begin` on."""
        return [
            (bytes(self.view[SLOT * slot : SLOT * slot + self.lengths[slot][0]]), self.to[slot])
            for slot in range(begin, self.count)
        ]
