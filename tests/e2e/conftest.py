"""A browser for the run, a server and its people for each module; pictures and complaints for each test."""

import re
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright, expect, sync_playwright

from tests.browser import ARGUMENTS, find
from tests.e2e.company import Company
from tests.e2e.house import House, built_client
from tests.e2e.person import PATIENCE_MS
from tests.e2e.relay import Loop
from tests.e2e.workers import Workers
from tests.house_server import ROOT

PICTURES = ROOT / "test-results"
COMPANIES = pytest.StashKey[list[Company]]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Of a failure: a picture of everybody's screen, and what pages, workers and relays complained about."""
    report = yield
    if report.failed:
        for company in item.session.stash.get(COMPANIES, []):
            PICTURES.mkdir(exist_ok=True)
            for person in company.persons:
                name = re.sub(r"\W+", "-", f"{item.name}-{report.when}-{person.name}")
                person.screenshot(str(PICTURES / f"{name}.png"))
            said = "\n".join(company.complaints())
            if said:
                report.sections.append(("complaints", said))
    return report


@pytest.fixture(scope="session")
def client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The web client as it was built before the tests."""
    return built_client(tmp_path_factory.mktemp("client") / "web")


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    expect.set_options(timeout=PATIENCE_MS)
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
def media_house(tmp_path_factory: pytest.TempPathFactory, client: Path) -> Iterator[House]:
    """The `house` of modules with calls: with a media unit."""
    server = House(tmp_path_factory.mktemp("house"), client, media_workers="1")
    server.start()
    yield server
    server.close()


@pytest.fixture(scope="module")
def company(
    request: pytest.FixtureRequest,
    house: House,
    playwright: Playwright,
    browser: Browser,
    workers: Workers,
    loop: Loop,
) -> Iterator[Company]:
    gathered = Company(house, playwright, browser, workers, loop)
    companies = request.session.stash.setdefault(COMPANIES, [])
    companies.append(gathered)
    yield gathered
    companies.remove(gathered)
    gathered.close()


@pytest.fixture(autouse=True)
def watch(request: pytest.FixtureRequest) -> Iterator[None]:
    """No page, worker or relay may have complained about what the test did not bring about itself."""
    yield
    if "company" not in request.fixturenames:
        return
    company: Company = request.getfixturevalue("company")
    complaints = company.complaints()
    for person in company.persons:
        person.allowed.clear()
    assert not complaints, "\n".join(complaints)
