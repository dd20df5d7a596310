"""Transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01): when each packet arrived.

`Arrivals` notes what comes from a participant and says it back; `read` takes what a participant says.
Times are whole ticks of 250 µs, as the draft counts them.
"""

from struct import Struct
from typing import Final

from signaling.sfu.sequence import nearest

TICK: Final = 0.000_25
REFERENCE: Final = 256
"""Ticks of one unit of the reference time: 64 ms."""
MAX_STATUSES: Final = 2048
"""Packets that one feedback speaks of: seconds of the fastest participant."""
MAX_NOTED: Final = 512
"""Packets between two feedbacks. Their feedback fits into one packet of the network."""

OVERTAKEN: Final = 0.04
"""Seconds in which a packet that was overtaken may still come: so long it is not said to be lost. A sender
that is told so takes a path on which packets overtake one another for one that loses them, and sends less.
"""

_NOT_RECEIVED: Final = 0
_SMALL: Final = 1
_LARGE: Final = 2
_MAX_RUN: Final = 0x1FFF
_ONE_BIT: Final = 14
_TWO_BITS: Final = 7

_front = Struct(">HHI")
_pack_chunk = Struct(">H").pack
_read_chunk = Struct(">H").unpack_from
_read_large = Struct(">h").unpack_from

Statuses = list[int | None]
"""For each packet from the base on, the tick at which it arrived, or None."""


def read(body: bytes) -> tuple[int, Statuses] | None:
    """(base sequence number, statuses); None when it is malformed. Ticks wrap with the reference time."""
    length = len(body)
    if length < 8:
        return None
    base, count, reference = _front.unpack_from(body)
    if not 0 < count <= MAX_STATUSES:
        return None
    symbols: list[int] = []
    at = 8
    while len(symbols) < count:
        if at + 2 > length:
            return None
        chunk = _read_chunk(body, at)[0]
        at += 2
        if not chunk & 0x8000:
            # A run may claim more than the count; what is beyond it is nobody's.
            symbols += [chunk >> 13 & 3] * min(chunk & _MAX_RUN, count - len(symbols))
            if not chunk & _MAX_RUN:
                return None  # an empty run would let a small packet keep us busy for nothing
        elif chunk & 0x4000:
            symbols += [chunk >> shift & 3 for shift in range(12, -1, -2)]
        else:
            symbols += [chunk >> shift & 1 for shift in range(13, -1, -1)]
    del symbols[count:]
    tick = (reference >> 8) * REFERENCE
    out: Statuses = []
    for symbol in symbols:
        if symbol == _NOT_RECEIVED:
            out.append(None)
        elif symbol == _SMALL:
            if at + 1 > length:
                return None
            tick += body[at]
            at += 1
            out.append(tick)
        elif symbol == _LARGE:
            if at + 2 > length:
                return None
            tick += _read_large(body, at)[0]
            at += 2
            out.append(tick)
        else:
            return None  # reserved
    return base, out


def write(base: int, statuses: Statuses, number: int) -> bytes:
    """The body of a feedback. The first arrival sets the reference time; deltas beyond 16 bits are cut off.

    `number` counts the feedbacks of one sender.
    """
    first = next((tick for tick in statuses if tick is not None), 0)
    reference = first // REFERENCE
    last = reference * REFERENCE
    symbols: list[int] = []
    deltas = bytearray()
    for tick in statuses:
        if tick is None:
            symbols.append(_NOT_RECEIVED)
            continue
        delta = tick - last
        if 0 <= delta <= 0xFF:
            symbols.append(_SMALL)
            deltas.append(delta)
        else:
            delta = max(-0x8000, min(0x7FFF, delta))
            symbols.append(_LARGE)
            deltas += delta.to_bytes(2, "big", signed=True)
        last += delta
    front = _front.pack(base & 0xFFFF, len(statuses), (reference & 0xFFFFFF) << 8 | number & 0xFF)
    body = front + _chunks(symbols) + deltas
    return body + bytes(-len(body) % 4)


def _chunks(symbols: list[int]) -> bytes:
    out = bytearray()
    at, count = 0, len(symbols)
    while at < count:
        symbol = symbols[at]
        run = 1
        while at + run < count and run < _MAX_RUN and symbols[at + run] == symbol:
            run += 1
        if run > _ONE_BIT or at + run == count:
            out += _pack_chunk(symbol << 13 | run)
            at += run
            continue
        few = symbols[at : at + _ONE_BIT]
        if _LARGE in few:
            few = few[:_TWO_BITS]
            bits = 0
            for one in few:
                bits = bits << 2 | one
            out += _pack_chunk(0xC000 | bits << 2 * (_TWO_BITS - len(few)))
        else:
            bits = 0
            for one in few:
                bits = bits << 1 | one
            out += _pack_chunk(0x8000 | bits << (_ONE_BIT - len(few)))
        at += len(few)
    return bytes(out)


class Arrivals:
    """What came from one participant since the last feedback, and a little from before it."""

    __slots__ = ("_highest", "_known", "_next", "_number", "_patience", "noted")

    def __init__(self, patience: float = OVERTAKEN) -> None:
        self._patience = patience / TICK
        self.noted: list[tuple[int, float]] = []
        """(transport-wide number of 16 bits, when). The hot path appends; `feedback` empties it."""
        self._known: dict[int, int] = {}
        self._next: int | None = None
        self._highest = 0
        self._number = 0

    def feedback(self) -> bytes | None:
        """The body of a feedback on what was noted, or None when there was nothing.

        It begins behind the last one, or earlier where a packet came late; so what was lost is said once. It
        ends before what may only have been overtaken.
        """
        if not self.noted:
            return None
        if self._next is None:
            self._next = self._highest = self.noted[0][0]
        lowest = self._next
        known = self._known
        highest = self._highest
        for number, when in self.noted:
            number = nearest(number, highest)
            if number > highest:
                highest = number
            elif number <= highest - MAX_NOTED or number in known:
                continue
            elif number < lowest:
                lowest = number
            known[number] = int(when / TICK)
        self._highest = highest
        now = int(self.noted[-1][1] / TICK)
        self.noted.clear()
        # A jump is no loss of thousands: what is far behind is not spoken of.
        start = max(lowest, self._highest - MAX_NOTED + 1)
        end = self._settled(start, now)
        statuses = [known.get(number) for number in range(start, end + 1)]
        self._next = max(self._next, end + 1)
        # In the order of coming, which is nearly that of the numbers.
        while len(known) > MAX_NOTED:
            del known[next(iter(known))]
        if not any(tick is not None for tick in statuses):
            return None
        self._number += 1
        return write(start, statuses, self._number - 1)

    def _settled(self, start: int, now: int) -> int:
        """The last number of which something is to be said: what is missing behind it may still come."""
        known, fresh = self._known, now - self._patience
        end = self._highest
        for number in range(end, start - 1, -1):
            came = known.get(number)
            if came is None:
                end = number - 1
            elif came <= fresh:
                break
        return end
