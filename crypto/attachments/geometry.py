"""How a file lies in its ciphertext: chunks of one size, each with its tag, the last one shorter.

stream     = file ‖ zeros, up to the padded size
ciphertext = chunk 0 ‖ tag ‖ chunk 1 ‖ tag ‖ …
"""

from dataclasses import dataclass
from typing import Final

from crypto.mls.errors import UsageError

MAX_SIZE: Final = 2**31
"""Bytes of a file: 2 GiB."""
CHUNK_SIZE: Final = 64 * 1024
"""What we write. A chunk is what has to be in memory, and what a player fetches to begin in the middle."""
MIN_CHUNK_SIZE: Final = 4 * 1024
MAX_CHUNK_SIZE: Final = 1024 * 1024
TAG_LENGTH: Final = 16

_SMALLEST: Final = 4 * 1024


def padded_size(size: int) -> int:
    """THREATS 22: sizes say less when there are few of them.

    Rounded up so that only a length's leading bits differ, as many as tell how long it is itself (the Padmé
    scheme): a sixteenth more at most, a thirty-second for a megabyte. What is small is 4 KiB.
    """
    if size <= _SMALLEST:
        return _SMALLEST
    exponent = size.bit_length() - 1
    step = 1 << exponent - exponent.bit_length()
    return -(-size // step) * step


@dataclass(frozen=True, slots=True)
class Geometry:
    """Of one file. Sizes in bytes."""

    size: int
    chunk_size: int = CHUNK_SIZE

    def __post_init__(self) -> None:
        if not 0 <= self.size <= MAX_SIZE or not MIN_CHUNK_SIZE <= self.chunk_size <= MAX_CHUNK_SIZE:
            raise UsageError("file_size", f"no file of {self.size} bytes in chunks of {self.chunk_size}")

    @property
    def padded(self) -> int:
        return padded_size(self.size)

    @property
    def chunks(self) -> int:
        return -(-self.padded // self.chunk_size)

    @property
    def sealed(self) -> int:
        """The ciphertext, tags and all."""
        return self.padded + self.chunks * TAG_LENGTH

    def chunk_length(self, n: int) -> int:
        """Of the plaintext of chunk `n`."""
        return min(self.chunk_size, self.padded - n * self.chunk_size)

    def content_length(self, n: int) -> int:
        """How much of chunk `n` is file; the rest is padding."""
        return max(0, min(self.chunk_size, self.size - n * self.chunk_size))

    def chunk_range(self, n: int) -> tuple[int, int]:
        """Where chunk `n` lies in the ciphertext: from, and up to. Raises UsageError when there is none."""
        if not 0 <= n < self.chunks:
            raise UsageError("chunk_number", f"there is no chunk {n}")
        start = n * (self.chunk_size + TAG_LENGTH)
        return start, start + self.chunk_length(n) + TAG_LENGTH

    @property
    def end_chunk(self) -> int:
        """The chunk that the file ends in. The last chunk may be all padding."""
        return max(0, self.size - 1) // self.chunk_size

    def chunk_of(self, offset: int) -> int:
        """In which chunk a byte of the file lies. Raises UsageError beyond the end."""
        if not 0 <= offset < self.size:
            raise UsageError("file_offset", f"there is no byte {offset}")
        return offset // self.chunk_size
