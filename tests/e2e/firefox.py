"""Debian's Firefox as it comes, driven by WebDriver BiDi, as Playwright does with one that is not its own.

Of what has to do with calls nothing is changed but where camera and microphone come from. It does no ICE over
loopback addresses, so the media unit must be met at another address of this machine. Over BiDi it has no
authenticator: its people take a passphrase.
"""

import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import psutil  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Playwright

from tests.e2e.company import DESKTOP, READER, Company
from tests.e2e.in_call import WATCH
from tests.e2e.person import LONG_MS, Person

PROGRAM = "firefox-esr"
DEVICES: dict[str, str | float | bool] = {
    "media.navigator.streams.fake": True,
    "media.navigator.permission.disabled": True,
    "media.autoplay.default": 0,
    # The relay in front of the server is asked also for localhost.
    "network.proxy.allow_hijacking_localhost": True,
}


def find() -> str | None:
    return shutil.which(PROGRAM)


def own_address() -> str | None:
    """An address of this machine that is not loopback. What is sent to it does not leave the machine."""
    up = {name for name, one in psutil.net_if_stats().items() if one.isup}
    found = (
        one.address
        for name, addresses in psutil.net_if_addrs().items()
        if name in up
        for one in addresses
        if one.family == socket.AF_INET and not one.address.startswith("127.")
    )
    return next(found, None)


@contextmanager
def firefox(playwright: Playwright) -> Iterator[Browser]:
    browser = playwright.firefox.launch(
        executable_path=find(), channel="moz-firefox", firefox_user_prefs=DEVICES, timeout=LONG_MS
    )
    yield browser
    browser.close()


def watched(company: Company, browser: Browser, name: str) -> Person:
    """Somebody at this Firefox, whose page tells what it decodes."""
    relay = company.relay()
    context = browser.new_context(
        proxy={"server": f"http://127.0.0.1:{relay.port}"},
        viewport=DESKTOP,  # type: ignore[arg-type]
        **READER,
    )
    context.add_init_script(WATCH)
    return company.welcome(Person(name, context, relay, None, None))
