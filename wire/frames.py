"""Every frame that crosses the socket, one class each.

A WebSocket message is binary: a CBOR sequence (RFC 8742) of frames, each a map whose `t` names its class.
`PROTOCOL.md` tells their order. Optional fields are left out of the map, never null.
"""

from typing import Annotated, Literal

from pydantic import Field

from wire.bounds import (
    MAX_ADDS,
    MAX_ANSWERED,
    MAX_COMMIT,
    MAX_EPHEMERAL,
    MAX_FETCH,
    MAX_GAP_ENTRIES,
    MAX_LEAVES,
    MAX_MID,
    MAX_ROOMS,
    MAX_SDP,
    MAX_SEALED,
    MAX_SEATS,
    MAX_SECTIONS,
    MAX_WELCOME,
    Code,
    Id,
    ListHash,
    LogHash,
    Number,
    Position,
    Strict,
    Text,
)

Kind = Literal["message", "commit", "leave"]
Payload = Annotated[bytes, Field(min_length=1, max_length=MAX_COMMIT)]
WelcomePayload = Annotated[bytes, Field(min_length=1, max_length=MAX_WELCOME)]
Sealed = Annotated[bytes, Field(min_length=1, max_length=MAX_SEALED)]
EphemeralPayload = Annotated[bytes, Field(min_length=1, max_length=MAX_EPHEMERAL)]
Devices = Annotated[list[Id], Field(max_length=MAX_LEAVES)]
Sdp = Annotated[str, Field(min_length=1, max_length=MAX_SDP)]
Mid = Annotated[str, Field(min_length=1, max_length=MAX_MID)]
StreamKind = Literal["audio", "camera", "screen", "screen_audio"]
StreamLayer = Literal["none", "l", "m", "h"]
Rate = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]


# From a client


class RoomCursor(Strict):
    """What a device has stored durably of a room: everything up to log position n."""

    room: Id
    n: Number


class Hello(Strict):
    """The first frame of a socket: where the device stands in its rooms."""

    t: Literal["hello"] = "hello"
    v: Literal[1] = 1
    cursors: Annotated[list[RoomCursor], Field(max_length=MAX_ROOMS)]


class WelcomeFor(Strict):
    """A Welcome with its invite reply, opaque to the server, for one device."""

    device: Id
    payload: WelcomePayload


Welcomes = Annotated[list[WelcomeFor], Field(max_length=MAX_ADDS)]
Answered = Annotated[list[Id], Field(max_length=MAX_ANSWERED)]


class Send(Strict):
    """An MLS PrivateMessage for a room's log. `after` is the last Commit or leave its sender has processed
    (E17).
    """

    t: Literal["send"] = "send"
    room: Id
    id: Id
    kind: Kind
    after: Number
    list: ListHash
    payload: Payload
    devices: Devices | None = None
    welcomes: Welcomes | None = None
    answered: Answered | None = None


class Cursor(Strict):
    """This device has everything up to n in its vault."""

    t: Literal["cursor"] = "cursor"
    room: Id
    n: Number


class Fetch(Strict):
    """Send the entries from a position on once more."""

    t: Literal["fetch"] = "fetch"
    room: Id
    from_: Annotated[int, Field(alias="from", ge=1, le=2**53 - 1)]
    limit: Annotated[int, Field(ge=1, le=MAX_FETCH)]


class Ephemeral(Strict):
    """Typing, presence and the like: sealed, never stored, lost when nobody listens (E38). Both ways."""

    t: Literal["ephemeral"] = "ephemeral"
    room: Id
    payload: EphemeralPayload


class Ping(Strict):
    """Is anybody there?"""

    t: Literal["ping"] = "ping"


# Calls, from a client


class CallJoin(Strict):
    """This device comes into the room's call. `session` is random and made for this attempt. `resume`: the
    same session was in the call before, on another socket; it takes no seat from another device.
    """

    t: Literal["call_join"] = "call_join"
    room: Id
    session: Id
    resume: bool


class CallAnswer(Strict):
    """The SDP answer to offer `seq`. One to any other offer counts for nothing."""

    t: Literal["call_answer"] = "call_answer"
    room: Id
    session: Id
    seq: Number
    sdp: Sdp


class LayerOf(Strict):
    """How large one received section is shown."""

    mid: Mid
    layer: StreamLayer


class CallLayers(Strict):
    """How large this device shows what it receives. What is not named stays as it is."""

    t: Literal["call_layers"] = "call_layers"
    room: Id
    session: Id
    streams: Annotated[list[LayerOf], Field(max_length=MAX_SECTIONS)]


class CallRestart(Strict):
    """The path of the media is gone: make an offer with new ICE credentials."""

    t: Literal["call_restart"] = "call_restart"
    room: Id
    session: Id


class CallLeave(Strict):
    """This device leaves the call."""

    t: Literal["call_leave"] = "call_leave"
    room: Id
    session: Id


class Wake(Strict):
    """The event `ring` is on the server: wake the devices of the room that have no socket now."""

    t: Literal["wake"] = "wake"
    room: Id
    ring: Id


# From the server


class DeviceCursor(Strict):
    """How far one device of a room is."""

    device: Id
    n: Number


DeviceCursors = Annotated[list[DeviceCursor], Field(max_length=2 * MAX_LEAVES)]


class RoomState(Strict):
    """One room of this device as the server has it."""

    room: Id
    last: Number
    after: Number
    list: Devices
    cursors: DeviceCursors


class Ready(Strict):
    """The answer to hello. What follows brings each room up to date."""

    t: Literal["ready"] = "ready"
    device: Id
    time: Number
    rooms: Annotated[list[RoomState], Field(max_length=MAX_ROOMS)]


