"""What the server is to a unit: the other end of its channel, for tests. The unit is the real process."""

import contextlib
import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

from signaling.sfu.control import FromUnit, Hello, ToUnit, encode, from_unit
from tests.house_server import ROOT

PATIENCE_S = 30.0


class Driver:
    def __init__(self, *words: str) -> None:
        ours, theirs = socket.socketpair()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "signaling.sfu.unit", "--fd", str(theirs.fileno()), *words],
            pass_fds=(theirs.fileno(),),
            cwd=ROOT,
            stderr=subprocess.PIPE,
        )
        theirs.close()
        self.channel = ours
        self._reader = from_unit()
        self.received: list[FromUnit] = []
        try:
            self.until(lambda: self.received)
        except EOFError:
            assert self.process.stderr is not None
            raise AssertionError(self.process.stderr.read().decode()) from None
        hello = self.received[0]
        assert isinstance(hello, Hello)
        self.hello = hello

    def send(self, message: ToUnit) -> None:
        self.channel.sendall(encode(message))

    def read(self, seconds: float) -> list[FromUnit]:
        """What has come, waiting so long for the first. Raises EOFError when the unit is gone."""
        if not select.select([self.channel], [], [], seconds)[0]:
            return []
        data = self.channel.recv(1 << 20)
        if not data:
            raise EOFError
        found = self._reader.feed(data)
        self.received += found
        return found

    def until(self, met: Callable[[], object], seconds: float = PATIENCE_S) -> None:
        end = time.monotonic() + seconds
        while not met():
            assert time.monotonic() < end, f"waited in vain; the last: {self.received[-3:]}"
            self.read(0.05)

    def of(self, session: bytes) -> list[FromUnit]:
        return [one for one in self.received if getattr(one, "session", None) == session]

    def close(self) -> str:
        """End the channel, and with it the unit. Gives its log."""
        with contextlib.suppress(OSError):
            self.channel.close()
        assert self.process.wait(10) == 0
        assert self.process.stderr is not None
        with self.process.stderr as log:
            return log.read().decode()


@contextlib.contextmanager
def driven(*words: str) -> Iterator[Driver]:
    driver = Driver(*(words or ("--host", "127.0.0.1", "--address", "127.0.0.1")))
    try:
        yield driver
    except BaseException:
        driver.channel.close()
        driver.process.kill()
        driver.process.wait()
        assert driver.process.stderr is not None
        print(driver.process.stderr.read().decode())
        driver.process.stderr.close()
        raise
    log = driver.close()
    assert '"fault"' not in log, log
