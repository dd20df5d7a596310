"""Typing, presence, and hands, reactions and mutes of a call (E38): sealed outside the message
ratchet, sent to whoever is connected, never stored. All are of one size: nobody outside sees which it is.

payload = leaf (2) ‖ session (8) ‖ counter (4) ‖ AES-256-GCM(key, nonce = counter, aad = these 14 bytes,
content) key = HKDF-Expand(exported, "Collegium 1.0 ephemeral key" ‖ leaf ‖ session)

All members can make every key, so a signal says no more than that some member of this epoch sent it. It is
not signed: nothing is done on its word but to show a hint for a few seconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import ClassVar, Final, Literal, NamedTuple, TypeAlias, get_args

from crypto.mls.aead import AES_256_GCM
from crypto.mls.bytes import Rng
from crypto.mls.errors import AeadError, UsageError
from crypto.mls.kdf import HKDF_SHA384
from crypto.mls.kem import draw
from crypto.room.canonical import MAX_NUMBER, FieldReader, decode_canonical, encode_canonical
from crypto.room.errors import RoomDataError
from crypto.room.padding import pad_to, unpad
from crypto.room.room_context import ID_LENGTH, MAX_LEAVES
from crypto.room.text import is_emoji

# `exported` below is export_secret(group, EPHEMERAL_LABEL, empty, EPHEMERAL_LENGTH) of the present epoch.
EPHEMERAL_LABEL: Final = "Collegium 1.0 ephemeral"
EPHEMERAL_LENGTH: Final = 48
# Older or newer than this by the receiver's corrected clock, a signal is nothing (ms).
SIGNAL_AGE: Final = 60_000

_KEY_LABEL: Final = b"Collegium 1.0 ephemeral key"
_SESSION_LENGTH: Final = 8
_SENDER_LENGTH: Final = 2 + _SESSION_LENGTH
_HEADER_LENGTH: Final = _SENDER_LENGTH + 4
_CONTENT_LENGTH: Final = 128
_PAYLOAD_LENGTH: Final = _HEADER_LENGTH + _CONTENT_LENGTH + AES_256_GCM.nt
_MAX_COUNTER: Final = 2**32 - 1
_MAX_SESSIONS: Final = 4096


@dataclass(frozen=True, slots=True)
class Signal:
    """Typing: writes, or stopped. Presence: is here, or goes."""

    kind: Literal["typing", "presence"]
    on: bool


@dataclass(frozen=True, slots=True)
class Hand:
    """In a call: a hand is up, or down, `since` then (ms, its sender's corrected clock)."""

    sitting: bytes
    on: bool
    since: int
    kind: ClassVar[Literal["hand"]] = "hand"


@dataclass(frozen=True, slots=True)
class CallReaction:
    """In a call: an emoji that is seen for a moment."""

    sitting: bytes
    emoji: str
    kind: ClassVar[Literal["call_reaction"]] = "call_reaction"


@dataclass(frozen=True, slots=True)
class CallMedia:
    """In a call: what of the sender's is on."""

    sitting: bytes
    mic: bool
    camera: bool
    screen: bool
    kind: ClassVar[Literal["call_media"]] = "call_media"


CallSignal: TypeAlias = Hand | CallReaction | CallMedia
AnySignal: TypeAlias = Signal | CallSignal
SignalKind: TypeAlias = Literal["typing", "presence", "hand", "call_reaction", "call_media"]
_KINDS: Final[tuple[SignalKind, ...]] = get_args(SignalKind)


@dataclass(frozen=True, slots=True)
class SignalContent:
    """What is sealed: a signal, and its sender's corrected clock (ms)."""

    at: int
    signal: AnySignal


@dataclass(frozen=True, slots=True)
class EphemeralSender:
    """Made anew when a sender starts and with each epoch; never stored, so no counter is ever used again
    after a reload.
    """

    leaf: int
    session: bytes
    counter: int


# The highest counter of each session that was heard within one epoch, by leaf and session. An epoch begins
# with an empty one.
EphemeralSeen: TypeAlias = Mapping[bytes, int]


def new_sender(leaf: int, rng: Rng) -> EphemeralSender:
    return EphemeralSender(leaf, draw(rng, _SESSION_LENGTH), 0)


class SealedSignal(NamedTuple):
    payload: bytes
    sender: EphemeralSender


def seal_signal(exported: bytes, sender: EphemeralSender, signal: AnySignal, now: int) -> SealedSignal:
    """Raises UsageError when the session is used up: make another sender."""
    if sender.counter >= _MAX_COUNTER:
        raise UsageError("ephemeral_counter", "a session is used up")
    header = sender.leaf.to_bytes(2, "big") + sender.session + sender.counter.to_bytes(4, "big")
    said = {one.name: getattr(signal, one.name) for one in fields(signal)}
    content = encode_canonical({"kind": signal.kind, "at": now, **said})
    # The key belongs to one epoch, leaf and random session, and a session's counter only rises: no pair comes
    # twice.
    ciphertext = AES_256_GCM.seal(
        _key_of(exported, header), _nonce_of(header), header, pad_to(content, _CONTENT_LENGTH)
    )
    return SealedSignal(header + ciphertext, replace(sender, counter=sender.counter + 1))


class OpenedSignal(NamedTuple):
    leaf: int
    signal: AnySignal
    seen: EphemeralSeen


def open_signal(exported: bytes, seen: EphemeralSeen, payload: bytes, now: int) -> OpenedSignal | None:
    """A payload that came, for the present epoch. `now` is the receiver's corrected clock (ms).

    None for what is of another epoch, was here before, or is old: it is dropped without a word.
    """
    if len(payload) != _PAYLOAD_LENGTH:
        return None
    header = payload[:_HEADER_LENGTH]
    leaf = int.from_bytes(header[:2], "big")
    counter = int.from_bytes(header[_SENDER_LENGTH:], "big")
    session = header[:_SENDER_LENGTH]
    last = seen.get(session)
    if leaf >= MAX_LEAVES or (last is not None and counter <= last):
        return None
    content = _opened(exported, header, payload[_HEADER_LENGTH:])
    if content is None or abs(now - content.at) > SIGNAL_AGE:
        return None
    if last is None and len(seen) >= _MAX_SESSIONS:
        return None
    return OpenedSignal(leaf, content.signal, {**seen, session: counter})


def _opened(exported: bytes, header: bytes, ciphertext: bytes) -> SignalContent | None:
    try:
        plaintext = AES_256_GCM.open(_key_of(exported, header), _nonce_of(header), header, ciphertext)
        return decode_signal(unpad(plaintext))
    except (AeadError, RoomDataError):
        # Of another epoch, or from somebody who is no member: for a hint that may be lost, both are nothing.
        return None


def decode_signal(data: bytes) -> SignalContent:
    """What is sealed. Raises RoomDataError."""
    reader = FieldReader(decode_canonical(data, _CONTENT_LENGTH), "signal")
    kind, at = reader.one_of("kind", _KINDS), reader.integer("at", 0, MAX_NUMBER)
    content = SignalContent(at, _read_signal(kind, reader))
    reader.finish()
    return content


def _read_signal(kind: SignalKind, reader: FieldReader) -> AnySignal:
    match kind:
        case "typing" | "presence":
            return Signal(kind, on=reader.boolean("on"))
        case "hand":
            sitting, on = reader.octets("sitting", ID_LENGTH), reader.boolean("on")
            return Hand(sitting, on, reader.integer("since", 0, MAX_NUMBER))
        case "call_reaction":
            return CallReaction(reader.octets("sitting", ID_LENGTH), reader.text("emoji", is_emoji))
        case "call_media":
            sitting = reader.octets("sitting", ID_LENGTH)
            mic, camera, screen = (reader.boolean(name) for name in ("mic", "camera", "screen"))
            return CallMedia(sitting, mic, camera, screen)


def _key_of(exported: bytes, header: bytes) -> bytes:
    return HKDF_SHA384.expand(exported, _KEY_LABEL + header[:_SENDER_LENGTH], AES_256_GCM.nk)


def _nonce_of(header: bytes) -> bytes:
    """The counter, in as many bytes as the AEAD wants."""
    return header[_SENDER_LENGTH:].rjust(AES_256_GCM.nn, b"\0")
