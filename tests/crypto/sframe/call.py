"""A call of a few devices with fixed keys."""

from collections.abc import Mapping
from hashlib import shake_256

from crypto.mls.bytes import Rng
from crypto.sframe.frame_decryptor import Dropped, FrameDecryptor, Opened
from crypto.sframe.frame_encryptor import FrameEncryptor, SendEpoch
from crypto.sframe.kid import Kind
from crypto.sframe.receive_keys import ReceiveEpoch, ReceiveKeys

EVERYONE: Mapping[int, str] = {0: "anna", 3: "ben", 255: "cleo"}
OWN_LEAF = 255


def octets(name: str, length: int) -> bytes:
    return shake_256(name.encode()).digest(length)


def seeded(name: str) -> Rng:
    """Random bytes that are the same at every run."""
    drawn = 0

    def rng(length: int) -> bytes:
        nonlocal drawn
        drawn += 1
        return octets(f"{name} {drawn}", length)

    return rng


def base_key(epoch: int) -> bytes:
    return octets(f"base key {epoch}", 32)


def frame_of(kind: Kind, length: int, key: bool = False) -> bytes:
    """What the encoder gives: of VP8, the first bit tells a key frame."""
    frame = bytearray(octets(f"{kind.name} {length}", length))
    if kind in (Kind.CAMERA, Kind.SCREEN) and length:
        frame[0] = frame[0] & 0xFE if key else frame[0] | 1
    return bytes(frame)


def sender(kind: Kind, epoch: int, leaf: int, name: str = "") -> FrameEncryptor:
    encryptor = FrameEncryptor(kind, seeded(name or f"sender {leaf}"))
    encryptor.switch_to(SendEpoch(epoch, base_key(epoch), leaf))
    return encryptor


def epoch_of(epoch: int, leaves: Mapping[int, str] = EVERYONE) -> ReceiveEpoch:
    return ReceiveEpoch(epoch, base_key(epoch), leaves, OWN_LEAF)


def receiver(kind: Kind, epoch: int, now: int = 0) -> tuple[ReceiveKeys, FrameDecryptor]:
    keys = ReceiveKeys()
    keys.begin(epoch_of(epoch), now)
    return keys, FrameDecryptor(kind, keys)


def heard(result: Opened | Dropped) -> str:
    """In few words: who said it, or why it was dropped."""
    return result.who if isinstance(result, Opened) else result.value
