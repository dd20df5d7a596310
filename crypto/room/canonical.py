"""CBOR inside rooms: one value has one spelling (RFC 8949 §4.2.3, length-first map keys).

What is signed, hashed or compared must not depend on who wrote it. So the decoder takes exactly what the
encoder writes, and of CBOR only what our structures are made of: unsigned integers below 2^53, byte
strings, text, lists, maps with text for keys, true and false. No length, number or key has a second spelling;
there is nothing to compare afterwards, and no tag, float or null to misread. What is nested or repeated is
bounded before it is built.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Final, NoReturn, TypeAlias, TypeVar

from crypto.mls.errors import UsageError
from crypto.room.errors import RoomDataError
from crypto.room.text import BYTE_ORDER_MARK

T = TypeVar("T")

Value: TypeAlias = "bool | int | bytes | str | Sequence[Value] | Mapping[str, Value]"
Fields: TypeAlias = Mapping[str, Value]
FieldsAndGaps: TypeAlias = "Mapping[str, Value | None]"

MAX_NUMBER: Final = 2**53 - 1  # what JavaScript counts exactly
MAX_DEPTH: Final = 32
MAX_ITEMS: Final = 100_000  # more than any structure of ours holds

_UINT, _BYTES, _TEXT, _LIST, _MAP, _SIMPLE = 0, 2, 3, 4, 5, 7
_FALSE, _TRUE = b"\xf4", b"\xf5"


def encode_canonical(fields: FieldsAndGaps) -> bytes:
    """Fields that are None are left out. Raises UsageError for what has no place in our structures."""
    out: list[bytes] = []
    _write_map(out, {name: value for name, value in fields.items() if value is not None})
    return b"".join(out)


def _head(major: int, value: int) -> bytes:
    if value < 24:
        return bytes((major << 5 | value,))
    for info, width in ((24, 1), (25, 2), (26, 4)):
        if value < 1 << 8 * width:
            return bytes((major << 5 | info,)) + value.to_bytes(width, "big")
    return bytes((major << 5 | 27,)) + value.to_bytes(8, "big")


def _write(out: list[bytes], value: Value) -> None:
    match value:
        case bool():
            out.append(_TRUE if value else _FALSE)
        case int():
            if not 0 <= value <= MAX_NUMBER:
                raise UsageError("cbor_value", "a number that other languages do not count exactly")
            out.append(_head(_UINT, value))
        case bytes():
            out += (_head(_BYTES, len(value)), value)
        case str():
            text = _utf8(value)
            out += (_head(_TEXT, len(text)), text)
        case Mapping():
            _write_map(out, value)
        case Sequence():
            out.append(_head(_LIST, len(value)))
            for item in value:
                _write(out, item)
        case _:
            raise UsageError("cbor_value", f"no structure of ours holds a {type(value).__name__}")


def _write_map(out: list[bytes], fields: Fields) -> None:
    keyed = sorted((len(key), key, value) for key, value in ((_utf8(k), v) for k, v in fields.items()))
    out.append(_head(_MAP, len(keyed)))
    for length, key, value in keyed:
        out += (_head(_TEXT, length), key)
        _write(out, value)


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as cause:
        raise UsageError("cbor_value", "half of a surrogate pair") from cause


def decode_canonical(data: bytes, max_bytes: int) -> Fields:
    """The one map in `data`, in its one spelling. Raises RoomDataError and nothing else."""
    if len(data) > max_bytes:
        raise RoomDataError(f"{len(data)} bytes, more than {max_bytes}")
    scanner = _Scanner(data)
    value = scanner.item(0)
    if not isinstance(value, dict):
        raise RoomDataError("not a map")
    if scanner.at != len(data):
        raise RoomDataError("bytes follow the map")
    return value


class _Scanner:
    __slots__ = ("at", "data", "items")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0
        self.items = 0

    def item(self, depth: int) -> Value:
        self.items += 1
        if self.items > MAX_ITEMS:
            raise RoomDataError("too many items")
        major, value = self.head()
        if major == _UINT:
            if value > MAX_NUMBER:
                raise RoomDataError("a number beyond 2^53")
            return value
        if major == _BYTES:
            return self.take(value)
        if major == _TEXT:
            return self.text(value)
        if major in (_LIST, _MAP):
            if depth == MAX_DEPTH:
                raise RoomDataError("nested too deep")
            return self.list(value, depth + 1) if major == _LIST else self.map(value, depth + 1)
        if major == _SIMPLE and value in (20, 21) and self.data[self.at - 1] < 0xF8:
            return value == 21
        raise RoomDataError("a value that no structure of ours holds")

    def head(self) -> tuple[int, int]:
        first = self.take(1)[0]
        info = first & 0x1F
        if info < 24:
            return first >> 5, info
        if info > 27:
            raise RoomDataError("an indefinite or reserved length")
        width = 1 << (info - 24)
        value = int.from_bytes(self.take(width), "big")
        # What would fit into a shorter head has its spelling there.
        if value < (24 if width == 1 else 1 << 4 * width):
            raise RoomDataError("not in the one spelling")
        return first >> 5, value

    def take(self, length: int) -> bytes:
        start, self.at = self.at, self.at + length
        if self.at > len(self.data):
            raise RoomDataError("cut short")
        return self.data[start : self.at]

    def text(self, length: int) -> str:
        try:
            text = self.take(length).decode()
        except UnicodeDecodeError as cause:
            raise RoomDataError("text that is not UTF-8") from cause
        if text.startswith(BYTE_ORDER_MARK):
            raise RoomDataError("a byte order mark")
        return text

    def list(self, length: int, depth: int) -> tuple[Value, ...]:
        self.room_for(length)
        return tuple([self.item(depth) for _ in range(length)])

    def map(self, length: int, depth: int) -> dict[str, Value]:
        self.room_for(2 * length)
        out: dict[str, Value] = {}
        last = (0, b"")
        for i in range(length):
            start = self.at
            key = self.item(depth)
            if not isinstance(key, str):
                raise RoomDataError("a key that is not text")
            order = (len(key.encode()), self.data[start : self.at])
            if i > 0 and order <= last:
                raise RoomDataError("keys out of order, or one twice")
            last = order
            out[key] = self.item(depth)
        return out

    def room_for(self, items: int) -> None:
        """Each takes a byte at least: a length that cannot be true is refused before anything is built."""
        if items > len(self.data) - self.at:
            raise RoomDataError("cut short")


class FieldReader:
    """Takes the fields of one map, each once and checked; `finish` refuses what is left over.

    Every method raises RoomDataError and nothing else. `least` and `most` are bounds on a length or a number,
    both included.
    """

    __slots__ = ("_fields", "_what")

    def __init__(self, value: object, what: str) -> None:
        if not isinstance(value, Mapping):
            raise RoomDataError(f"{what}: not a map")
        self._fields: dict[str, object] = dict(value)
        self._what = what

    def has(self, name: str) -> bool:
        """Whether the field is there and was not taken yet."""
        return name in self._fields

    def octets(self, name: str, least: int, most: int | None = None) -> bytes:
        value = self.value(name)
        if not isinstance(value, bytes) or not least <= len(value) <= (least if most is None else most):
            self._refuse(name)
        return value

    def optional_octets(self, name: str, least: int, most: int | None = None) -> bytes | None:
        return self.octets(name, least, most) if self.has(name) else None

    def integer(self, name: str, least: int, most: int) -> int:
        value = self.value(name)
        # True is an int to Python, and no number to anybody else.
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            self._refuse(name)
        return value

    def boolean(self, name: str) -> bool:
        value = self.value(name)
        if not isinstance(value, bool):
            self._refuse(name)
        return value

    def text(self, name: str, accepts: Callable[[str], bool]) -> str:
        """Text that `accepts` accepts."""
        value = self.value(name)
        if not isinstance(value, str) or not accepts(value):
            self._refuse(name)
        return value

    def one_of(self, name: str, values: Iterable[T]) -> T:
        value = self.value(name)
        found = [one for one in values if isinstance(value, str) and value == one]
        if not found:
            self._refuse(name)
        return found[0]

    def list(self, name: str, least: int, most: int, read: Callable[[object], T]) -> tuple[T, ...]:
        value = self.value(name)
        if not isinstance(value, tuple) or not least <= len(value) <= most:
            self._refuse(name)
        return tuple([read(item) for item in value])

    def value(self, name: str) -> object:
        """Whatever stands there, for a reader of its own."""
        if name not in self._fields:
            raise RoomDataError(f"{self._what}: no {name}")
        return self._fields.pop(name)

    def finish(self) -> None:
        for _ in self._fields:
            raise RoomDataError(f"{self._what}: an unknown field")

    def _refuse(self, name: str) -> NoReturn:
        raise RoomDataError(f"{self._what}: {name} is out of bounds")


def read_octets(value: object, least: int, most: int | None = None) -> bytes:
    """One item of a list of byte strings. Raises RoomDataError."""
    if not isinstance(value, bytes) or not least <= len(value) <= (least if most is None else most):
        raise RoomDataError("an item is out of bounds")
    return value


def is_ascending(items: Sequence[bytes]) -> bool:
    """Whether byte strings stand in ascending order, none twice: a set in its one spelling."""
    return all(before < after for before, after in pairwise(items))


def ascending(items: Iterable[bytes]) -> tuple[bytes, ...]:
    return tuple(sorted(items))
