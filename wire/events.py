"""What is said inside a room, one class each: the plaintext that only members ever see.

An event is an `Envelope` (E16): its `type` names the class of its `body`. Both are CBOR maps in the one
deterministic spelling (RFC 8949 §4.2.3, map keys shorter first), because bodies are signed and snapshots
hashed. Optional fields are left out, never null. The server never sees any of this.
"""

from itertools import pairwise
from typing import Annotated, Any, Final, Literal, Self

import cbor2
from pydantic import AfterValidator, Field, ValidationError, model_validator

from wire.bounds import (
    MAX_NUMBER,
    SIGNATURE_BYTES,
    Id,
    LogHash,
    Number,
    Position,
    Strict,
)
from wire.codec import DecodeError, items
from wire.schedule import LocalTime, Minutes, Rule, Zone, begins
from wire.texts import Emoji, Name, PostText, Why

MAX_BODY = 128 * 1024
MAX_ENVELOPE = MAX_BODY + 1024
MAX_TYPE = 32
MAX_PAGES = 16
MAX_PAGE = 32 * 1024
SEEN_HEAD_BYTES = 16
MAX_SIGNAL = 128
MAX_WANTED = 11  # others than the one who rings: a group of twelve
MAX_CALL_PEOPLE = 32
MAX_CALL_MS = 24 * 3_600_000


def _answer_minutes(minutes: int) -> int:
    # Not a Literal: Python would take 5.0 for one of its numbers.
    if minutes not in (5, 15, 60):
        raise ValueError("not a time that is offered")
    return minutes


AnswerMinutes = Annotated[int, AfterValidator(_answer_minutes)]
SeenHead = Annotated[bytes, Field(min_length=SEEN_HEAD_BYTES, max_length=SEEN_HEAD_BYTES)]
Signature = Annotated[bytes, Field(min_length=SIGNATURE_BYTES, max_length=SIGNATURE_BYTES)]


# Bodies


class Post(Strict):
    """Something said, in Markdown."""

    text: PostText
    reply_to: Id | None = None


class Edit(Strict):
    """Other words for an earlier post of one's own."""

    target: Id
    text: PostText


class Delete(Strict):
    """An earlier post of one's own is taken back."""

    target: Id


class React(Strict):
    """A reaction to a post, put on or taken off."""

    target: Id
    emoji: Emoji
    on: bool


class Profile(Strict):
    """What colleagues are to call the author."""

    name: Name


class SnapshotPage(Strict):
    """One page of the room's state at a Commit's position, for newcomers (E24). `hash` is of all pages."""

    position: Position
    page: Annotated[int, Field(ge=0, lt=MAX_PAGES)]
    pages: Annotated[int, Field(ge=1, le=MAX_PAGES)]
    hash: LogHash
    data: Annotated[bytes, Field(min_length=1, max_length=MAX_PAGE)]


class SnapshotCheck(Strict):
    """What a member's own state says of a snapshot (E24)."""

    position: Position
    hash: LogHash
    agrees: bool


class Stuck(Strict):
    """The author could not complete the Commit at `position` (E18); signed by the identity key."""

    position: Position
    signature: Signature


# Calls: who rings whom, and who was there. A call here is one wish to speak; a sitting, one time in a call.


class Ring(Strict):
    """The author calls the group. `wanted`: how many others should be there before it begins."""

    call: Id
    urgency: Literal["now", "today", "when_you_can"]
    why: Why
    wanted: Annotated[int, Field(ge=1, le=MAX_WANTED)]


class RingAnswer(Strict):
    """ringing: a device of the author rings, and says so itself. seen: the author has read it. Then what they
    say: joining; in so many `minutes`; at a `time` (ms); cannot.
    """

    call: Id
    kind: Literal["ringing", "seen", "joining", "in", "at", "cannot"]
    minutes: AnswerMinutes | None = None
    time: Number | None = None

    @model_validator(mode="after")
    def _says_when(self) -> Self:
        if (self.minutes is None) != (self.kind != "in") or (self.time is None) != (self.kind != "at"):
            raise ValueError("an answer with another one's time")
        return self


class RingEnd(Strict):
    """A call rings no more. written: it goes on as the thread of `post`, which says the same."""

    call: Id
    outcome: Literal["met", "withdrawn", "written"]
    post: Id | None = None

    @model_validator(mode="after")
    def _names_its_post(self) -> Self:
        if (self.post is None) != (self.outcome != "written"):
            raise ValueError("a post that does not go with the outcome")
        return self


class Attended(Strict):
    """The author was in a sitting, from `began` to `ended` (ms). Their own device says so, each time. The
    sitting belongs to a ring, to an occurrence of a meeting, or to neither.
    """

    sitting: Id
    began: Number
    ended: Number
    ring: Id | None = None
    meeting: Id | None = None
    occurrence: LocalTime | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        _check_sitting(self)
        return self


class CallPerson(Strict):
    """Somebody who was in a sitting, as the last one there has it."""

    account: Id
    began: Number
    ended: Number


class CallRecord(Strict):
    """Who was in a sitting, said by whoever left it last (E37); `people` ascending by account."""

    sitting: Id
    began: Number
    ended: Number
    people: Annotated[list[CallPerson], Field(min_length=1, max_length=MAX_CALL_PEOPLE)]
    ring: Id | None = None
    meeting: Id | None = None
    occurrence: LocalTime | None = None

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        _check_sitting(self)
        if any(after.account <= before.account for before, after in pairwise(self.people)):
            raise ValueError("people out of order, or one twice")
        if any(not self.began <= one.began <= one.ended <= self.ended for one in self.people):
            raise ValueError("somebody there outside the sitting")
        return self


