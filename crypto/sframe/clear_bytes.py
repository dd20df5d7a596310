"""What stays clear in front of an encrypted frame, so that packetizers and the SFU still know a key frame.

Ten bytes of a VP8 key frame, three of its other frames (RFC 6386 §9.1), nothing of Opus. What is clear is
authenticated: it is the metadata of the SFrame ciphertext that follows it.

    frame = clear ‖ SFrame header ‖ ciphertext ‖ tag
"""

from typing import Final, Literal

from crypto.sframe.kid import Kind

Codec = Literal["opus", "vp8"]

_KEY_FRAME_CLEAR: Final = 10
_DELTA_FRAME_CLEAR: Final = 3


def codec_of(kind: Kind) -> Codec:
    return "vp8" if kind in (Kind.CAMERA, Kind.SCREEN) else "opus"


def clear_length(codec: Codec, frame: bytes) -> int | None:
    """How many bytes of a frame, encrypted or not, are clear; None when the frame is too short to be one.

    The first of the clear bytes says so itself, and it is authenticated: sender and receiver can't differ.
    """
    if codec == "opus":
        return 0
    if not frame:
        return None
    length = _DELTA_FRAME_CLEAR if frame[0] & 1 else _KEY_FRAME_CLEAR
    return length if len(frame) >= length else None
