"""From opening a session to the first pictures of the others, over some joins of a real page."""

import time

import pytest

from signaling.sfu.control import Close
from tests.signaling.sfu.driver import driven
from tests.signaling.sfu.page import Member, chromium, see, until

JOINS = 12


@pytest.mark.soak
def test_how_long_a_join_takes() -> None:
    with chromium() as browser, driven() as driver:
        here = [Member(driver, browser, name, ("0", "1")) for name in (b"a", b"b")]
        see(driver, here)
        took = []
        for n in range(JOINS):
            begun = time.monotonic()
            new = Member(driver, browser, bytes([100 + n]), ())

            def seen(new: Member = new) -> bool:
                pictures = [one["frames"] for one in new.stats().values() if one["kind"] == "video"]
                return len(pictures) == len(here) and all(pictures)

            until(driver, [*here, new], seen)
            took.append(time.monotonic() - begun)
            driver.send(Close(session=new.session, code="left"))
            new.page.context.close()
        took.sort()
        print(f"{JOINS} joins: p50 {took[JOINS // 2]:.2f} s, p95 {took[int(JOINS * 0.95)]:.2f} s")
