"""A real server for each module, and members of it in this process."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.client.company import House
from tests.house_server import HouseServer


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder: Path = tmp_path_factory.mktemp("house")
    server = HouseServer(folder).start()
    yield House(server)
    server.close()
