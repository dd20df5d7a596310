"""Files with fixed contents, sealed and opened whole."""

from collections.abc import Iterator
from hashlib import shake_256

from crypto.attachments.descriptor import FileDescriptor
from crypto.attachments.file_opener import FileOpener
from crypto.attachments.file_sealer import FileSealer
from crypto.mls.bytes import Rng


def content(name: str, length: int) -> bytes:
    """The same at every run."""
    return shake_256(name.encode()).digest(length)


def seeded(name: str) -> Rng:
    return lambda length: content(name, length)


def parts_of(data: bytes, length: int) -> Iterator[bytes]:
    for at in range(0, len(data), length):
        yield data[at : at + length]


def seal(
    file: bytes, chunk_size: int = 64 * 1024, part_length: int = 1 << 31, rng: str = "file"
) -> tuple[FileDescriptor, bytes]:
    sealer = FileSealer(len(file), seeded(rng), chunk_size)
    out = [piece for part in parts_of(file, part_length) for piece in sealer.push(part)]
    out += sealer.finish()
    return sealer.descriptor("notes.pdf", "application/pdf"), b"".join(out)


def open_file(descriptor: FileDescriptor, ciphertext: bytes, part_length: int = 1 << 31) -> bytes:
    opener = FileOpener(descriptor)
    out = [piece for part in parts_of(ciphertext, part_length) for piece in opener.push(part)]
    return b"".join(out) + opener.finish()
