"""Decrypts one file as it arrives, with one chunk in memory; or any chunk of it alone."""

from hashlib import sha256

from crypto.attachments.chunk_cipher import ChunkCipher
from crypto.attachments.descriptor import FileDescriptor
from crypto.attachments.errors import AttachmentError
from crypto.attachments.geometry import TAG_LENGTH, Geometry
from crypto.mls.bytes import equal
from crypto.mls.errors import UsageError


class FileOpener:
    """Whole, from beginning to end.

    What `push` returns is the sender's, in its place; that it is all of the file is known after `finish`. So
    the file's end is given out by `finish` alone: whoever overlooks an error has no file that looks complete.
    """

    __slots__ = ("_buffer", "_cipher", "_end", "_hash", "_n", "_named", "_taken", "geometry")

    def __init__(self, descriptor: FileDescriptor) -> None:
        self.geometry: Geometry = descriptor.geometry
        self._cipher = ChunkCipher(descriptor.key, self.geometry)
        self._named = descriptor.hash
        self._hash = sha256()
        self._buffer = bytearray()
        self._taken = 0
        self._n = 0
        self._end = b""

    def push(self, part: bytes) -> list[bytes]:
        """The next part of the ciphertext, of any length; the parts of the file that are ready.

        Raises AttachmentError; the file is then given up.
        """
        self._taken += len(part)
        if self._taken > self.geometry.sealed:
            raise AttachmentError("length", "the ciphertext goes on after its end")
        self._hash.update(part)
        self._buffer += part
        out = []
        at = 0
        step = self.geometry.chunk_size + TAG_LENGTH
        while self._n < self.geometry.chunks - 1 and len(self._buffer) - at >= step:
            opened = self._open(bytes(self._buffer[at : at + step]))
            at += step
            if opened:
                out.append(opened)
        del self._buffer[:at]
        return out

    def finish(self) -> bytes:
        """After the last part: the end of the file. Raises AttachmentError when this is not the file."""
        if self._n == self.geometry.chunks:
            raise UsageError("file_opened", "the file is opened already")
        if self._taken != self.geometry.sealed:
            raise AttachmentError("length", "the ciphertext is cut short")
        if not equal(self._hash.digest(), self._named):
            raise AttachmentError("hash", "this is not the ciphertext that the event names")
        last = self._open(bytes(self._buffer))
        self._buffer.clear()
        return self._end + last

    def _open(self, sealed: bytes) -> bytes:
        """The next chunk, empty where the file's end is to be kept back."""
        n = self._n
        opened = self._cipher.open(n, sealed)
        self._n = n + 1
        if n < self.geometry.end_chunk or n == self.geometry.chunks - 1:
            return opened
        self._end += opened
        return b""


class ChunkOpener:
    """Chunk by chunk in any order, for media that is played from the middle.

    Each chunk is what was sealed there under this file's key. The hash of the whole is not looked at: a
    member, who knows the key, could put another file there with the server's help. Whoever reads all finds
    out.
    """

    __slots__ = ("_cipher", "geometry")

    def __init__(self, descriptor: FileDescriptor) -> None:
        self.geometry: Geometry = descriptor.geometry
        self._cipher = ChunkCipher(descriptor.key, self.geometry)

    def open(self, n: int, sealed: bytes) -> bytes:
        """What chunk `n`, the bytes of `geometry.chunk_range(n)`, holds of the file.

        Raises AttachmentError.
        """
        return self._cipher.open(n, sealed)
