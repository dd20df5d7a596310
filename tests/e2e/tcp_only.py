"""A network that lets nothing through but some TCP ports of this machine, for one browser: as firewalls are.

It is a network namespace: its one interface leads nowhere, so that datagrams go out and are lost, and behind
its loopback address stand forwarders of ours: one side of each belongs to it, the other to this machine.
"""

import asyncio
import ctypes
import os
import shutil
import socket
import subprocess
import threading
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from tests.browser import find
from tests.e2e.relay import Loop

T = TypeVar("T")

CLONE_NEWNET = 0x40000000
NAMESPACE = "/proc/thread-self/ns/net"
# Both ends of a cable that ends in nobody's hands, and the way to everybody else over it.
CABLE = (
    "link set lo up",
    "link add out type veth peer name nowhere",
    "address add 10.77.0.2/24 dev out",
    "link set out up",
    "link set nowhere up",
    "route add default via 10.77.0.1",
)
CHUNK = 64 * 1024
WAIT_S = 60.0


class NotAllowedError(Exception):
    """This machine lets its user make no network namespace."""


def _in_a_thread(work: Callable[[], T]) -> T:
    """A namespace belongs to a thread; this one is not used again."""
    done: list[T] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            done.append(work())
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run, name="namespace")
    thread.start()
    thread.join(WAIT_S)
    if failed:
        raise failed[0]
    return done[0]


def _enter(call: Callable[..., int], *given: int) -> None:
    if call(*given) != 0:
        raise NotAllowedError(os.strerror(ctypes.get_errno()))


class TcpOnly:
    """Made from nothing, open nowhere. Raises NotAllowedError."""

    def __init__(self, loop: Loop, folder: Path) -> None:
        self._loop, self._libc = loop, ctypes.CDLL(None, use_errno=True)
        self._doors: dict[int, asyncio.Server] = {}
        self._through: dict[int, set[StreamWriter]] = {}
        self._namespace = _in_a_thread(self._make)
        self.browser = folder / "browser"
        """What starts a Chromium in it."""
        inside = f"nsenter --net=/proc/{os.getpid()}/fd/{self._namespace}"
        self.browser.write_text(f'#!/bin/sh\nexec {inside} -- {find()} "$@"\n')
        self.browser.chmod(0o755)

    def _make(self) -> int:
        _enter(self._libc.unshare, CLONE_NEWNET)
        ip = shutil.which("ip", path=f"{os.environ.get('PATH', '')}:/sbin:/usr/sbin")
        assert ip, "networks of the tests' own are made by ip; install it: sudo apt install iproute2"
        for line in CABLE:
            subprocess.run([ip, *line.split()], check=True)
        return os.open(NAMESPACE, os.O_RDONLY)

    def _listen(self, port: int) -> socket.socket:
        _enter(self._libc.setns, self._namespace, CLONE_NEWNET)
        return socket.create_server(("127.0.0.1", port))

    def open(self, port: int) -> None:
        """From now on, who connects to this port in it is connected to the same port of this machine."""
        listener = _in_a_thread(lambda: self._listen(port))
        self._doors[port] = self._loop.do(self._serve(listener, port))

    def shut(self, port: int) -> None:
        """Refused from now on, and what is connected is cut."""
        self._loop.do(self._shut(port))

    async def _serve(self, listener: socket.socket, port: int) -> asyncio.Server:
        self._through[port] = set()

        async def through(reader: StreamReader, writer: StreamWriter) -> None:
            await self._pass(port, reader, writer)

        return await asyncio.start_server(through, sock=listener)

    async def _pass(self, port: int, reader: StreamReader, writer: StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        both = {writer, far_writer}
        open_ones = self._through[port]
        open_ones |= both
        try:
            ways = [
                asyncio.create_task(_pump(reader, far_writer)),
                asyncio.create_task(_pump(far_reader, writer)),
            ]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            open_ones -= both
            for one in both:
                one.transport.abort()

    async def _shut(self, port: int) -> None:
        self._doors.pop(port).close()
        for one in self._through.pop(port):
            one.transport.abort()

    def close(self) -> None:
        for port in list(self._doors):
            self.shut(port)
        os.close(self._namespace)


async def _pump(reader: StreamReader, writer: StreamWriter) -> None:
    try:
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass  # one end is gone, and the other is told so by who waits for this
