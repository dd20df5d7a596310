"""Calls through the interface, the server and its media unit: who is in one decodes the others.

One evening of three people: each test goes on where the one before ended.
"""

import os
import re
import signal

import pytest
from playwright.sync_api import expect

from tests.e2e.company import Company
from tests.e2e.house import House
from tests.e2e.in_call import (
    RECONNECTING,
    children,
    decode,
    join,
    perceive,
    reconnected,
    tile,
    to_call,
    told,
    watched,
)
from tests.e2e.person import LONG_MS, Person

TITLE = "Thursday circle"


@pytest.fixture(scope="module")
def house(media_house: House) -> House:
    return media_house


@pytest.fixture(scope="module")
def three(company: Company) -> tuple[Person, Person, Person]:
    ada, ben, cleo = (watched(company, name) for name in ("Ada", "Ben", "Cleo"))
    company.gather(TITLE, ada, ben, cleo)
    return ada, ben, cleo


Three = tuple[Person, Person, Person]


def test_two_see_and_hear_each_other(three: Three) -> None:
    ada, ben, _ = three
    to_call(ada)
    ada.see("Nobody is in the call yet.")
    join(ada)
    to_call(ben)
    ben.see("In the call now: Ada")
    join(ben)
    told(ada, "Ben came into the call.")
    decode(ada, ben)
    expect(tile(ada, "Ben").locator("video")).to_be_visible()
    # Its marks come and go with the beeps of the browser's own microphone.
    expect(tile(ben, "Ada").locator(".speaking")).to_be_visible()


def test_what_one_does_is_seen_by_the_others(three: Three) -> None:
    ada, ben, _ = three
    ben.button("Turn your microphone off").click()
    expect(tile(ada, "Ben")).to_contain_text("microphone off")
    ben.button("Turn your camera off").click()
    expect(tile(ada, "Ben").locator("video")).to_have_count(0)
    ben.button("Raise your hand").click()
    told(ada, "Ben raised a hand.")
    expect(tile(ada, "Ben")).to_contain_text("hand raised, number 1")
    ada.see("Hands raised, in order: Ben")
    ben.button("Lower your hand").click()
    expect(tile(ada, "Ben")).not_to_contain_text("hand raised")
    ben.button("React with an emoji").click()
    ben.button("Applause").click()
    expect(tile(ada, "Ben")).to_contain_text("👏")
    ben.button("Turn your microphone on").click()
    expect(tile(ada, "Ben")).not_to_contain_text("microphone off")
    ben.button("Turn your camera on").click()
    expect(tile(ada, "Ben").locator("video")).to_be_visible()
    decode(ada, ben)


def test_a_screen_is_shown_large_and_taken_back(three: Three) -> None:
    ada, ben, _ = three
    ada.button("Share your screen").click()
    ada.see("You are sharing your screen.")
    told(ben, "Ada shares a screen.")
    screen = ben.page.get_by_role("figure", name="Ada’s screen")
    expect(screen.locator("video")).to_be_visible()
    screen.locator("video").evaluate(
        "(video) => new Promise((done) => video.requestVideoFrameCallback(() => done(video.videoWidth)))"
    )
    ada.button("Stop sharing your screen").first.click()
    expect(screen).to_have_count(0)


def test_what_breaks_comes_back(three: Three, house: House) -> None:
    ada, ben, _ = three
    with ben.offline():
        ben.see(RECONNECTING)
        expect(tile(ada, "Ben").locator("video")).to_be_visible()
    reconnected(ben)
    decode(ada, ben)
    (unit,) = children(house)
    os.kill(unit, signal.SIGKILL)
    decode(ada, ben)


def test_a_third_comes_and_all_compare_the_code(three: Three) -> None:
    ada, ben, cleo = three
    to_call(cleo)
    join(cleo)
    told(ben, "Cleo came into the call.")
    decode(ada, ben, cleo)
    code = "The group’s code"
    for one in (ada, ben):
        one.button("More").click()
        one.button("Compare the group’s code…").click()
    lists = [one.page.get_by_role("list", name=code).get_by_role("listitem") for one in (ada, ben)]
    for shown in lists:
        expect(shown).to_have_count(6, timeout=LONG_MS)
    assert lists[0].all_inner_texts() == lists[1].all_inner_texts()
    ada.button("Everyone read the same").click()
    ada.see("Compared. Everybody who is in the group now has a mark")
    for one in (ada, ben):
        one.button("Close").last.click()
    expect(tile(ada, "Cleo")).to_contain_text("compared with the group’s code")
    expect(tile(ben, "Cleo")).not_to_contain_text("compared with the group’s code")


