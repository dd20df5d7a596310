"""One chunk of a file, in the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár 2015).

    nonce = prefix (7) ‖ chunk number (4) ‖ 1 for the last chunk, else 0

So a chunk opens in its place alone, and nothing but the last chunk opens as the last: what is swapped, left
out or cut off shows. A chunk of another file has another key.
"""

from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from crypto.attachments.errors import AttachmentError
from crypto.attachments.geometry import Geometry
from crypto.mls.bytes import u32, u64
from crypto.mls.kdf import HKDF_SHA256

FILE_KEY_LENGTH: Final = 32

_LABEL: Final = b"Collegium 1.0 attachment"
_CIPHER_KEY_LENGTH: Final = 32
_PREFIX_LENGTH: Final = 7


class ChunkCipher:
    """Opens and seals the chunks of one file. Whoever seals answers for it that a file key seals one file."""

    __slots__ = ("_cipher", "_last", "_prefix", "geometry")

    def __init__(self, file_key: bytes, geometry: Geometry) -> None:
        # Size and chunk size are part of the key: under a descriptor that names others nothing opens.
        info = _LABEL + u64(geometry.size) + u32(geometry.chunk_size)
        derived = HKDF_SHA256.expand(file_key, info, _CIPHER_KEY_LENGTH + _PREFIX_LENGTH)
        self._cipher = AESGCM(derived[:_CIPHER_KEY_LENGTH])
        self._prefix = derived[_CIPHER_KEY_LENGTH:]
        self._last = geometry.chunks - 1
        self.geometry = geometry

    def seal(self, n: int, chunk: bytes) -> bytes:
        """`chunk` with its padding."""
        # The file key was drawn for this file, and each chunk has its number: no nonce comes twice.
        return self._cipher.encrypt(self._nonce(n), chunk, None)

    def open(self, n: int, sealed: bytes) -> bytes:
        """What chunk `n` holds of the file, without padding. Raises AttachmentError."""
        start, end = self.geometry.chunk_range(n)
        if len(sealed) != end - start:
            raise AttachmentError("length", f"chunk {n} is {len(sealed)} bytes, not {end - start}")
        try:
            chunk = self._cipher.decrypt(self._nonce(n), sealed, None)
        except InvalidTag:
            raise AttachmentError("chunk", f"chunk {n} is not what was sealed there") from None
        return chunk[: self.geometry.content_length(n)]

    def _nonce(self, n: int) -> bytes:
        return self._prefix + u32(n) + (b"\1" if n == self._last else b"\0")
