"""What the server's main process and a unit say to one another, over a socketpair that nobody else holds.

Each message is four bytes of length and one CBOR map whose `t` names its class. The unit says `Hello` first.
It makes one offer at a time for each session; what changes while one is open goes into the next.
"""

from enum import StrEnum
from typing import Annotated, Generic, Literal, TypeVar

import cbor2
from pydantic import Field, TypeAdapter, ValidationError

from wire.bounds import Code, Id, Number, Strict
from wire.codec import DecodeError, items

MAX_SDP = 64 * 1024
MAX_SECTIONS = 64  # of one SDP: four of the participant's own, the others for what it receives
MAX_PARTICIPANTS = 256  # in one room
MAX_ADDRESSES = 8
MAX_MESSAGE = 1024 * 1024
PREFIX = 4
OWN_SECTIONS = 4


class Kind(StrEnum):
    """What a stream shows or lets hear. The order is that of a participant's own sections, mids 0 to 3."""

    AUDIO = "audio"
    CAMERA = "camera"
    SCREEN = "screen"
    SCREEN_AUDIO = "screen_audio"

    @property
    def media(self) -> Literal["audio", "video"]:
        return "video" if self in (Kind.CAMERA, Kind.SCREEN) else "audio"


class Layer(StrEnum):
    """How large: of a camera 180, 360 and 720 lines. A stream without layers gives its one for each."""

    NONE = "none"
    LOW = "l"
    MIDDLE = "m"
    HIGH = "h"


KINDS = tuple(Kind)

Mid = Annotated[str, Field(min_length=1, max_length=3)]
Sdp = Annotated[str, Field(max_length=MAX_SDP)]
# CBOR has texts, and strict models do not make members of them by themselves.
KindField = Annotated[Kind, Field(strict=False)]
LayerField = Annotated[Layer, Field(strict=False)]
Rate = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]


# To the unit


class Open(Strict):
    """A device comes into a room's call. The unit answers with the session's first offer."""

    t: Literal["open"] = "open"
    session: Id
    room: Id
    device: Id
    account: Id


class Answer(Strict):
    """What the client answered to offer `seq`."""

    t: Literal["answer"] = "answer"
    session: Id
    seq: Number
    sdp: Sdp


class Want(Strict):
    mid: Mid
    layer: LayerField


class Wants(Strict):
    """How large the client shows what it receives: all of it, each time. What is not named stays as it is."""

    t: Literal["wants"] = "wants"
    session: Id
    streams: Annotated[list[Want], Field(max_length=MAX_SECTIONS)]


class Restart(Strict):
    """The client asks for new ICE credentials. The unit answers with an offer that has them."""

    t: Literal["restart"] = "restart"
    session: Id


class Close(Strict):
    """The session is over; the unit says no more about it. `code` is for the log."""

    t: Literal["close"] = "close"
    session: Id
    code: Code


# From the unit


class Hello(Strict):
    """The unit listens. `addresses` are those that its candidates name."""

    t: Literal["hello"] = "hello"
    addresses: Annotated[list[str], Field(min_length=1, max_length=MAX_ADDRESSES)]
    port: Annotated[int, Field(ge=1, le=65535)]
    fingerprint: Annotated[str, Field(pattern=r"^[0-9A-F]{2}(:[0-9A-F]{2}){31}$")]


class StreamOf(Strict):
    """A section of an offer on which the client receives: whose device it is from, and what."""

    mid: Mid
    device: Id
    kind: KindField


class Offer(Strict):
    """For the client. `streams` has every section that is in use from mid 4 on."""

    t: Literal["offer"] = "offer"
    session: Id
    seq: Number
    sdp: Sdp
    streams: Annotated[list[StreamOf], Field(max_length=MAX_SECTIONS)]


class Connected(Strict):
    """Media flows: at first, and again after `Silent`."""

    t: Literal["connected"] = "connected"
    session: Id


class Silent(Strict):
    """Nothing valid came from the client for some seconds. It may come back by itself or by a Restart."""

    t: Literal["silent"] = "silent"
    session: Id


class Lost(Strict):
    """The session is over. `code`: "consent" (RFC 7675: no valid check for 30 s), "closed" (the client ended
    DTLS), "dtls" (its handshake failed), "fingerprint" (the certificate is not that of its answer),
    "worn" (too many streams were begun in it: the next session has new keys).
    """

    t: Literal["lost"] = "lost"
    session: Id
    code: Code


class Refused(Strict):
    """A message about the session was not taken; the session, where there is one, is as it was before.

    `code`: "no_session", "full", "no_offer" (an answer to no open offer), or what is wrong in the SDP.
    """

    t: Literal["refused"] = "refused"
    session: Id
    code: Code


class Sending(Strict):
    """What a participant gets on one of its sections now."""

    mid: Mid
    layer: LayerField


class ParticipantReport(Strict):
    """Up is from the participant to the unit. Loss is a share of packets, from 0 to 1, before repair."""

    device: Id
    session: Id
    round_trip_ms: Rate | None
    loss_up: Share
    loss_down: Share
    kbps_up: Rate
    kbps_down: Rate
    loudness: Annotated[int, Field(ge=0, le=127)]  # 0 is silence: 127 less the level of RFC 6464
    layers: Annotated[list[Sending], Field(max_length=MAX_SECTIONS)]


class Report(Strict):
    """Of each room with a call, every two seconds."""

    t: Literal["report"] = "report"
    room: Id
    participants: Annotated[list[ParticipantReport], Field(max_length=MAX_PARTICIPANTS)]


ToUnit = Annotated[Open | Answer | Wants | Restart | Close, Field(discriminator="t")]
FromUnit = Annotated[Hello | Offer | Connected | Silent | Lost | Refused | Report, Field(discriminator="t")]

_TO_UNIT: TypeAdapter[ToUnit] = TypeAdapter(ToUnit)
_FROM_UNIT: TypeAdapter[FromUnit] = TypeAdapter(FromUnit)


M = TypeVar("M")


def encode(message: ToUnit | FromUnit) -> bytes:
    """One message with its length before it."""
    body = cbor2.dumps(message.model_dump())
    assert len(body) <= MAX_MESSAGE
    return len(body).to_bytes(PREFIX, "big") + body


class _Reader(Generic[M]):
    """Bytes of a stream in, whole messages out. Raises DecodeError; the channel is of no use afterwards."""

    def __init__(self, adapter: TypeAdapter[M]) -> None:
        self._adapter = adapter
        self._held = bytearray()

    def feed(self, data: bytes) -> list[M]:
        self._held += data
        out: list[M] = []
        at = 0
        while len(self._held) - at >= PREFIX:
            length = int.from_bytes(self._held[at : at + PREFIX], "big")
            if length > MAX_MESSAGE:
                raise DecodeError("too long")
            if len(self._held) - at - PREFIX < length:
                break
            at += PREFIX
            out.append(self._read(bytes(self._held[at : at + length])))
            at += length
        del self._held[:at]
        return out

    def _read(self, body: bytes) -> M:
        found = items(body, MAX_MESSAGE)
        if len(found) != 1:
            raise DecodeError("not one message")
        try:
            return self._adapter.validate_python(found[0])
        except ValidationError as error:
            raise DecodeError(f"{error.errors(include_input=False)[0]['type']}") from None


def to_unit() -> _Reader[ToUnit]:
    """Reads what the unit is sent."""
    return _Reader(_TO_UNIT)


def from_unit() -> _Reader[FromUnit]:
    """Reads what the unit sends."""
    return _Reader(_FROM_UNIT)
