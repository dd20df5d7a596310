"""From the packets of one stream to its encoded frames, whole and in order.

What is missing is asked for again; what does not come in time is given up, and video then goes on with its
next key frame.
"""

from dataclasses import dataclass
from typing import Final

from client.calls.rtp import Packet, nearest, vp8_part

MAX_HELD: Final = 1024
"""Packets that wait for one before them."""
MAX_FRAME: Final = 4 * 1024 * 1024
MAX_ASKED: Final = 64
"""Packets that are asked for again at once."""
ASK_EVERY_MS: Final = 80
GIVE_UP_MS: Final = 600
"""Of video. Sound that is late is of no use."""
GIVE_UP_AUDIO_MS: Final = 120
KEY_FRAME_EVERY_MS: Final = 400
"""How often a key frame is asked for."""


@dataclass(frozen=True, slots=True)
class Wants:
    """What to ask the sender for."""

    lost: tuple[int, ...] = ()
    """Sequence numbers."""
    key_frame: bool = False


class Assembly:
    def __init__(self, video: bool) -> None:
        self._video = video
        self._held: dict[int, Packet] = {}
        self._next: int | None = None
        self._highest = 0
        self._parts = bytearray()
        self._in_frame = False
        # What is not decoded from its beginning is not decoded.
        self._needs_key = video
        self._gap_since: int | None = None
        self._asked_at = self._key_asked_at = -GIVE_UP_MS
        self.packets = 0
        self.given_up = 0
        """Packets that never came."""

    def add(self, packet: Packet, now: int) -> list[bytes]:
        """The frames that are whole by it. `now` in ms of a monotonic clock."""
        if self._next is None:
            self._next = self._highest = packet.sequence
        number = nearest(packet.sequence, self._highest)
        if number < self._next or number in self._held:
            return []
        self.packets += 1
        self._highest = max(self._highest, number)
        self._held[number] = packet
        frames = self._drain()
        if len(self._held) >= MAX_HELD:
            frames += self._skip()
        self._gap_since = None if not self._held else self._gap_since if self._gap_since is not None else now
        return frames

    def due(self, now: int) -> tuple[list[bytes], Wants]:
        """Called now and then: what can be given on by giving up, and what to ask for."""
        frames: list[bytes] = []
        patience = GIVE_UP_MS if self._video else GIVE_UP_AUDIO_MS
        if self._gap_since is not None and now - self._gap_since >= patience:
            frames = self._skip()
            self._gap_since = now if self._held else None
        lost: tuple[int, ...] = ()
        if self._video and self._held and now - self._asked_at >= ASK_EVERY_MS and self._next is not None:
            missing = (one for one in range(self._next, self._highest) if one not in self._held)
            lost = tuple(one & 0xFFFF for one, _ in zip(missing, range(MAX_ASKED), strict=False))
            self._asked_at = now
        # Before the first packet the unit sends a key frame by itself.
        key = self._needs_key and self.packets > 0 and now - self._key_asked_at >= KEY_FRAME_EVERY_MS
        if key:
            self._key_asked_at = now
        return frames, Wants(lost, key)

    def undecodable(self) -> None:
        """A frame of it was refused or did not decode: what depends on it is of no use."""
        self._needs_key = self._video

    def _skip(self) -> list[bytes]:
        """Go on behind the gap."""
        assert self._next is not None
        first = min(self._held)
        self.given_up += first - self._next
        self._next = first
        self._drop_frame()
        self._needs_key = self._video
        return self._drain()

    def _drop_frame(self) -> None:
        self._parts.clear()
        self._in_frame = False

    def _drain(self) -> list[bytes]:
        frames = []
        assert self._next is not None
        while (packet := self._held.pop(self._next, None)) is not None:
            self._next += 1
            frame = self._part(packet) if self._video else packet.payload
            if frame:
                frames.append(frame)
        return frames

    def _part(self, packet: Packet) -> bytes | None:
        """The frame that this packet ends. One without a payload is padding (RFC 3550 §5.1)."""
        if not packet.payload:
            return None
        part = vp8_part(packet.payload)
        if part is None:
            self._drop_frame()
            self._needs_key = True
            return None
        starts, data = part
        if starts:
            self._parts.clear()
            self._in_frame = True
        if not self._in_frame or len(self._parts) + len(data) > MAX_FRAME:
            self._drop_frame()
            return None
        self._parts += data
        if not packet.marker:
            return None
        frame = bytes(self._parts)
        self._drop_frame()
        # RFC 6386 §9.1: bit 0 of the first byte, which is clear, is 0 in a key frame.
        if self._needs_key:
            if not frame or frame[0] & 1:
                return None
            self._needs_key = False
        return frame
