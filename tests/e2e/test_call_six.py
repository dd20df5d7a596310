"""Six browsers in a call; and twelve people, most of them programs: all get what the layout shows."""

import re
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from signaling.sfu.layers import CAMERAS
from tests.e2e.choir import Choir
from tests.e2e.company import Company
from tests.e2e.house import House
from tests.e2e.in_call import decode, perceive, to_call, watched_small
from tests.e2e.person import LONG_MS, Person

pytestmark = pytest.mark.soak

TITLE = "The whole circle"
NAMES = ("Ada", "Ben", "Cleo", "Dan", "Eva", "Finn")
# Of twelve, so many have browsers: two cores draw no more tiles than theirs.
BROWSERS = 3
PROGRAMS = ("Gil", "Hana", "Ines", "Jon", "Kaya", "Leo", "Mia", "Noor", "Otto")
ALL = BROWSERS + len(PROGRAMS)
# So many on two cores take their time.
PATIENCE_MS = 120_000
JOIN = re.compile("^(Join|Start) the call$")


@pytest.fixture(scope="module")
def house(media_house: House) -> House:
    return media_house


@pytest.fixture(scope="module")
def six(company: Company) -> list[Person]:
    people = [watched_small(company, name) for name in NAMES]
    company.gather(TITLE, *people)
    return people


@pytest.fixture(scope="module")
def choir(six: list[Person], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Choir]:
    singing = Choir(tmp_path_factory.mktemp("choir"))
    for name in PROGRAMS:
        singing.call("join", six[0].invite(), name)
    six[0].hide_people()
    yield singing
    singing.close()


def press(people: list[Person]) -> None:
    """All of them into the call, as fast as one hand can press."""
    for person in people:
        to_call(person)
        expect(person.button(JOIN)).to_be_visible()
    for person in people:
        person.button(JOIN).click(no_wait_after=True)


def are_in(people: list[Person]) -> None:
    for person in people:
        expect(person.button("Leave the call")).to_be_visible(timeout=LONG_MS)


def leave(people: list[Person]) -> None:
    for person in people:
        person.button("Leave the call").click()
        person.page.get_by_role("link", name="Back to the group").click()


def test_six_browsers_come_at_once_and_each_decodes_each(six: list[Person]) -> None:
    began = time.monotonic()
    press(six)
    are_in(six)
    decode(*six, patience_ms=PATIENCE_MS)
    print(f"six browsers: each decodes five others {time.monotonic() - began:.1f} s after the first press")
    leave(six)


def test_twelve_come_in_the_same_second_and_everybody_gets_what_is_shown(
    six: list[Person], choir: Choir
) -> None:
    pages = six[:BROWSERS]
    began = time.monotonic()
    choir.ask("enter")
    press(pages)
    choir.answer()
    are_in(pages)
    tiles = [one.page.get_by_role("list", name="People in the call").get_by_role("listitem") for one in pages]
    for shown in tiles:
        expect(shown).to_have_count(ALL, timeout=LONG_MS)
    print(f"twelve: all are in {time.monotonic() - began:.1f} s after the first press")
    # In a larger call the unit shows so many cameras, of who spoke last; everybody is heard.
    choir.ask("perceive", ALL - 1, CAMERAS)
    perceive(dict.fromkeys(pages, (CAMERAS, ALL - 1)), patience_ms=PATIENCE_MS)
    choir.answer()
    print(f"twelve: everybody gets everybody {time.monotonic() - began:.1f} s after the first press")
    choir.call("leave")
    for shown in tiles:
        expect(shown).to_have_count(BROWSERS, timeout=LONG_MS)
    decode(*pages, patience_ms=PATIENCE_MS)
