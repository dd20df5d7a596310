"""Every frame survives the way through CBOR; nothing else gets in."""

import contextlib
import secrets
from typing import Any, get_args

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from wire import frames
from wire.bounds import MAX_CLIENT_MESSAGE, MAX_COMMIT, MAX_FRAMES, Strict, from_base64url, to_base64url
from wire.codec import DecodeError, decode_client, decode_server, encode, encode_ack, encode_entry
from wire.http import NewRoom

A, B = b"a" * 16, b"b" * 16
CLIENT: list[Any] = [
    frames.Hello(cursors=[frames.RoomCursor(room=A, n=7)]),
    frames.Send(room=A, id=B, kind="message", after=0, list=A, payload=b"x"),
    frames.Send(
        room=A,
        id=B,
        kind="commit",
        after=3,
        list=A,
        payload=b"x",
        devices=[A, B],
        welcomes=[frames.WelcomeFor(device=B, payload=b"w")],
        answered=[A],
    ),
    frames.Cursor(room=A, n=2**53 - 1),
    frames.Fetch.model_validate({"room": A, "from": 1, "limit": 5}),
    frames.Ephemeral(room=A, payload=b"x"),
    frames.CallJoin(room=A, session=B, resume=False),
    frames.CallAnswer(room=A, session=B, seq=1, sdp="v=0"),
    frames.CallLayers(room=A, session=B, streams=[frames.LayerOf(mid="4", layer="h")]),
    frames.CallRestart(room=A, session=B),
    frames.CallLeave(room=A, session=B),
    frames.Wake(room=A, ring=B),
    frames.Ping(),
]
SERVER: list[Any] = [
    frames.Ready(
        device=A,
        time=1,
        rooms=[
            frames.RoomState(room=A, last=1, after=0, list=[B], cursors=[frames.DeviceCursor(device=B, n=1)])
        ],
    ),
    frames.Ack(room=A, id=B, n=1, time=1),
    frames.Stale(room=A, id=B, after=4),
    frames.Refused(code="c", message="m"),
    frames.Refused(room=A, id=B, code="c", message="m"),
    frames.Entry(room=A, n=1, time=1, kind="leave", id=B, device=A, payload=b"x"),
    frames.Entry(room=A, n=1, time=1, kind="message", id=B, payload=b"x"),
    frames.Gap(room=A, entries=[frames.GapEntry(n=1, time=1, hash=b"h" * 48)]),
    frames.CaughtUp(room=A, last=0),
    frames.Welcome(room=A, n=1, time=1, payload=b"x"),
    frames.Request(room=A, request_id=B, time=1, kind="rejoin", sealed=b"s"),
    frames.RequestGone(room=A, request_id=B),
    frames.Cursors(room=A, cursors=[frames.DeviceCursor(device=B, n=1)]),
    frames.Ephemeral(room=A, payload=b"x"),
    frames.Removed(room=A, n=1),
    frames.Routing(room=A, old=[A], new=[A, B]),
    frames.CallState(room=A, participants=[]),
    frames.CallState(
        room=A,
        call=B,
        since=1,
        participants=[frames.CallParticipant(device=A, session=B, since=1, state="here")],
    ),
    frames.CallOffer(
        room=A,
        session=B,
        seq=1,
        fresh=True,
        sdp="v=0",
        streams=[frames.StreamOf(mid="4", device=B, kind="camera")],
    ),
    frames.CallEnded(room=A, session=B, code="left"),
    frames.CallReport(
        room=A,
        participants=[
            frames.Quality(
                device=A,
                loss_up=0.0,
                loss_down=0.5,
                kbps_up=1.0,
                kbps_down=2.5,
                loudness=127,
                layers=[frames.LayerOf(mid="4", layer="l")],
            )
        ],
    ),
    frames.Woken(room=A, ring=B, devices=[A]),
    frames.Pong(),
    frames.Bye(code="restart"),
]


@pytest.mark.parametrize("frame", CLIENT, ids=lambda f: type(f).__name__)
def test_client_frames_survive(frame: Strict) -> None:
    assert decode_client(encode(frame)) == [frame]


@pytest.mark.parametrize("frame", SERVER, ids=lambda f: type(f).__name__)
def test_server_frames_survive(frame: Strict) -> None:
    assert decode_server(encode(frame)) == [frame]


