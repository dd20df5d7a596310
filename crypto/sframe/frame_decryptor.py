"""Decrypts the frames of one transceiver (E36). What it drops is never shown, and is no error."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from cryptography.exceptions import InvalidTag

from crypto.mls.errors import DecodeError
from crypto.sframe.clear_bytes import clear_length, codec_of
from crypto.sframe.frame_encryptor import MAX_CTR
from crypto.sframe.header import decode_header
from crypto.sframe.kid import Kind, kind_of
from crypto.sframe.receive_keys import ReceiveKeys, Stream
from crypto.sframe.suites import AES_256_GCM_SHA512 as SUITE

MAX_FRAME: Final = 4 * 1024 * 1024
"""A frame beyond this is not looked at."""

_TAG: Final = SUITE.aead.nt


@dataclass(frozen=True, slots=True)
class Opened:
    frame: bytes = field(repr=False)
    who: str
    """Whose it is: by the leaf in the tree of that epoch, whatever transceiver or SSRC it came through."""
    leaf: int
    epoch: int


class Dropped(StrEnum):
    """Why a frame was dropped."""

    MALFORMED = "malformed"  # no SFrame ciphertext
    KIND = "kind"  # of another kind than the transceiver
    NO_KEY = "no_key"  # its epoch or leaf has no key here (any more)
    REPLAY = "replay"  # it was here before, or is too old
    FORGED = "forged"  # it does not open


class FrameDecryptor:
    __slots__ = ("_codec", "_keys", "_last", "kind")

    def __init__(self, kind: Kind, keys: ReceiveKeys) -> None:
        self.kind = kind
        self._codec = codec_of(kind)
        self._keys = keys
        # Nearly every frame is of the same stream as the one before.
        self._last: Stream | None = None

    def decrypt(self, frame: bytes, now: int) -> Opened | Dropped:
        """`now` in ms of the clock that the keys go by."""
        clear = clear_length(self._codec, frame)
        if clear is None or len(frame) > MAX_FRAME:
            return Dropped.MALFORMED
        try:
            kid, ctr, header_length = decode_header(frame, clear)
        except DecodeError:
            return Dropped.MALFORMED
        start = clear + header_length
        if ctr > MAX_CTR or len(frame) < start + _TAG:
            return Dropped.MALFORMED
        if kind_of(kid) != self.kind:
            return Dropped.KIND
        stream = self._stream_of(kid, now)
        if stream is None:
            return Dropped.NO_KEY
        if not stream.window.is_fresh(ctr):
            return Dropped.REPLAY
        nonce = (stream.salt ^ ctr).to_bytes(12, "big")
        before = frame[:clear]
        try:
            opened = stream.cipher.decrypt(nonce, frame[start:], frame[clear:start] + before)
        except InvalidTag:
            return Dropped.FORGED
        if stream is not self._last:
            self._keys.keep(stream)
            self._last = stream
        stream.window.mark(ctr)
        return Opened(before + opened, stream.who, stream.leaf, stream.epoch.epoch)

    def _stream_of(self, kid: int, now: int) -> Stream | None:
        last = self._last
        if last is not None and last.kid == kid and last.is_live(now):
            return last
        return self._keys.find(kid, now)
