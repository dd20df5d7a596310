"""Encrypts one file as it is read, with one chunk in memory."""

from collections.abc import Iterator
from hashlib import sha256

from crypto.attachments.chunk_cipher import FILE_KEY_LENGTH, ChunkCipher
from crypto.attachments.descriptor import FileDescriptor
from crypto.attachments.geometry import CHUNK_SIZE, Geometry
from crypto.mls.bytes import Rng
from crypto.mls.errors import UsageError
from crypto.mls.kem import draw


class FileSealer:
    """For one file, once.

    It draws the file key itself: a key from outside could have sealed something else already. An upload that
    is tried again reads the file again, which may have changed: each try has a new sealer.
    """

    __slots__ = ("_buffer", "_cipher", "_finished", "_given", "_hash", "_key", "_n", "geometry")

    def __init__(self, size: int, rng: Rng, chunk_size: int = CHUNK_SIZE) -> None:
        """`size` of the file in bytes, exactly. Raises UsageError when it is beyond 2 GiB."""
        self.geometry = Geometry(size, chunk_size)
        self._key = draw(rng, FILE_KEY_LENGTH)
        self._cipher = ChunkCipher(self._key, self.geometry)
        self._hash = sha256()
        self._buffer = bytearray()
        self._given = 0
        self._finished = False
        self._n = 0

    def push(self, part: bytes) -> list[bytes]:
        """The next part of the file, of any length; the pieces of ciphertext that are ready.

        Raises UsageError when the file is longer than was said: it changed while it was read.
        """
        self._given += len(part)
        if self._given > self.geometry.size:
            raise UsageError("file_changed", "the file is longer than was said")
        return self._take(part)

    def finish(self) -> Iterator[bytes]:
        """After the last part: what is left of the ciphertext, piece by piece, as padding may be long.

        Raises UsageError when the file is shorter than was said, or when this was called before.
        """
        if self._given != self.geometry.size:
            raise UsageError("file_changed", "the file is shorter than was said")
        if self._finished:
            raise UsageError("file_sealed", "the file is sealed already")
        self._finished = True
        return self._rest()

    def descriptor(self, name: str, type_: str) -> FileDescriptor:
        """For the event, once all is sealed. Raises UsageError before that."""
        if self._n != self.geometry.chunks:
            raise UsageError("file_unsealed", "the file is not sealed yet")
        return FileDescriptor(
            self._key, self.geometry.size, self.geometry.chunk_size, self._hash.digest(), name, type_
        )

    def _take(self, part: bytes) -> list[bytes]:
        self._buffer += part
        out = []
        at = 0
        # The last chunk waits for `finish`: only then is it known that the file has the size that was said.
        while self._n < self.geometry.chunks - 1 and len(self._buffer) - at >= self.geometry.chunk_size:
            out.append(self._seal(bytes(self._buffer[at : at + self.geometry.chunk_size])))
            at += self.geometry.chunk_size
        del self._buffer[:at]
        return out

    def _rest(self) -> Iterator[bytes]:
        while self._n < self.geometry.chunks - 1:
            yield from self._take(bytes(self.geometry.chunk_length(self._n) - len(self._buffer)))
        last = bytes(self._buffer).ljust(self.geometry.chunk_length(self._n), b"\0")
        self._buffer.clear()
        yield self._seal(last)

    def _seal(self, chunk: bytes) -> bytes:
        sealed = self._cipher.seal(self._n, chunk)
        # Counted before anything else can happen: no number seals twice.
        self._n += 1
        self._hash.update(sealed)
        return sealed
