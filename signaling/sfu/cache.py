"""The last packets of one upstream source, for retransmissions, and to know what was here before.

The number of slots and the length of a packet bound its bytes: `MAX_PACKET` times `VIDEO_SLOTS` and no more.
"""

from typing import Final

VIDEO_SLOTS: Final = 512
"""A power of two. Two seconds of a large camera: who asks later gets a key frame."""
AUDIO_SLOTS: Final = 64
"""More than a second. Nobody asks for audio again; the slots tell duplicates."""

Kept = tuple[int, int, int, int, int, int, bytes]
"""(sequence number, marker and type, timestamp, flags of VP8, picture id, TL0PICIDX, what follows)

Sequence number and picture id are counted on beyond their bits. A picture id of -1: there is none, and all
of the payload is in what follows.
"""


class Cache:
    __slots__ = ("mask", "slots")

    def __init__(self, slots: int) -> None:
        self.mask = slots - 1
        self.slots: list[Kept | None] = [None] * slots

    def get(self, sequence: int) -> Kept | None:
        kept = self.slots[sequence & self.mask]
        return kept if kept is not None and kept[0] == sequence else None

    def put(self, kept: Kept) -> None:
        self.slots[kept[0] & self.mask] = kept

    def clear(self) -> None:
        self.slots = [None] * len(self.slots)
