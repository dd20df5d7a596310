"""The presentation language of RFC 9420 §2.1: integers, fixed bytes, variable-size vectors, optional values.

There is one way to write each value and no other is read: what was decoded encodes to the bytes it came from.
"""

from collections.abc import Callable, Iterable
from typing import Self, TypeVar

from crypto.mls.errors import DecodeError, UsageError

MAX_VECTOR_LENGTH = 2**30 - 1
"""RFC 9420 §2.1.2: two bits of the first byte give the size, so 30 bits remain."""

T = TypeVar("T")


def encode_varint(value: int) -> bytes:
    """The length header of a variable-size vector (RFC 9420 §2.1.2), always in its shortest form."""
    if 0 <= value < 1 << 6:
        return value.to_bytes(1, "big")
    if 0 <= value < 1 << 14:
        return (value | 1 << 14).to_bytes(2, "big")
    if 0 <= value <= MAX_VECTOR_LENGTH:
        return (value | 2 << 30).to_bytes(4, "big")
    raise UsageError("varint_range", f"a length of {value} cannot be encoded")


def vector_bytes(content: bytes) -> bytes:
    """`opaque value<V>` by itself."""
    return encode_varint(len(content)) + content


class Writer:
    """Collects the parts of one structure. Values that its fields cannot hold are the caller's fault."""

    __slots__ = ("_parts",)

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def uint8(self, value: int) -> Self:
        return self._integer(value, 1)

    def uint16(self, value: int) -> Self:
        return self._integer(value, 2)

    def uint32(self, value: int) -> Self:
        return self._integer(value, 4)

    def uint64(self, value: int) -> Self:
        return self._integer(value, 8)

    def raw(self, value: bytes) -> Self:
        """Bytes without a length: fixed size, or a structure that is already encoded."""
        self._parts.append(value)
        return self

    def opaque(self, value: bytes) -> Self:
        """`opaque value<V>`"""
        parts = self._parts
        parts.append(encode_varint(len(value)))
        parts.append(value)
        return self

    def vector(self, items: Iterable[T], write: Callable[["Writer", T], object]) -> Self:
        """`T items<V>`"""
        inner = Writer()
        for item in items:
            write(inner, item)
        return self.opaque(inner.finish())

    def optional(self, value: T | None, write: Callable[["Writer", T], object]) -> Self:
        """`optional<T>`: an octet that says whether the value follows."""
        if value is None:
            return self.uint8(0)
        self.uint8(1)
        write(self, value)
        return self

    def finish(self) -> bytes:
        return b"".join(self._parts)

    def _integer(self, value: int, size: int) -> Self:
        try:
            self._parts.append(value.to_bytes(size, "big"))
        except OverflowError as cause:
            raise UsageError("integer_range", f"{value} is not an unsigned {8 * size}-bit integer") from cause
        return self


class Reader:
    """Reads one structure from bytes of a peer.

    Every method raises `DecodeError` and nothing else, and never reads or allocates more than the bytes it
    was given.
    """

    __slots__ = ("_at", "_data", "_end")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        # The end of the innermost vector that is being read.
        self._end = len(data)

    @property
    def position(self) -> int:
        """How many bytes were read so far."""
        return self._at

    @property
    def remaining(self) -> int:
        return self._end - self._at

    @property
    def done(self) -> bool:
        return self._at == self._end

    def uint8(self) -> int:
        at = self._at
        if at >= self._end:
            raise DecodeError("1 byte expected, 0 left")
        self._at = at + 1
        return self._data[at]

    def uint16(self) -> int:
        return int.from_bytes(self.raw(2), "big")

    def uint32(self) -> int:
        return int.from_bytes(self.raw(4), "big")

    def uint64(self) -> int:
        return int.from_bytes(self.raw(8), "big")

    def raw(self, length: int) -> bytes:
        at = self._at
        end = at + length
        if end > self._end:
            raise DecodeError(f"{length} bytes expected, {self._end - at} left")
        self._at = end
        return self._data[at:end]

    def varint(self) -> int:
        """The length header of a variable-size vector, in its shortest form (RFC 9420 §2.1.2)."""
        first = self.uint8()
        if first < 0x40:
            return first
        if first >= 0xC0:
            raise DecodeError("a vector's length begins with the invalid prefix 11")
        more = 1 if first < 0x80 else 3
        value = (first & 0x3F) << (8 * more) | int.from_bytes(self.raw(more), "big")
        if value < (1 << 6 if more == 1 else 1 << 14):
            raise DecodeError("a vector's length is not in its shortest form")
        return value

    def opaque(self, limit: int = MAX_VECTOR_LENGTH) -> bytes:
        """`opaque value<V>`, of at most `limit` bytes."""
        length = self.varint()
        if length > limit:
            raise DecodeError(f"a vector of {length} bytes is longer than {limit}")
        return self.raw(length)

    def vector(self, read: Callable[["Reader"], T], limit: int = MAX_VECTOR_LENGTH) -> tuple[T, ...]:
        """`T items<V>`, of at most `limit` items."""
        length = self.varint()
        outer = self._end
        end = self._at + length
        if end > outer:
            raise DecodeError(f"{length} bytes expected, {outer - self._at} left")
        self._end = end
        items: list[T] = []
        while self._at < end:
            if len(items) == limit:
                raise DecodeError(f"a vector has more than {limit} items")
            before = self._at
            items.append(read(self))
            # An item of no bytes would make this loop endless.
            if self._at == before:
                raise DecodeError("a vector's item is empty")
        self._end = outer
        return tuple(items)

    def optional(self, read: Callable[["Reader"], T]) -> T | None:
        present = self.uint8()
        if present > 1:
            raise DecodeError("the octet of an optional value is neither 0 nor 1")
        return read(self) if present else None

    def rest(self) -> bytes:
        """All that is left."""
        return self.raw(self.remaining)

    def since(self, position: int) -> bytes:
        """The bytes from an earlier `position` up to here: to sign or hash what was received."""
        return self._data[position : self._at]

    def finish(self) -> None:
        if self._at != self._end:
            raise DecodeError(f"{self.remaining} bytes follow the structure")


def encode(write: Callable[[Writer], object]) -> bytes:
    writer = Writer()
    write(writer)
    return writer.finish()


def decode(data: bytes, read: Callable[[Reader], T]) -> T:
    """Reads a structure that takes up all of `data`. Raises DecodeError."""
    reader = Reader(data)
    value = read(reader)
    reader.finish()
    return value
