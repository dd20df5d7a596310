"""The server as it is, with forwarding units that an attacker wrote, and the line to give them orders."""

import sys
from collections.abc import Iterator
from multiprocessing.connection import Client
from pathlib import Path
from typing import Any, NamedTuple

from server import cli, media, serving
from tests.e2e.house import House

LINE, TAP = "orders", "tap"
PATIENCE_S = 30.0


class Tapped(NamedTuple):
    """A packet as the unit has it, after SRTP was opened."""

    person: int
    """Who sent it, by the order in which the devices came into the call."""
    data: bytes


class MaliciousHouse(House):
    def __init__(self, folder: Path, client: Path) -> None:
        super().__init__(folder, client, media_workers="1")
        self._command = [sys.executable, "-m", "tests.e2e.malicious_house", str(folder)]

    def order(self, name: str, *arguments: object) -> Any:
        """Have the unit do something. Gives what it answers."""
        with Client(str(self.folder / LINE), "AF_UNIX") as line:
            line.send((name, *arguments))
            assert line.poll(PATIENCE_S), f"the unit does not answer {name}"
            return line.recv()

    def put(self, person: int, kind: str, frames: list[list[bytes]]) -> None:
        """Frames of somebody else's making into a person's stream, until all are on their way."""
        self.order("put", person, kind, frames)
        assert self.order("drain")

    def repeat(self, person: int, kind: str) -> int:
        """What a person sent last once more, likewise. Gives how many frames that is."""
        count = self.order("repeat", person, kind)
        assert self.order("drain")
        return int(count)

    def tapped(self) -> Iterator[Tapped]:
        """Every packet of media that reached the unit since it started, in order."""
        self.order("flush")
        data, at = (self.folder / TAP).read_bytes(), 0
        while at < len(data):
            end = at + 3 + int.from_bytes(data[at + 1 : at + 3], "big")
            yield Tapped(data[at], data[at + 3 : end])
            at = end


def main(folder: Path) -> None:
    found = cli.settings()
    usual = media.unit_command(found)

    def command(unit: int, descriptor: int) -> list[str]:
        python, _, _, *words = usual(unit, descriptor)
        return [python, "-m", "tests.e2e.malicious_unit", str(folder / LINE), str(folder / TAP), *words]

    serving.serve(found, command)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
