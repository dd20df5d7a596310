"""Transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01): when each packet came to us.

By it the unit knows how much this path carries. Times are ticks of 250 µs.
"""

from struct import Struct
from typing import Final

from client.calls.rtp import nearest

TICKS_IN_S: Final = 4000
MAX_STATUSES: Final = 512
"""Packets that one feedback speaks of; what is farther back is not spoken of."""

_REFERENCE: Final = 256  # ticks of one unit of the reference time
_NOT_RECEIVED, _SMALL, _LARGE = 0, 1, 2
_SYMBOLS: Final = 7  # of two bits, in one chunk
_VECTOR: Final = 0xC000
_FRONT: Final = Struct(">HHI")


class Arrivals:
    """Each packet is spoken of once, in order; a packet that comes after its turn is not."""

    def __init__(self) -> None:
        self._came: dict[int, int] = {}
        self._next: int | None = None
        self._highest = 0
        self._count = 0

    def note(self, number: int, tick: int) -> None:
        """A transport-wide number of 16 bits, and when its packet came."""
        if self._next is None:
            self._next = self._highest = number
        number = nearest(number, self._highest)
        if number < self._next:
            return
        if number >= self._next + MAX_STATUSES:
            # A leap: what lies between is no loss of hundreds.
            self._next = number - MAX_STATUSES + 1
            self._came = {one: when for one, when in self._came.items() if one >= self._next}
        self._highest = max(self._highest, number)
        self._came.setdefault(number, tick)

    def body(self) -> bytes | None:
        """Of a feedback on what came since the last one; None when nothing did."""
        if self._next is None or not self._came:
            return None
        base, statuses = self._next, [self._came.get(one) for one in range(self._next, self._highest + 1)]
        self._next = self._highest + 1
        self._came = {}
        self._count += 1
        return _written(base, statuses, self._count - 1)


def _written(base: int, statuses: list[int | None], number: int) -> bytes:
    first = next(tick for tick in statuses if tick is not None)
    last = first // _REFERENCE * _REFERENCE
    reference = first // _REFERENCE & 0xFFFFFF
    symbols, deltas = [], bytearray()
    for tick in statuses:
        if tick is None:
            symbols.append(_NOT_RECEIVED)
            continue
        delta = max(-0x8000, min(0x7FFF, tick - last))
        last += delta
        small = 0 <= delta <= 0xFF
        symbols.append(_SMALL if small else _LARGE)
        deltas += delta.to_bytes(1 if small else 2, "big", signed=not small)
    body = bytearray(_FRONT.pack(base & 0xFFFF, len(statuses), reference << 8 | number & 0xFF))
    for at in range(0, len(symbols), _SYMBOLS):
        chunk = _VECTOR
        for place, symbol in enumerate(symbols[at : at + _SYMBOLS]):
            chunk |= symbol << 2 * (_SYMBOLS - 1 - place)
        body += chunk.to_bytes(2, "big")
    body += deltas
    return bytes(body) + bytes(-len(body) % 4)
