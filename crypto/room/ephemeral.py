"""Typing and presence (E38): sealed outside the message ratchet, sent to whoever is connected, never stored.

payload = leaf (2) ‖ session (8) ‖ counter (4) ‖ AES-256-GCM(key, nonce = counter, aad = these 14 bytes,
content) key = HKDF-Expand(exported, "Collegium 1.0 ephemeral key" ‖ leaf ‖ session)

All members can make every key, so a signal says no more than that some member of this epoch sent it. It is
not signed: nothing is done on its word but to show a hint for a few seconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal, NamedTuple, TypeAlias

from crypto.mls.aead import AES_256_GCM
from crypto.mls.bytes import Rng
from crypto.mls.errors import AeadError, UsageError
from crypto.mls.kdf import HKDF_SHA384
from crypto.mls.kem import draw
from crypto.room.canonical import MAX_NUMBER, FieldReader, decode_canonical, encode_canonical
from crypto.room.errors import RoomDataError
from crypto.room.padding import pad_to, unpad
from crypto.room.room_context import MAX_LEAVES

# `exported` below is export_secret(group, EPHEMERAL_LABEL, empty, EPHEMERAL_LENGTH) of the present epoch.
EPHEMERAL_LABEL: Final = "Collegium 1.0 ephemeral"
EPHEMERAL_LENGTH: Final = 48
# Older or newer than this by the receiver's corrected clock, a signal is nothing (ms).
SIGNAL_AGE: Final = 60_000

_KEY_LABEL: Final = b"Collegium 1.0 ephemeral key"
_SESSION_LENGTH: Final = 8
_SENDER_LENGTH: Final = 2 + _SESSION_LENGTH
_HEADER_LENGTH: Final = _SENDER_LENGTH + 4
_CONTENT_LENGTH: Final = 64
_PAYLOAD_LENGTH: Final = _HEADER_LENGTH + _CONTENT_LENGTH + AES_256_GCM.nt
_MAX_COUNTER: Final = 2**32 - 1
_MAX_SESSIONS: Final = 4096

SignalKind: TypeAlias = Literal["typing", "presence"]
_KINDS: Final[tuple[SignalKind, ...]] = ("typing", "presence")


@dataclass(frozen=True, slots=True)
class Signal:
    """Typing: writes, or stopped. Presence: is here, or goes."""

    kind: SignalKind
    on: bool


@dataclass(frozen=True, slots=True)
class SignalContent:
    """What is sealed: a signal, and its sender's corrected clock (ms)."""

    kind: SignalKind
    at: int
    on: bool


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


def seal_signal(exported: bytes, sender: EphemeralSender, signal: Signal, now: int) -> SealedSignal:
    """Raises UsageError when the session is used up: make another sender."""
    if sender.counter >= _MAX_COUNTER:
        raise UsageError("ephemeral_counter", "a session is used up")
    header = sender.leaf.to_bytes(2, "big") + sender.session + sender.counter.to_bytes(4, "big")
    content = encode_canonical({"kind": signal.kind, "at": now, "on": signal.on})
    # The key belongs to one epoch, leaf and random session, and a session's counter only rises: no pair comes
    # twice.
    ciphertext = AES_256_GCM.seal(
        _key_of(exported, header), _nonce_of(header), header, pad_to(content, _CONTENT_LENGTH)
    )
    return SealedSignal(header + ciphertext, replace(sender, counter=sender.counter + 1))


class OpenedSignal(NamedTuple):
    leaf: int
    signal: Signal
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
    return OpenedSignal(leaf, Signal(content.kind, content.on), {**seen, session: counter})


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
    content = SignalContent(
        kind=reader.one_of("kind", _KINDS),
        at=reader.integer("at", 0, MAX_NUMBER),
        on=reader.boolean("on"),
    )
    reader.finish()
    return content


def _key_of(exported: bytes, header: bytes) -> bytes:
    return HKDF_SHA384.expand(exported, _KEY_LABEL + header[:_SENDER_LENGTH], AES_256_GCM.nk)


def _nonce_of(header: bytes) -> bytes:
    """The counter, in as many bytes as the AEAD wants."""
    return header[_SENDER_LENGTH:].rjust(AES_256_GCM.nn, b"\0")
