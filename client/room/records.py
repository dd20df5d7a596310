"""Frozen dataclasses as CBOR and back, by their annotations: how the parts of a room's state are stored.

A dataclass is a map by field names; where an annotation leaves several classes open, `kind` names the
class. Tuples and sets are lists, mappings lists of pairs. What is read back is held to the annotations:
stored bytes that do not fit are damaged, or of another program.
"""

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from operator import attrgetter
from types import NoneType, UnionType
from typing import (
    Generic,
    Literal,
    NewType,
    NoReturn,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

import cbor2

from crypto.mls.errors import StorageError
from wire.codec import DecodeError, items

MAX_RECORD_BYTES = 64 * 1024 * 1024

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Form:
    """How the values of one annotation are written and read. `pack` None: as they are."""

    pack: Callable[[object], object] | None
    unpack: Callable[[object], object]


class Record(Generic[T]):
    """The codec of one annotation: `Record[tuple[Item, ...]](tuple[Item, ...])`."""

    def __init__(self, annotation: object) -> None:
        self._annotation = annotation

    def encode(self, value: T) -> bytes:
        pack = _form_of(self._annotation).pack
        return cbor2.dumps(value if pack is None else pack(value))

    def decode(self, data: bytes) -> T:
        """Raises StorageError."""
        try:
            found = items(data, MAX_RECORD_BYTES)
        except DecodeError:
            _damaged("CBOR")
        if len(found) != 1:
            _damaged("one value")
        return cast(T, _form_of(self._annotation).unpack(found[0]))


def _damaged(what: str) -> NoReturn:
    raise StorageError("room_rows", f"a stored room is damaged, or of another program: no {what}")


@cache
def _form_of(annotation: object) -> _Form:
    if isinstance(annotation, NewType):
        return _form_of(annotation.__supertype__)
    if annotation in (bytes, int, str, bool):
        return _exactly(cast(type, annotation))
    if is_dataclass(annotation):
        return _dataclass(cast(type, annotation))
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return _literal(arguments)
    if origin in (Union, UnionType):
        return _union(arguments)
    if origin is tuple and arguments[1:] == (...,):
        return _list(arguments[0], tuple)
    if origin is frozenset:
        return _list(arguments[0], frozenset)
    if origin is Mapping:
        return _mapping(*arguments)
    raise TypeError(f"no record holds {annotation}")


def _exactly(kind: type) -> _Form:
    def unpack(value: object) -> object:
        return value if type(value) is kind else _damaged(kind.__name__)

    return _Form(None, unpack)


def _literal(choices: tuple[object, ...]) -> _Form:
    def unpack(value: object) -> object:
        return value if isinstance(value, str) and value in choices else _damaged("choice")

    return _Form(None, unpack)


def _list(inner: object, kind: type) -> _Form:
    form = _form_of(inner)

    def pack(value: object) -> object:
        found = cast(tuple[object, ...], value if kind is tuple else sorted(cast(frozenset[bytes], value)))
        return found if form.pack is None else [form.pack(one) for one in found]

    def unpack(value: object) -> object:
        if not isinstance(value, list):
            _damaged("list")
        return kind(form.unpack(one) for one in value)

    return _Form(pack, unpack)


def _mapping(of_keys: object, of_values: object) -> _Form:
    pairs = _pair(_form_of(of_keys), _form_of(of_values))

    def pack(value: object) -> object:
        write = cast(Callable[[object], object], pairs.pack)
        return [write(pair) for pair in cast(Mapping[object, object], value).items()]

    def unpack(value: object) -> object:
        if not isinstance(value, list):
            _damaged("mapping")
        return dict(cast(tuple[object, object], pairs.unpack(pair)) for pair in value)

    return _Form(pack, unpack)


def _pair(key: _Form, value: _Form) -> _Form:
    def pack(pair: object) -> object:
        left, right = cast(tuple[object, object], pair)
        return (
            left if key.pack is None else key.pack(left),
            right if value.pack is None else value.pack(right),
        )

    def unpack(pair: object) -> object:
        if not isinstance(pair, list) or len(pair) != 2:
            _damaged("pair")
        return key.unpack(pair[0]), value.unpack(pair[1])

    return _Form(pack, unpack)


def _dataclass(cls: type) -> _Form:
    hints = get_type_hints(cls)
    names = tuple(field.name for field in fields(cls))
    forms = tuple(_form_of(hints[name]) for name in names)
    special = tuple(
        (name, form.pack) for name, form in zip(names, forms, strict=True) if form.pack is not None
    )
    # Fields that the class has got later may be missing, and then have what it gives them.
    later: Set[str] = cls.__dict__.get("LATER", frozenset())
    needed = frozenset(names) - later
    if not names:
        return _Form(lambda _: {}, lambda value: cls() if value == {} else _damaged(cls.__name__))
    get = attrgetter(*names) if len(names) > 1 else lambda value: (getattr(value, names[0]),)

    def pack(value: object) -> object:
        out = dict(zip(names, get(value), strict=True))
        for name, write in special:
            out[name] = write(out[name])
        return out

    def unpack(value: object) -> object:
        if not isinstance(value, dict) or not needed <= value.keys() <= set(names):
            _damaged(cls.__name__)
        each = zip(names, forms, strict=True)
        return cls(**{name: form.unpack(value[name]) for name, form in each if name in value})

    return _Form(pack, unpack)


def _tag_of(cls: type) -> str:
    """The name by which the class goes where several are possible: its own word for itself, if it has one."""
    for name in ("kind", "type"):
        tag = cls.__dict__.get(name)
        if isinstance(tag, str):
            return tag
    return cls.__name__


def _union(arguments: tuple[object, ...]) -> _Form:
    optional = NoneType in arguments
    some = tuple(one for one in arguments if one is not NoneType)
    form = _form_of(some[0]) if len(some) == 1 else _classes(cast(tuple[type, ...], some))
    if not optional:
        return form

    def pack(value: object) -> object:
        return value if value is None or form.pack is None else form.pack(value)

    def unpack(value: object) -> object:
        return None if value is None else form.unpack(value)

    return _Form(None if form.pack is None else pack, unpack)


def _classes(classes: tuple[type, ...]) -> _Form:
    by_class = {cls: (_tag_of(cls), _form_of(cls)) for cls in classes}
    by_tag = dict(by_class.values())
    if len(by_tag) < len(classes):
        raise TypeError("two classes of one tag")

    def pack(value: object) -> object:
        tag, form = by_class[type(value)]
        write = cast(Callable[[object], dict[str, object]], form.pack)
        return {"class": tag, **write(value)}

    def unpack(value: object) -> object:
        tag = value.get("class") if isinstance(value, dict) else None
        form = by_tag.get(tag) if isinstance(tag, str) else None
        if form is None:
            _damaged("class")
        return form.unpack(
            {name: one for name, one in cast(dict[str, object], value).items() if name != "class"}
        )

    return _Form(pack, unpack)
