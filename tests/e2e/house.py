"""The server that the browsers meet, with the client that was built from this tree."""

import os
import re
import shutil
import sqlite3
from pathlib import Path

import pytest

from tests.house_server import ROOT, HouseServer
from wire.bounds import to_base64url

DATABASE = "collegium.sqlite"
FOUNDER_LINK = re.compile(r"\S+/join#f\.[A-Za-z0-9_-]{43}")


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
        found = FOUNDER_LINK.search("".join(self.lines(3)))
        assert found, self.printed
        return found[0]

    def founder_link(self) -> str:
        """A link for one more founder, as `collegium invite` makes it."""
        return f"{self.origin}/join#f.{to_base64url(self.token())}"

    def database(self) -> sqlite3.Connection:
        """The server's own database, for a look at what it holds, or for tampering with it."""
        return sqlite3.connect(self.data / DATABASE, timeout=10)

    def files(self) -> dict[str, bytes]:
        """Everything that the server wrote: database, WAL, and its log."""
        kept = {str(path.relative_to(self.folder)): path for path in self.data.rglob("*") if path.is_file()}
        return {name: path.read_bytes() for name, path in kept.items()} | {"log": self.log.encode()}
