"""uvicorn's sans-IO WebSocket, with a way past the ASGI queue for frames.

The handshake, pings, closing and limits stay uvicorn's. A hub that sends one entry to two hundred sockets
frames it once and hands the same bytes to each transport; and it must know at once whether a transport takes
more.
"""

from typing import Any, Protocol

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

from wire.codec import encode
from wire.frames import Bye

EXTENSION = "collegium.direct"


def framed(data: bytes) -> bytes:
    """One unmasked binary WebSocket message (RFC 6455 §5.2)."""
    length = len(data)
    if length < 126:
        return bytes((0x82, length)) + data
    if length < 1 << 16:
        return b"\x82\x7e" + length.to_bytes(2, "big") + data
    return b"\x82\x7f" + length.to_bytes(8, "big") + data


_RESTART = framed(encode(Bye(code="restart")))


class Listener(Protocol):
    """What is behind a socket."""

    def received(self, data: bytes) -> None: ...

    def writable(self) -> None: ...


class DirectProtocol(WebSocketsSansIOProtocol):
    """Also offers itself to the application, as an extension in the ASGI scope."""

    listener: Listener | None = None
    takes_more = True  # the transport's buffer is below its high-water mark

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        scope: Any = getattr(self, "scope", None)
        if scope is not None:
            scope["extensions"][EXTENSION] = self

    def send_receive_event_to_app(self) -> None:
        if self.listener is None or self.curr_msg_data_type == "text":
            super().send_receive_event_to_app()
            return
        data = self.frames[0] if len(self.frames) == 1 else b"".join(self.frames)
        self.frames = []
        if not self.close_sent:
            self.listener.received(bytes(data))

    def pause_writing(self) -> None:
        super().pause_writing()
        self.takes_more = False

    def resume_writing(self) -> None:
        super().resume_writing()
        self.takes_more = True
        if self.listener is not None:
            self.listener.writable()

    def write(self, frames: list[bytes]) -> None:
        """Messages that are already framed."""
        if not (self.disconnected or self.close_sent or self.transport.is_closing()):
            self.transport.write(frames[0] if len(frames) == 1 else b"".join(frames))

    def hold_reading(self, seconds: float) -> None:
        """Back pressure: what this peer sends waits in its own buffers."""
        if not self.transport.is_closing():
            self.transport.pause_reading()
            self.loop.call_later(seconds, self._read_on)

    def _read_on(self) -> None:
        if not self.transport.is_closing():
            self.transport.resume_reading()

    def end(self, code: int) -> None:
        """Close in order; what was written before still goes out."""
        if not (self.disconnected or self.close_sent or self.transport.is_closing()):
            self.conn.send_close(code)
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.close_sent = True
            self.close_timer = self.loop.call_later(self.close_timeout, self.transport.close)

    def cut(self) -> None:
        """Close at once; for a peer that reads nothing."""
        self.transport.abort()

    def shutdown(self) -> None:
        # The server stops: say so, so that clients come back instead of wondering.
        if self.handshake_complete and not self.close_sent:
            self.write([_RESTART])
        super().shutdown()
