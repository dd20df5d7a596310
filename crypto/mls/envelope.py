"""The clear header of an MLS PrivateMessage (RFC 9420 §6, §6.3), and nothing else.

This is the one part of `crypto` that the server may import: it reads what travels in the clear and holds no
key.
"""

from enum import IntEnum
from typing import NamedTuple

MLS10 = 1  # RFC 9420 §6: ProtocolVersion
PRIVATE_MESSAGE = 2  # RFC 9420 §6: WireFormat
MAX_AUTHENTICATED_DATA = 1024


class ContentType(IntEnum):
    """RFC 9420 §6: ContentType."""

    APPLICATION = 1
    PROPOSAL = 2
    COMMIT = 3


_CONTENT = dict(enumerate(ContentType, start=1))


class EnvelopeError(Exception):
    """The bytes are not one whole MLS PrivateMessage. The fault is the sender's."""

    code = "envelope"


class Envelope(NamedTuple):
    """What everyone may read of a PrivateMessage."""

    group_id: bytes
    epoch: int
    content_type: ContentType
    authenticated_data: bytes


def _span(data: bytes, at: int) -> tuple[int, int]:
    """Where a vector's content begins and ends (RFC 9420 §2.1.2: shortest length form, at most 30 bits)."""
    if at >= len(data):
        raise EnvelopeError("cut short")
    first = data[at]
    if first < 64 and at + first < len(data):  # one byte of length, as most have
        return at + 1, at + 1 + first
    width = 1 << (first >> 6)
    if width == 8 or at + width > len(data):
        raise EnvelopeError("bad length")
    length = int.from_bytes(data[at : at + width], "big") & ((1 << (8 * width - 2)) - 1)
    if width > 1 and length < 1 << (4 * width - 2):
        raise EnvelopeError("length not in its shortest form")
    start = at + width
    if start + length > len(data):
        raise EnvelopeError("cut short")
    return start, start + length


def read_envelope(data: bytes) -> Envelope:
    """The clear header of an MLSMessage that is a PrivateMessage. Raises EnvelopeError."""
    if len(data) < 4 or data[0:2] != b"\x00\x01" or data[2:4] != b"\x00\x02":
        raise EnvelopeError("not an MLS 1.0 PrivateMessage")
    start, at = _span(data, 4)
    group_id = data[start:at]
    if at + 9 > len(data):
        raise EnvelopeError("cut short")
    epoch = int.from_bytes(data[at : at + 8], "big")
    kind = data[at + 8]
    if not 1 <= kind <= 3:
        raise EnvelopeError("unknown content type")
    start, at = _span(data, at + 9)
    authenticated_data = data[start:at]
    if len(authenticated_data) > MAX_AUTHENTICATED_DATA:
        raise EnvelopeError("too much authenticated data")
    _, at = _span(data, at)  # encrypted_sender_data
    _, at = _span(data, at)  # ciphertext
    if at != len(data):
        raise EnvelopeError("bytes after the end")
    return Envelope(group_id, epoch, _CONTENT[kind], authenticated_data)


def _encoded(content: bytes) -> bytes:
    length = len(content)
    if length < 1 << 6:
        return bytes([length]) + content
    if length < 1 << 14:
        return (length | 1 << 14).to_bytes(2, "big") + content
    return (length | 2 << 30).to_bytes(4, "big") + content


def write_envelope(envelope: Envelope, encrypted_sender_data: bytes, ciphertext: bytes) -> bytes:
    """A PrivateMessage around parts that are already encrypted (or, in tests, opaque)."""
    return b"".join(
        (
            MLS10.to_bytes(2, "big"),
            PRIVATE_MESSAGE.to_bytes(2, "big"),
            _encoded(envelope.group_id),
            envelope.epoch.to_bytes(8, "big"),
            bytes([envelope.content_type]),
            _encoded(envelope.authenticated_data),
            _encoded(encrypted_sender_data),
            _encoded(ciphertext),
        )
    )
