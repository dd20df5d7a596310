"""The SFrame header (RFC 9605 §4.3): a config byte, then key id (KID) and counter (CTR) of up to 64 bits."""

from typing import Final

from crypto.mls.errors import DecodeError, UsageError

MAX_HEADER_LENGTH: Final = 17

_EXTENDED_KID: Final = 0x80
_EXTENDED_CTR: Final = 0x08
_MAX_INLINE: Final = 7  # up to here a value stands in the config byte itself
_MAX_U64: Final = 2**64 - 1


def encode_header(kid: int, ctr: int) -> bytes:
    """Raises UsageError for what is no number of 64 bits."""
    if not (0 <= kid <= _MAX_U64 and 0 <= ctr <= _MAX_U64):
        raise UsageError("header_range", "a KID or counter beyond 64 bits")
    config = 0
    fields = b""
    if kid <= _MAX_INLINE:
        config = kid << 4
    else:
        fields = kid.to_bytes((kid.bit_length() + 7) >> 3, "big")
        config = _EXTENDED_KID | (len(fields) - 1) << 4
    if ctr <= _MAX_INLINE:
        return bytes((config | ctr,)) + fields
    width = (ctr.bit_length() + 7) >> 3
    return bytes((config | _EXTENDED_CTR | width - 1,)) + fields + ctr.to_bytes(width, "big")


def decode_header(data: bytes, at: int = 0) -> tuple[int, int, int]:
    """KID, CTR and length of the header that stands at `at`. Raises DecodeError."""
    if at >= len(data):
        raise DecodeError("no SFrame header")
    config = data[at]
    kid = config >> 4 & _MAX_INLINE
    ctr = config & _MAX_INLINE
    end = at + 1
    if config & _EXTENDED_KID:
        end, kid = _field(data, end, kid + 1)
    if config & _EXTENDED_CTR:
        end, ctr = _field(data, end, ctr + 1)
    return kid, ctr, end - at


def _field(data: bytes, at: int, length: int) -> tuple[int, int]:
    end = at + length
    if end > len(data):
        raise DecodeError("an SFrame header cut short")
    value = int.from_bytes(data[at:end], "big")
    # RFC 9605 §4.3: each number has one spelling, the shortest.
    if value <= _MAX_INLINE or value < 1 << 8 * (length - 1):
        raise DecodeError("an SFrame header not in its shortest form")
    return end, value
