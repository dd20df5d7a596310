"""Frames to bytes and back: a CBOR sequence, bounded before it is built."""

from io import BytesIO
from typing import Any

import cbor2
from pydantic import TypeAdapter, ValidationError

from wire.bounds import MAX_CLIENT_MESSAGE, MAX_DEPTH, MAX_FRAMES, MAX_SERVER_MESSAGE, Strict
from wire.frames import ClientFrame, ServerFrame

_CLIENT: TypeAdapter[ClientFrame] = TypeAdapter(ClientFrame)
_SERVER: TypeAdapter[ServerFrame] = TypeAdapter(ServerFrame)


class DecodeError(Exception):
    """The peer's bytes are not frames of ours."""

    code = "malformed"


def _refuse(*_: Any) -> Any:
    raise DecodeError("tags are not used")


# Tags that the library would understand by itself, such as references to other items.
_NO_TAGS: dict[int, Any] = dict.fromkeys(
    (*range(6), 25, 28, 29, 30, 35, 36, 37, 52, 54, 100, 256, 258, 260, 261, 1004, 43000, 55799), _refuse
)


def items(data: bytes, limit: int) -> list[Any]:
    """The items of a CBOR sequence, within our bounds. Raises DecodeError and nothing else."""
    if len(data) > limit:
        raise DecodeError("too long")
    stream = BytesIO(data)
    decoder = cbor2.CBORDecoder(
        stream,
        tag_hook=_refuse,
        semantic_decoders=_NO_TAGS,
        max_depth=MAX_DEPTH,
        allow_indefinite=False,
        allow_duplicate_keys=False,
        strict_hashable_types=True,
    )
    out: list[Any] = []
    try:
        while stream.tell() < len(data):
            if len(out) == MAX_FRAMES:
                raise DecodeError("too many frames")
            out.append(decoder.decode())
    except (cbor2.CBORDecodeError, ValueError, OverflowError, MemoryError, TypeError, EOFError) as error:
        raise DecodeError("not CBOR") from error
    return out


def decode_client(data: bytes) -> list[ClientFrame]:
    """What a client sent. Raises DecodeError."""
    return _frames(_CLIENT, data, MAX_CLIENT_MESSAGE)


def decode_server(data: bytes) -> list[ServerFrame]:
    """What the server sent. Raises DecodeError."""
    return _frames(_SERVER, data, MAX_SERVER_MESSAGE)


def _frames(adapter: TypeAdapter[Any], data: bytes, limit: int) -> list[Any]:
    found = items(data, limit)
    if not found:
        raise DecodeError("empty")
    try:
        return [adapter.validate_python(item) for item in found]
    except ValidationError as error:
        # Only the places and kinds of the faults: never the values, which may be anything.
        faults = [
            f"{'.'.join(map(str, e['loc'][:3]))[:60]}: {e['type']}" for e in error.errors(include_input=False)
        ]
        raise DecodeError("; ".join(faults[:3])) from None


def encode_entry(
    room: bytes, n: int, time: int, kind: str, message_id: bytes, device: bytes | None, payload: bytes
) -> bytes:
    """`encode(Entry(...))`, without making the model: for values that were checked when they came in."""
    entry = {"t": "entry", "room": room, "n": n, "time": time, "kind": kind, "id": message_id}
    if device is not None:
        entry["device"] = device
    entry["payload"] = payload
    return cbor2.dumps(entry)


def encode_ack(room: bytes, message_id: bytes, n: int, time: int) -> bytes:
    """`encode(Ack(...))`, likewise."""
    return cbor2.dumps({"t": "ack", "room": room, "id": message_id, "n": n, "time": time})


def encode(*frames: Strict) -> bytes:
    """The frames as one CBOR sequence."""
    return b"".join([cbor2.dumps(frame.model_dump(by_alias=True, exclude_none=True)) for frame in frames])