class Ack(Strict):
    """The entry is on disk at position n. A retry under the same id gets the same answer."""

    t: Literal["ack"] = "ack"
    room: Id
    id: Id
    n: Position
    time: Number


class Stale(Strict):
    """Not taken: a Commit or leave came first, at `after`. Process it, then encrypt the same event again
    (E17).
    """

    t: Literal["stale"] = "stale"
    room: Id
    id: Id
    after: Number


class Refused(Strict):
    """Not taken, and why."""

    t: Literal["refused"] = "refused"
    room: Id | None = None
    id: Id | None = None
    code: Code
    message: Text


class Entry(Strict):
    """One entry of a room's log. Who sent a message is inside it; a Commit or leave names its device."""

    t: Literal["entry"] = "entry"
    room: Id
    n: Position
    time: Number
    kind: Kind
    id: Id
    device: Id | None = None
    payload: Payload


class GapEntry(Strict):
    """What is left of an entry that was deleted: enough for the log head (E23)."""

    n: Position
    time: Number
    hash: LogHash


class Gap(Strict):
    """Entries that the server no longer has."""

    t: Literal["gap"] = "gap"
    room: Id
    entries: Annotated[list[GapEntry], Field(min_length=1, max_length=MAX_GAP_ENTRIES)]


class CaughtUp(Strict):
    """Everything up to `last` was sent; what follows is live."""

    t: Literal["caught_up"] = "caught_up"
    room: Id
    last: Number


class Welcome(Strict):
    """A Welcome for this device, of the Commit at n. Sent again at every hello until the cursor reaches n."""

    t: Literal["welcome"] = "welcome"
    room: Id
    n: Position
    time: Number
    payload: WelcomePayload


class Request(Strict):
    """Somebody asks to be added: by an invite, or again after a loss. Any member's device may answer."""

    t: Literal["request"] = "request"
    room: Id
    request_id: Id
    time: Number
    kind: Literal["join", "rejoin"]
    sealed: Sealed


class RequestGone(Strict):
    """A request was answered by a Commit, or is over."""

    t: Literal["request_gone"] = "request_gone"
    room: Id
    request_id: Id


class Cursors(Strict):
    """Devices of the room that have moved on."""

    t: Literal["cursors"] = "cursors"
    room: Id
    cursors: DeviceCursors


class Removed(Strict):
    """This device is off the room's list, by the entry at n. Nothing more follows."""

    t: Literal["removed"] = "removed"
    room: Id
    n: Position


class Routing(Strict):
    """The device lists before and after a Commit, for members to compare with their tree (E20)."""

    t: Literal["routing"] = "routing"
    room: Id
    old: Devices
    new: Devices


class CallParticipant(Strict):
    """A device in a call. joining: no media yet, or none again; silent: nothing comes from it any more."""

    device: Id
    session: Id
    since: Number
    state: Literal["joining", "here", "silent"]


class CallState(Strict):
    """Who is in the room's call. `call` names this sitting and `since` is its begin; without anybody in it
    there is neither.
    """

    t: Literal["call_state"] = "call_state"
    room: Id
    call: Id | None = None
    since: Number | None = None
    participants: Annotated[list[CallParticipant], Field(max_length=MAX_SEATS)]


class StreamOf(Strict):
    """A section on which the client receives: whose device it is from, and what. A hint for the layout:
    who is heard is decided by the frames themselves (E36).
    """

    mid: Mid
    device: Id
    kind: StreamKind


class CallOffer(Strict):
    """An SDP offer. `fresh`: it begins a new connection, and the one before, if there was one, is over."""

    t: Literal["call_offer"] = "call_offer"
    room: Id
    session: Id
    seq: Number
    fresh: bool
    sdp: Sdp
    streams: Annotated[list[StreamOf], Field(max_length=MAX_SECTIONS)]


class CallEnded(Strict):
    """The session is over, and why."""

    t: Literal["call_ended"] = "call_ended"
    room: Id
    session: Id
    code: Code


class Quality(Strict):
    """Of one participant. Up is from it to the server. Loss is a share of packets, before repair."""

    device: Id
    round_trip_ms: Rate | None = None
    loss_up: Share
    loss_down: Share
    kbps_up: Rate
    kbps_down: Rate
    loudness: Annotated[int, Field(ge=0, le=127)]
    layers: Annotated[list[LayerOf], Field(max_length=MAX_SECTIONS)]


class CallReport(Strict):
    """How the media of a call fares, for its participants alone."""

    t: Literal["call_report"] = "call_report"
    room: Id
    participants: Annotated[list[Quality], Field(max_length=MAX_SEATS)]


class Woken(Strict):
    """The answer to `wake`: the devices that have been woken."""

    t: Literal["woken"] = "woken"
    room: Id
    ring: Id
    devices: Devices


class Pong(Strict):
    """Yes."""

    t: Literal["pong"] = "pong"


class Bye(Strict):
    """The server closes this socket. restart: come back; replaced: another socket of this device; slow;
    signed_out.
    """

    t: Literal["bye"] = "bye"
    code: Code


CallFrame = CallJoin | CallAnswer | CallLayers | CallRestart | CallLeave
ClientFrame = Annotated[
    Hello | Send | Cursor | Fetch | Ephemeral | Ping | CallFrame | Wake, Field(discriminator="t")
]
CallNews = CallState | CallOffer | CallEnded | CallReport | Woken
ServerFrame = Annotated[
    Ready
    | Ack
    | Stale
    | Refused
    | Entry
    | Gap
    | CaughtUp
    | Welcome
    | Request
    | RequestGone
    | Cursors
    | Ephemeral
    | Removed
    | Routing
    | CallNews
    | Pong
    | Bye,
    Field(discriminator="t"),
]