def test_every_class_is_tried() -> None:
    for union, tried in ((frames.ClientFrame, CLIENT), (frames.ServerFrame, SERVER)):
        classes = set(get_args(get_args(union)[0]))
        assert {type(frame) for frame in tried} == classes


def test_the_short_ways_write_what_the_models_do() -> None:
    assert encode_ack(A, B, 5, 6) == encode(frames.Ack(room=A, id=B, n=5, time=6))
    for device in (None, A):
        entry = frames.Entry(room=A, n=5, time=6, kind="commit", id=B, device=device, payload=b"x")
        assert encode_entry(A, 5, 6, "commit", B, device, b"x") == encode(entry)


def test_a_sequence_keeps_its_order() -> None:
    assert decode_client(encode(*CLIENT)) == CLIENT


def test_absent_fields_are_left_out() -> None:
    assert set(cbor2.loads(encode(CLIENT[1]))) == {"t", "room", "id", "kind", "after", "list", "payload"}


def good() -> dict[str, Any]:
    return CLIENT[1].model_dump()  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    "change",
    [
        {"room": b"short"},
        {"room": "a" * 16},
        {"after": -1},
        {"after": 2**53},
        {"after": 1.0},
        {"after": True},
        {"kind": "other"},
        {"payload": b""},
        {"payload": b"x" * (MAX_COMMIT + 1)},
        {"devices": [A] * 257},
        {"welcomes": [{"device": A, "payload": b"w"}] * 33},
        {"unknown": 1},
        {"t": "sent"},
        {"t": None},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_frame_out_of_bounds_is_refused(change: dict[str, Any]) -> None:
    body = {k: v for k, v in good().items() if v is not None} | change
    with pytest.raises(DecodeError):
        decode_client(cbor2.dumps(body))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"\xf7",
        b"\x00",
        b"\x9b" + b"\xff" * 8,
        b"\x5b\x7f" + b"\xff" * 7,
        b"\xbb\x00\x00\x00\xff" + b"\xff" * 4,
        b"\x81" * 33 + b"\x00",
        b"\x81" * 100_000,
        b"\x9f\xff",
        b"\xbf\x61t\x64ping\xff",
        b"\xc1\x1a\x00\x00\x00\x01",
        b"\xc2\x41\x01",
        b"\xd9\xd9\xf7\xa1\x61t\x64ping",
        b"\xd8\x1c\x81\xd8\x1d\x00",
        b"\xa2\x61t\x64ping\x61t\x64ping",
        b"\xa1\x61t\x64\xff\xff\xff\xff",
        b"\xa1\x80\x01",
        b"\xa1\x61t\x64ping" * (MAX_FRAMES + 1),
        b"\0" * (MAX_CLIENT_MESSAGE + 1),
        encode(frames.Pong()),
    ],
    ids=lambda data: data[:6].hex() or "empty",
)
def test_bytes_that_are_no_frames(data: bytes) -> None:
    with pytest.raises(DecodeError):
        decode_client(data)


@settings(max_examples=300, derandomize=True, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_decode_or_raise_decode_error(data: bytes) -> None:
    with contextlib.suppress(DecodeError):
        decode_client(data)


@settings(max_examples=300, derandomize=True, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 255), st.integers(0, len(CLIENT) - 1))
def test_a_changed_byte_decodes_or_raises_decode_error(at: int, value: int, which: int) -> None:
    data = bytearray(encode(CLIENT[which]))
    data[at % len(data)] = value
    with contextlib.suppress(DecodeError):
        decode_client(bytes(data))


@settings(max_examples=100, derandomize=True)
@given(st.binary(max_size=50))
def test_base64url_survives(data: bytes) -> None:
    assert from_base64url(to_base64url(data)) == data


@pytest.mark.parametrize("text", ["A", "AA=", "AA==", "AB", "A+AA", "A/AA", "AA\n", "ÄÄ", "A A A"])
def test_only_the_one_form_of_base64url(text: str) -> None:
    with pytest.raises(ValueError, match="base64url"):
        from_base64url(text)


def test_json_bodies_are_strict() -> None:
    room = secrets.token_bytes(16)
    body = NewRoom(room_id=room)
    assert NewRoom.model_validate({"room_id": to_base64url(room)}) == body
    assert NewRoom.model_validate_json(body.model_dump_json()) == body
    for bad in (
        {"room_id": to_base64url(room) + "=="},
        {"room_id": 1},
        {"room_id": to_base64url(room), "x": 1},
    ):
        with pytest.raises(ValidationError):
            NewRoom.model_validate(bad)
