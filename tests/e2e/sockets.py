"""Just enough of RFC 6455 to read and rewrite what passes a relay: frames, masks, whole messages."""

import os
from asyncio import StreamReader
from dataclasses import dataclass

CONTINUATION, TEXT, BINARY, CLOSE = 0, 1, 2, 8
MAX_PAYLOAD = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class SocketFrame:
    """One frame as it was on the wire, and its payload without the mask."""

    raw: bytes
    final: bool
    opcode: int
    payload: bytes

    @property
    def control(self) -> bool:
        return self.opcode >= CLOSE


def masked(payload: bytes, key: bytes) -> bytes:
    """RFC 6455 §5.3; its own inverse."""
    if not payload:
        return b""
    whole = (key * (len(payload) // 4 + 1))[: len(payload)]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(whole, "big")).to_bytes(len(payload), "big")


async def read_frame(reader: StreamReader) -> SocketFrame:
    """The next frame. Raises IncompleteReadError at the end of the stream."""
    raw = await reader.readexactly(2)
    final, opcode = bool(raw[0] & 0x80), raw[0] & 0x0F
    has_mask, size = bool(raw[1] & 0x80), raw[1] & 0x7F
    if size >= 126:
        long = await reader.readexactly(2 if size == 126 else 8)
        raw, size = raw + long, int.from_bytes(long, "big")
    if size > MAX_PAYLOAD:
        raise ValueError("a frame beyond every bound")
    key = await reader.readexactly(4) if has_mask else b""
    body = await reader.readexactly(size)
    return SocketFrame(raw + key + body, final, opcode, masked(body, key) if has_mask else body)


def frame(payload: bytes, opcode: int = BINARY, mask: bool = False) -> bytes:
    """One final frame that carries `payload`."""
    size, flag = len(payload), 0x80 if mask else 0
    if size < 126:
        head = bytes([0x80 | opcode, flag | size])
    elif size < 1 << 16:
        head = bytes([0x80 | opcode, flag | 126]) + size.to_bytes(2, "big")
    else:
        head = bytes([0x80 | opcode, flag | 127]) + size.to_bytes(8, "big")
    if not mask:
        return head + payload
    key = os.urandom(4)
    return head + key + masked(payload, key)