def _check_sitting(word: Attended | CallRecord) -> None:
    if not word.began <= word.ended <= word.began + MAX_CALL_MS:
        raise ValueError("a time that ends before it begins, or lasts too long")
    if (word.meeting is None) != (word.occurrence is None) or None not in (word.ring, word.meeting):
        raise ValueError("what a sitting belongs to is not whole")


# Meetings: what is planned. An occurrence is named by its start before anybody moved it.


class Meeting(Strict):
    """A meeting is planned or, under a known id, planned anew. `follows`: from the occurrence `since` on it
    takes the place of another one.
    """

    meeting: Id
    title: Name
    start: LocalTime
    zone: Zone
    minutes: Minutes
    rule: Rule | None = None
    follows: Id | None = None
    since: LocalTime | None = None

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        if (self.follows is None) != (self.since is None) or self.follows == self.meeting:
            raise ValueError("what it follows is not whole")
        if self.rule is not None and not begins(self.start, self.rule):
            raise ValueError("a start that is no day of its rule")
        return self


class MeetingChange(Strict):
    """One occurrence is at another time, in the meeting's zone. It takes place again if it was cancelled."""

    meeting: Id
    occurrence: LocalTime
    start: LocalTime
    minutes: Minutes


class MeetingCancel(Strict):
    """One occurrence does not take place; without one, the meeting is no more."""

    meeting: Id
    occurrence: LocalTime | None = None


class MeetingAnswer(Strict):
    """Whether the author comes: to one occurrence or, without one, as a rule."""

    meeting: Id
    coming: Literal["yes", "no", "maybe"]
    occurrence: LocalTime | None = None


BODIES: Final[dict[str, type[Strict]]] = {
    "post": Post,
    "edit": Edit,
    "delete": Delete,
    "react": React,
    "profile": Profile,
    "snapshot": SnapshotPage,
    "snapshot_check": SnapshotCheck,
    "stuck": Stuck,
    "ring": Ring,
    "ring_answer": RingAnswer,
    "ring_end": RingEnd,
    "attended": Attended,
    "call_record": CallRecord,
    "meeting": Meeting,
    "meeting_change": MeetingChange,
    "meeting_cancel": MeetingCancel,
    "meeting_answer": MeetingAnswer,
}


# Around them


class Seen(Strict):
    """How far its author had seen the log: a position, and the beginning of the head there (E19)."""

    n: Number
    head: SeenHead


class Envelope(Strict):
    """An event as it is encrypted. `body` is the CBOR of the class that `type` names, as it was signed."""

    id: Id
    type: Annotated[str, Field(min_length=1, max_length=MAX_TYPE, pattern=r"^[a-z_]+$")]
    counter: Annotated[int, Field(ge=1, le=MAX_NUMBER)]
    seen: Seen
    body: Annotated[bytes, Field(min_length=1, max_length=MAX_BODY)]
    signature: Signature


# Said without being kept (E38)


class Signal(Strict):
    """typing: the author writes, or stopped. presence: the author is here, or goes. `at` in milliseconds."""

    kind: Literal["typing", "presence"]
    at: Number
    on: bool


class HandSignal(Strict):
    """In a call: the author's hand is up, or down, `since` then (ms): hands are called on in that order."""

    kind: Literal["hand"]
    at: Number
    sitting: Id
    on: bool
    since: Number


class ReactionSignal(Strict):
    """In a call: an emoji that is seen for a moment."""

    kind: Literal["call_reaction"]
    at: Number
    sitting: Id
    emoji: Emoji


class MediaSignal(Strict):
    """In a call: what of the author's is on."""

    kind: Literal["call_media"]
    at: Number
    sitting: Id
    mic: bool
    camera: bool
    screen: bool


SIGNALS: Final[dict[str, type[Strict]]] = {
    "typing": Signal,
    "presence": Signal,
    "hand": HandSignal,
    "call_reaction": ReactionSignal,
    "call_media": MediaSignal,
}


def encode_canonical(value: Strict) -> bytes:
    """The one spelling of a body or an envelope."""
    return cbor2.dumps(value.model_dump(exclude_none=True), canonical=True)


def _decode(cls: type[Strict], data: bytes, limit: int) -> Any:
    found = items(data, limit)
    if len(found) != 1 or cbor2.dumps(found[0], canonical=True) != data:
        raise DecodeError("not one item in the one spelling")
    # An absent field is left out: null is a second spelling of it.
    if isinstance(found[0], dict) and None in found[0].values():
        raise DecodeError("null")
    try:
        return cls.model_validate(found[0])
    except ValidationError:
        # Without the values: they are what was said.
        raise DecodeError(f"not a {cls.__name__}") from None


def decode_envelope(data: bytes) -> Envelope:
    """Raises DecodeError."""
    envelope: Envelope = _decode(Envelope, data, MAX_ENVELOPE)
    return envelope


def decode_body(type_: str, data: bytes) -> Strict | None:
    """The body, or None for a type that this version does not know. Raises DecodeError."""
    cls = BODIES.get(type_)
    if cls is None:
        return None
    body: Strict = _decode(cls, data, MAX_BODY)
    return body


def decode_signal(data: bytes) -> Signal | HandSignal | ReactionSignal | MediaSignal:
    """Raises DecodeError."""
    found = items(data, MAX_SIGNAL)
    kind = found[0].get("kind") if found and isinstance(found[0], dict) else None
    cls = SIGNALS.get(kind) if isinstance(kind, str) else None
    if cls is None:
        raise DecodeError("not a signal")
    signal: Signal | HandSignal | ReactionSignal | MediaSignal = _decode(cls, data, MAX_SIGNAL)
    return signal
