"""The process of one unit: a UDP socket, the channel to the server, a clock. All else is the switchboard's.

`python -m signaling.sfu.unit --fd N --address A [--address A …] [--host H] [--port P]`

N is its end of the channel. Addresses are told to clients; what is bound may be another. The unit ends when
the channel closes: nobody else can reach it.
"""

import argparse
import asyncio
import datetime
import gc
import ipaddress
import secrets
import signal
import socket
import sys
import time
from typing import cast

import uvloop

from signaling.sfu.certificate import new_certificate
from signaling.sfu.control import MAX_ADDRESSES, MAX_MESSAGE, FromUnit, Hello, encode, to_unit
from signaling.sfu.dtls import context_of
from signaling.sfu.forwarder import Forwarder
from signaling.sfu.logs import configure, log, where_of
from signaling.sfu.mail import Mail
from signaling.sfu.sdp import Transport
from signaling.sfu.stun import Address
from signaling.sfu.switchboard import Switchboard
from wire.codec import DecodeError

SOCKET_BUFFER = 4 * 1024 * 1024
MAX_BACKLOG = 8 * MAX_MESSAGE  # of the channel: a server that reads nothing for so long is gone
MAX_FAULTS_LOGGED = 100
SOONEST_S = 0.001  # no timer comes sooner
AFTER_FAULT_S = 0.05
STALL_S = 0.01  # a burst that took longer was not worked on all the time: others had the processor


class Unit(asyncio.Protocol):
    """The driver. It is the protocol of the control channel as well."""

    def __init__(self, switchboard: Switchboard, bound: socket.socket, hello: Hello) -> None:
        self._switchboard = switchboard
        self._mail = Mail(bound, self._datagrams)
        self._hello = hello
        self._reader = to_unit()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._loop = asyncio.get_running_loop()
        self._channel: asyncio.WriteTransport | None = None
        self._faults = 0
        self.over: asyncio.Future[str] = self._loop.create_future()

    # The channel

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._channel = cast(asyncio.WriteTransport, transport)  # uvloop's own class is not asyncio's
        self._write([self._hello])
        self._advance()

    def data_received(self, data: bytes) -> None:
        try:
            messages = self._reader.feed(data)
        except DecodeError:
            self.stop("malformed")
            return
        for message in messages:
            try:
                self._switchboard.message(message, time.monotonic())
            except Exception as error:
                self._fault(error)
        self._advance()

    def connection_lost(self, exc: Exception | None) -> None:
        self.stop("channel")

    def _write(self, messages: list[FromUnit]) -> None:
        if self._channel is None or not messages:
            return
        if self._channel.get_write_buffer_size() > MAX_BACKLOG:
            self.stop("backlog")
            return
        self._channel.write(b"".join(map(encode, messages)))

    # The network

    def _datagrams(self, burst: list[tuple[bytes, Address]]) -> None:
        datagram = self._switchboard.datagram
        begun = time.monotonic()
        for data, address in burst:
            try:
                datagram(data, address, time.monotonic())
            except Exception as error:
                self._fault(error)
        self._advance(begun)

    # Time, and what goes out

    def _advance(self, begun: float | None = None) -> None:
        """Do what is due, send what there is, and wake up for the next. The work may have begun before."""
        if self.over.done():
            return
        now = time.monotonic()
        due = now + SOONEST_S
        try:
            due = max(due, self._switchboard.tick(now))
            messages = self._switchboard.take(now)
            try:
                self._send()
            finally:
                self._write(messages)
            begun = now if begun is None else begun
            if time.monotonic() - begun > STALL_S:
                self._switchboard.stood_still(begun)
        except Exception as error:
            self._fault(error)
            due = now + AFTER_FAULT_S
        if self.over.done():
            return
        if self._timer is not None:
            if self._timer_at <= due:
                return  # it comes soon enough, and then finds what is due later
            self._timer.cancel()
        self._timer_at = due
        self._timer = self._loop.call_later(due - now, self._woken)

    def _send(self) -> None:
        mail, board = self._mail, self._switchboard
        more = True
        while more:
            more = board.fill(mail.batch)
            mail.send()

    def _woken(self) -> None:
        self._timer = None
        self._advance()

    def _fault(self, error: Exception) -> None:
        """A mistake of ours that one datagram, message or tick met. It must not end the calls of others."""
        self._faults += 1
        if self._faults <= MAX_FAULTS_LOGGED:
            log.error("fault", count=self._faults, **where_of(error))

    # The end

    def stop(self, code: str) -> None:
        """Tell the clients, and end."""
        if self.over.done():
            return
        self.over.set_result(code)
        if self._timer is not None:
            self._timer.cancel()
        now = time.monotonic()
        try:
            self._switchboard.close(now)
            self._switchboard.take(now)
            self._send()
        except Exception as error:
            self._fault(error)
        self._mail.close()
        if self._channel is not None:
            self._channel.close()


def bound_socket(host: str, port: int) -> socket.socket:
    """UDP. One of IPv6 takes IPv4 as well."""
    family = socket.AF_INET6 if ipaddress.ip_address(host).version == 6 else socket.AF_INET
    made = socket.socket(family, socket.SOCK_DGRAM)
    made.setblocking(False)
    for size in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        made.setsockopt(socket.SOL_SOCKET, size, SOCKET_BUFFER)
    if family == socket.AF_INET6:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    made.bind((host, port))
    return made


async def serve(channel: socket.socket, host: str, port: int, addresses: tuple[str, ...]) -> str:
    """Run until the channel closes or somebody ends it. Gives why it is over."""
    loop = asyncio.get_running_loop()
    bound = bound_socket(host, port)
    certificate = new_certificate(datetime.datetime.now(datetime.UTC))
    port = bound.getsockname()[1]
    transport = Transport(addresses, port, certificate.fingerprint)
    hello = Hello(addresses=list(addresses), port=port, fingerprint=certificate.fingerprint)
    board = Switchboard(context_of(certificate), transport, Forwarder, secrets.token_bytes, time.monotonic())
    unit = Unit(board, bound, hello)
    loop.add_signal_handler(signal.SIGTERM, unit.stop, "terminated")
    # Who stops the server at a terminal stops all of its group: the channel tells us when that is done.
    loop.add_signal_handler(signal.SIGINT, lambda: None)
    await loop.create_unix_connection(lambda: unit, sock=channel)
    gc.freeze()  # modules and what they are made of stay: no collection looks through them again
    return await unit.over


def _address(text: str) -> str:
    return str(ipaddress.ip_address(text))


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser("signaling.sfu.unit")
    parser.add_argument("--fd", type=int, required=True)
    parser.add_argument("--address", type=_address, action="append", required=True)
    parser.add_argument("--host", type=_address, default="0.0.0.0")  # noqa: S104 - media comes from anywhere
    parser.add_argument("--port", type=int, default=0)
    given = parser.parse_args(words)
    if len(given.address) > MAX_ADDRESSES:
        parser.error(f"at most {MAX_ADDRESSES} addresses")
    configure()
    channel = socket.socket(fileno=given.fd)
    channel.setblocking(False)
    work = serve(channel, given.host, given.port, tuple(given.address))
    try:
        code = uvloop.run(work)
    except OSError as error:
        log.error("not_started", **where_of(error))
        return 1
    log.info("over", code=code)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
