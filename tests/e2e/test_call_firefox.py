"""A Firefox and two Chromium in one call: encryption by `RTCRtpScriptTransform` meets encoded streams."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright, expect

from tests.e2e import firefox
from tests.e2e.company import Company
from tests.e2e.house import House
from tests.e2e.in_call import children, decode, join, perceive, tile, to_call, told, watched
from tests.e2e.person import PASSPHRASE, Person
from tests.waiting import until

TITLE = "Friday circle"
# The camera is sent in each of the three sizes.
LAYERS = """async () => {
  const found = [...(await globalThis.peers.at(-1).getStats()).values()];
  const camera = found.filter(({ type, mid }) => type === "outbound-rtp" && mid === "1");
  return camera.filter(({ framesSent }) => framesSent > 3).map(({ rid }) => rid).sort().join() === "h,l,m";
}"""
CIPHER = """async () => {
  const found = [...(await globalThis.peers.at(-1).getStats()).values()];
  return found.find(({ type }) => type === "transport").srtpCipher;
}"""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, client: Path) -> Iterator[House]:
    if firefox.find() is None:
        pytest.skip(f"there is no {firefox.PROGRAM} here; install it: sudo apt install {firefox.PROGRAM}")
    address = firefox.own_address()
    if address is None:
        pytest.skip("this machine has loopback addresses alone, and Firefox does no ICE over those")
    server = House(tmp_path_factory.mktemp("house"), client, media_workers="1", media_host=address)
    server.start()
    yield server
    server.close()


@pytest.fixture(scope="module")
def fox(house: House, playwright: Playwright) -> Iterator[Browser]:
    with firefox.firefox(playwright) as browser:
        yield browser


Three = tuple[Person, Person, Person]


@pytest.fixture(scope="module")
def three(company: Company, fox: Browser) -> Three:
    """Ben has the Firefox."""
    ada = watched(company, "Ada")
    ada.sign_up(company.house.founder_link())
    ada.start_group(TITLE)
    ben = firefox.watched(company, fox, "Ben")
    ben.sign_up(ada.invite(), PASSPHRASE)
    cleo = watched(company, "Cleo")
    cleo.sign_up(ada.invite())
    for other in (ben, cleo):
        other.in_group(TITLE)
    ada.hide_people()
    return ada, ben, cleo


def test_firefox_and_chromium_see_and_hear_each_other(three: Three) -> None:
    for person in three:
        to_call(person)
        join(person)
    decode(*three)
    ada, ben, cleo = three
    for viewer, shown in ((ada, "Ben"), (ben, "Ada"), (ben, "Cleo"), (cleo, "Ben")):
        expect(tile(viewer, shown).locator("video")).to_be_visible()
    until(ben.page, LAYERS)
    assert [one.page.evaluate(CIPHER) for one in three] == ["SRTP_AEAD_AES_256_GCM"] * 3


@pytest.mark.soak
def test_what_firefox_does_is_seen_in_chromium(three: Three) -> None:
    ada, ben, cleo = three
    ben.button("Turn your camera off").click()
    expect(tile(ada, "Ben").locator("video")).to_have_count(0)
    ben.button("Share your screen").click()
    told(cleo, "Ben shares a screen.")
    for viewer in (ada, cleo):
        screen = viewer.page.get_by_role("figure", name="Ben’s screen").locator("video")
        screen.evaluate("(video) => new Promise((done) => video.requestVideoFrameCallback(() => done()))")
    ben.button("Stop sharing your screen").first.click()
    ben.button("Turn your camera on").click()
    decode(*three)


def test_firefox_comes_back_when_the_unit_dies_and_goes_on_with_new_keys(three: Three, house: House) -> None:
    ada, ben, cleo = three
    (unit,) = children(house)
    os.kill(unit, signal.SIGKILL)
    decode(*three)
    ada.page.get_by_role("link", name="Back to the group").click()
    ada.remove_member("Cleo")
    cleo.see("You are not in this call any more")
    expect(tile(ben, "Cleo")).to_have_count(0)
    perceive({ada: (0, 1), ben: (1, 1)})


def test_a_removed_firefox_decodes_nothing_more(three: Three) -> None:
    ada, ben, _ = three
    ada.remove_member("Ben")
    ben.see("You are not in this call any more")
    assert ben.page.evaluate("received()") == {}
