"""Frames of a call, changed on their way: what a receiver makes of each (E36)."""

from hashlib import shake_256
from typing import Final

from crypto.mls.bytes import Rng
from crypto.sframe.frame_decryptor import Dropped, FrameDecryptor
from crypto.sframe.frame_encryptor import FrameEncryptor, SendEpoch
from crypto.sframe.kid import Kind
from crypto.sframe.receive_keys import ReceiveEpoch, ReceiveKeys

EPOCH: Final = 300
BASE_KEY: Final = shake_256(b"fuzz base key").digest(32)
LEAVES: Final = {0: "anna", 3: "ben", 255: "cleo"}
OWN_LEAF: Final = 255


def frames(rng: Rng) -> list[bytes]:
    """Of each kind and of two senders; of VP8, delta and key frames; the last are short."""
    out = []
    for kind in Kind:
        for leaf in (0, 3):
            encryptor = FrameEncryptor(kind, rng)
            encryptor.switch_to(SendEpoch(EPOCH, BASE_KEY, leaf))
            for length, first in ((40, 1), (120, 0), (11, 1)):
                out.append(encryptor.encrypt(bytes([first]) + rng(length - 1)))
    return out


def judged(kind: Kind, frame: bytes) -> bytes | str:
    """What a new receiver opens, and what it says when the same comes again; or why it dropped it."""
    keys = ReceiveKeys()
    keys.begin(ReceiveEpoch(EPOCH, BASE_KEY, LEAVES, OWN_LEAF), 0)
    decryptor = FrameDecryptor(kind, keys)
    opened, again = decryptor.decrypt(frame, 0), decryptor.decrypt(frame, 0)
    if isinstance(opened, Dropped):
        return f"dropped {opened}"
    assert isinstance(again, Dropped)
    return f"{opened.who} {opened.leaf} {opened.epoch} {again} ".encode() + opened.frame
