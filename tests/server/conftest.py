"""One real server for a module's tests; each test makes its own accounts and rooms on it."""

from collections.abc import Iterator

import pytest

from tests.house_server import HouseServer


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HouseServer]:
    folder = tmp_path_factory.mktemp("house")
    (folder / "web/assets").mkdir(parents=True)
    (folder / "web/index.html").write_text("<!doctype html><title>Collegium</title>")
    (folder / "web/assets/app-Ab12_-cd.js").write_text("export {};")
    server = HouseServer(folder).start()
    try:
        yield server
    finally:
        server.close()
