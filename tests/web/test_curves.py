"""E3: a real browser's own curves are fit, take no signature that the one rule refuses, and are used."""

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, sync_playwright

from tests.browser import ARGUMENTS, find
from tests.house_server import ROOT
from tests.web.pages import served

CASES = json.loads((ROOT / "tests/agreement/ed25519.json").read_text())
# Web Cryptography refuses an R of small order. The rule does not; such a one is judged by our own code.
STRICTER = ("R the identity", "R of small order")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with (
        served("curves", "tests/mls/page/index.html", tmp_path_factory.mktemp("curves")) as address,
        sync_playwright() as started,
    ):
        browser = started.chromium.launch(executable_path=find(), args=ARGUMENTS)
        page = browser.new_page()
        page.goto(address)
        page.wait_for_function("globalThis.ready")
        yield page
        browser.close()


def test_e3_the_browser_says_yes_to_no_signature_that_the_rule_refuses(page: Page) -> None:
    said = page.evaluate("cases => judged(cases)", CASES)
    assert said is not None, "the browser's curves are not used"
    for one, holds in zip(CASES, said, strict=True):
        assert one["valid"] or not holds, one["name"]
        assert holds == one["valid"] or one["name"].startswith(STRICTER), one["name"]


def test_what_it_makes_and_verifies_is_as_without_it(page: Page) -> None:
    """Twice to make something, and once to verify."""
    assert page.evaluate("() => worked()") == {"holds": True, "alike": True, "runs": 3}
