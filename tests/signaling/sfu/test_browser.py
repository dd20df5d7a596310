"""Two Chromium pages in one room of the real unit, over loopback: each sees and hears the other."""

import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from signaling.sfu.control import Close, Connected, Lost, Restart
from tests.conftest import SOAK
from tests.signaling.sfu.driver import driven
from tests.signaling.sfu.network import Network
from tests.signaling.sfu.page import Member, chromium, hear, see, until


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


def test_two_pages_see_and_hear_each_other(browser: Browser) -> None:
    with driven() as driver:
        members = [Member(driver, browser, name, ("0", "1")) for name in (b"a", b"b")]
        until(driver, members, lambda: all(one.heard(Connected) for one in members))
        see(driver, members)
        hear(driver, members)
        first = members[0]
        for member in members:
            assert member.page.evaluate("path()")["srtp"] == "SRTP_AEAD_AES_256_GCM"
            assert sorted(one["kind"] for one in member.stats().values()) == ["audio", "video"]

        # One restarts ICE: new credentials, and media goes on.
        before = len(first.offers())
        driver.send(Restart(session=first.session))
        until(driver, members, lambda: len(first.offers()) > before and first.answered == len(first.offers()))
        hear(driver, members)
        assert not first.heard(Lost)

        # A page closes its connection: the unit is told by DTLS; the other is offered what is left.
        before = len(first.offers())
        members[1].page.evaluate("pc.close()")
        until(driver, members, lambda: members[1].heard(Lost) == 1)
        until(driver, members, lambda: len(first.offers()) > before)
        assert first.offers()[-1].streams == []
        driver.send(Close(session=first.session, code="left"))
        until(driver, members, lambda: first.page.evaluate("path()")["dtls"] == "closed")


def test_media_goes_on_when_the_clients_address_changes(browser: Browser) -> None:
    """No restart, no new offer: the unit follows the client's own checks.

    On a busy machine the forwarder may leave the picture out for a while; a voice it never leaves out.
    """
    with driven() as driver, Network(("127.0.0.1", driver.hello.port)) as network:
        members = [Member(driver, browser, name, ("0", "1")) for name in (b"a", b"b")]
        members[0].changed = lambda sdp: sdp.replace(str(driver.hello.port), str(network.port))
        see(driver, members)
        offers = len(members[0].offers())
        begun = time.monotonic()
        network.change()
        until(driver, members, lambda: network.changes == 1)
        hear(driver, members)
        print(f"another address: heard again after {time.monotonic() - begun:.1f} s")
        if SOAK:
            see(driver, members)
            print(f"another address: seen again after {time.monotonic() - begun:.1f} s")
        assert len(members[0].offers()) == offers
        assert not members[0].heard(Lost)
