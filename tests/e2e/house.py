"""The server that the browsers meet, with the client that was built from this tree."""

import os
import shutil
import sqlite3
import sys
from pathlib import Path

import pytest

from tests.house_server import ROOT, HouseServer
from wire.bounds import to_base64url

DATABASE = "collegium.sqlite"
# The server as it is, on a machine whose clock is wrong.
MOVED_CLOCK = """
import sys, time
real, real_ns = time.time, time.time_ns
time.time = lambda: real() + {seconds}
time.time_ns = lambda: real_ns() + int({seconds} * 1e9)
sys.argv = ["server", "serve"]
from server.cli import main
main()
"""


def built_client(into: Path) -> Path:
    """A copy of the built client, which a build running beside the tests cannot change under them."""
    built = Path(os.environ.get("COLLEGIUM_WEB", ROOT / "web/dist"))
    if not (built / "index.html").is_file():
        pytest.fail("The web client is not built: ./run test builds it first.")
    shutil.copytree(built, into)
    return into


class House(HouseServer):
    """One server on a folder; people reach it at `origin`, each through a relay of their own."""

    def __init__(self, folder: Path, client: Path, **settings: str) -> None:
        super().__init__(folder, None, None, web=str(client), **settings)
        # Passkeys refuse bare addresses.
        self.origin = f"http://localhost:{self.port}"

    def printed_link(self) -> str:
        """The first member's link, as the server printed it when it started."""
        return f"{self.origin}/join#f.{to_base64url(self.first_link())}"

    def founder_link(self) -> str:
        """A link for one more founder, as `collegium invite` makes it."""
        return f"{self.origin}/join#f.{to_base64url(self.token())}"

    def restart(self, clock_ms: int = 0) -> None:
        """Killed, and started again on the same folder and port; with its clock moved where that is asked."""
        if self.process is not None:
            self.kill()
        if clock_ms:
            self._command = [sys.executable, "-c", MOVED_CLOCK.format(seconds=clock_ms / 1000)]
        self.start()

    def database(self) -> sqlite3.Connection:
        """The server's own database, for a look at what it holds, or for tampering with it."""
        return sqlite3.connect(self.data / DATABASE, timeout=10)

    def files(self) -> dict[str, bytes]:
        """Everything that the server wrote: database, WAL, and its log."""
        kept = {str(path.relative_to(self.folder)): path for path in self.data.rglob("*") if path.is_file()}
        return {name: path.read_bytes() for name, path in kept.items()} | {"log": self.log.encode()}
