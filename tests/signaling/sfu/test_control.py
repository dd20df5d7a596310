"""The channel between the server and a unit: every message there and back, in any pieces, and no more."""

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signaling.sfu.control import (
    MAX_MESSAGE,
    Answer,
    Close,
    Connected,
    FromUnit,
    Hello,
    Kind,
    Layer,
    Lost,
    Offer,
    Open,
    ParticipantReport,
    Refused,
    Report,
    Restart,
    Sending,
    Silent,
    StreamOf,
    ToUnit,
    Want,
    Wants,
    encode,
    from_unit,
    to_unit,
)
from wire.codec import DecodeError

SESSION, ROOM, DEVICE, ACCOUNT = (bytes([n]) * 16 for n in range(1, 5))

TO_UNIT: list[ToUnit] = [
    Open(session=SESSION, room=ROOM, device=DEVICE, account=ACCOUNT),
    Answer(session=SESSION, seq=3, sdp="v=0\r\n"),
    Wants(session=SESSION, streams=[Want(mid="4", layer=Layer.HIGH), Want(mid="5", layer=Layer.NONE)]),
    Restart(session=SESSION),
    Close(session=SESSION, code="left"),
]
FROM_UNIT: list[FromUnit] = [
    Hello(addresses=["127.0.0.1", "::1"], port=40_000, fingerprint=":".join(["0A"] * 32)),
    Offer(
        session=SESSION, seq=0, sdp="v=0\r\n", streams=[StreamOf(mid="4", device=DEVICE, kind=Kind.CAMERA)]
    ),
    Connected(session=SESSION),
    Silent(session=SESSION),
    Lost(session=SESSION, code="consent"),
    Refused(session=SESSION, code="full"),
    Report(
        room=ROOM,
        participants=[
            ParticipantReport(
                device=DEVICE,
                session=SESSION,
                round_trip_ms=None,
                loss_up=0.0,
                loss_down=0.25,
                kbps_up=12.5,
                kbps_down=0.0,
                loudness=127,
                layers=[Sending(mid="4", layer=Layer.LOW)],
            )
        ],
    ),
]


@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_every_message_comes_through_in_any_pieces(size: int) -> None:
    for reader, sent in ((to_unit(), TO_UNIT), (from_unit(), FROM_UNIT)):
        stream = b"".join(map(encode, sent))
        got: list[object] = []
        for at in range(0, len(stream), size):
            got += reader.feed(stream[at : at + size])
        assert got == sent


def framed(value: object) -> bytes:
    body = cbor2.dumps(value)
    return len(body).to_bytes(4, "big") + body


@pytest.mark.parametrize(
    "bad",
    [
        framed({"t": "open", "session": SESSION}),
        framed({"t": "close", "session": SESSION, "code": "x", "more": 1}),
        framed({"t": "wants", "session": SESSION, "streams": [{"mid": "4", "layer": "xl"}]}),
        framed({"t": "hello"}),
        framed([]),
        b"\0\0\0\0",
        (MAX_MESSAGE + 1).to_bytes(4, "big"),
        b"\0\0\0\x02\xf6\xf6",
    ],
)
def test_what_is_not_a_message_is_refused_by_one_error(bad: bytes) -> None:
    with pytest.raises(DecodeError):
        to_unit().feed(bad)


@settings(derandomize=True, deadline=None)
@given(st.lists(st.binary(max_size=64), max_size=8))
def test_any_bytes_are_messages_or_the_error(pieces: list[bytes]) -> None:
    reader = to_unit()
    try:
        for piece in pieces:
            reader.feed(piece)
    except DecodeError:
        pass