def test_it_goes_on_while_one_looks_elsewhere_and_writes(three: Three) -> None:
    ada, ben, cleo = three
    ben.button("Messages of the group").click()
    ben.say("The paper that I meant is on my shelf")
    ada.page.get_by_role("link", name="Back to the group").click()
    ada.reads("The paper that I meant is on my shelf")
    # She hears both; for pictures that she does not see nothing is sent.
    perceive({ada: (0, 2), ben: (2, 2), cleo: (2, 2)})
    ada.page.get_by_role("link", name="Back to the call").click()
    expect(tile(ada, "Cleo")).to_be_visible()
    ben.button("Close the messages").click()
    decode(ada, ben, cleo)


def test_another_tab_takes_over(three: Three) -> None:
    ada, ben, cleo = three
    other = ben.second_tab()
    other.see("You are in this call in another tab")
    other.button("Bring the call here").click()
    expect(other.button("Leave the call")).to_be_visible()
    ben.see("The call goes on somewhere else")
    decode(ada, other, cleo)
    other.page.close()
    told(ada, "Ben left the call.")
    ben.button("Come in again").click()
    join(ben)
    decode(ada, ben, cleo)


def test_whoever_is_removed_is_told_so_and_decodes_nothing_more(three: Three) -> None:
    ada, ben, cleo = three
    ada.page.get_by_role("link", name="Back to the group").click()
    ada.remove_member("Cleo")
    cleo.see("You are not in this call any more")
    cleo.see("You were removed from the group")
    assert cleo.page.evaluate("received()") == {}
    expect(tile(ben, "Cleo")).to_have_count(0)
    perceive({ada: (0, 1), ben: (1, 1)})
    ada.page.get_by_role("link", name="Back to the call").click()
    decode(ada, ben)
    # Her way back is the group's page, and there is none into the call from there.
    cleo.page.get_by_role("link", name="Back to the group").click()
    cleo.see("You were removed from this group")
    expect(cleo.page.get_by_role("link", name=re.compile("group’s call|Join the call"))).to_have_count(0)


def test_a_reload_comes_back(three: Three) -> None:
    ada, ben, _ = three
    ben.reload()
    join(ben)
    decode(ada, ben)


def test_a_whole_call_by_the_keyboard_alone(three: Three) -> None:
    ada, ben, _ = three
    ben.button("Leave the call").click()
    ben.see("You left the call")
    keys = ben.page.keyboard
    ben.tab_to(ben.page.get_by_role("link", name="Back to the group"))
    keys.press("Enter")
    ben.tab_to(ben.page.get_by_role("link", name="Join the call: 1 person is in it"))
    keys.press("Enter")
    ben.tab_to(ben.button("Turn the microphone off"))
    keys.press("Space")
    ben.tab_to(ben.button("Join the call"))
    keys.press("Enter")
    expect(ben.button("Leave the call")).to_be_visible()
    keys.press("m")
    expect(tile(ada, "Ben")).not_to_contain_text("microphone off")
    keys.press("m")
    expect(tile(ada, "Ben")).to_contain_text("microphone off")
    keys.down(" ")
    ben.see("You are heard while you hold the space bar.")
    expect(tile(ada, "Ben")).not_to_contain_text("microphone off")
    keys.up(" ")
    expect(tile(ada, "Ben")).to_contain_text("microphone off")
    keys.press("h")
    expect(tile(ada, "Ben")).to_contain_text("hand raised, number 1")
    keys.press("?")
    expect(ben.heading("Keyboard")).to_be_visible()
    keys.press("Escape")
    expect(ben.heading("Keyboard")).to_have_count(0)
    keys.press("c")
    ben.tab_to(ben.composer)
    keys.type("m and h are letters here")
    keys.press("Enter")
    ben.reads("m and h are letters here")
    keys.press("Escape")
    expect(ben.composer).to_have_count(0)
    ben.tab_to(ben.button("Leave the call"))
    keys.press("Enter")
    ben.see("You left the call")
    told(ada, "Ben left the call.")
