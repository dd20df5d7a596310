"""A browser for the run, a server and its people for each module; pictures and complaints for each test."""

import re
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

from tests.browser import ARGUMENTS, find
from tests.e2e.company import Company
from tests.e2e.house import House, built_client
from tests.e2e.relay import Loop
from tests.e2e.workers import Workers
from tests.house_server import ROOT

PICTURES = ROOT / "test-results"
FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when in ("setup", "call") and report.failed:
        item.stash[FAILED] = True
    return report


@pytest.fixture(scope="session")
def client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The web client as it was built before the tests."""
    return built_client(tmp_path_factory.mktemp("client") / "web")


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    started = playwright.chromium.launch(executable_path=find(), args=ARGUMENTS)
    yield started
    started.close()


@pytest.fixture(scope="session")
def workers(browser: Browser) -> Workers:
    return Workers(browser)


@pytest.fixture(scope="session")
def loop() -> Iterator[Loop]:
    started = Loop()
    yield started
    started.close()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, client: Path) -> Iterator[House]:
    server = House(tmp_path_factory.mktemp("house"), client)
    server.start()
    yield server
    server.close()


@pytest.fixture(scope="module")
def company(
    house: House, playwright: Playwright, browser: Browser, workers: Workers, loop: Loop
) -> Iterator[Company]:
    gathered = Company(house, playwright, browser, workers, loop)
    yield gathered
    gathered.close()


@pytest.fixture(autouse=True)
def watch(request: pytest.FixtureRequest) -> Iterator[None]:
    """After each test: pictures of a failure, and no page, worker or relay may have complained."""
    if "company" not in request.fixturenames:
        yield
        return
    company: Company = request.getfixturevalue("company")
    yield
    complaints = company.complaints()
    if complaints or request.node.stash.get(FAILED, False):
        PICTURES.mkdir(exist_ok=True)
        name = re.sub(r"\W+", "-", request.node.name)
        for person in company.persons:
            person.screenshot(str(PICTURES / f"{name}-{person.name}.png"))
    for person in company.persons:
        person.allowed.clear()
    assert not complaints, "\n".join(complaints)
