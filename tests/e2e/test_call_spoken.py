"""A call by ear: what a screen reader says of it, once each and in its turn, and what it finds to press."""

import pytest
from playwright.sync_api import expect

from tests.e2e.company import Company
from tests.e2e.house import House
from tests.e2e.in_call import decode, join, to_call, watched
from tests.e2e.listening import AT_ONCE, LISTEN, POLITE, Ear, controls
from tests.e2e.person import LONG_MS, Person
from tests.e2e.test_axe import looks_right

TITLE = "Monday readers"

Pair = tuple[Person, Person]


@pytest.fixture(scope="module")
def house(media_house: House) -> House:
    return media_house


@pytest.fixture(scope="module")
def pair(company: Company) -> Pair:
    ada, ben = watched(company, "Ada"), watched(company, "Ben")
    ada.context.add_init_script(LISTEN)
    company.gather(TITLE, ada, ben)
    return ada, ben


@pytest.fixture
def ear(pair: Pair) -> Ear:
    listening = Ear(pair[0].page)
    listening.forget()
    return listening


def test_two_who_begin_at_the_same_moment_are_in_one_call(pair: Pair, ear: Ear) -> None:
    ada, ben = pair
    for person in pair:
        to_call(person)
        person.see("Nobody is in the call yet.")
    looks_right(ada, "before a call")
    for person in pair:
        person.button("Start the call").evaluate("(button) => setTimeout(() => button.click(), 100)")
    for person in pair:
        expect(person.button("Leave the call")).to_be_visible()
    decode(ada, ben, patience_ms=LONG_MS)
    ear.hears(POLITE, "You are in the call.")
    assert ear.times("You are in the call.") == 1
    # Ben was there already, or came: one of the two is said.
    ear.hears(POLITE, "Ben")
    assert ear.times("In the call now: Ben") + ear.times("Ben came into the call.") == 1


def test_what_the_other_does_is_said_once_by_name(pair: Pair, ear: Ear) -> None:
    ada, ben = pair
    said = ["Ben raised a hand.", "Ben lowered the hand.", "Ben shares a screen.", "Ben stopped sharing."]
    ben.button("Raise your hand").click()
    ear.hears(POLITE, said[0])
    ben.button("Lower your hand").click()
    ear.hears(POLITE, said[1])
    ben.button("Share your screen").click()
    ear.hears(POLITE, said[2])
    ben.button("Stop sharing your screen").first.click()
    ear.hears(POLITE, said[3])
    ben.button("Leave the call").click()
    ear.hears(POLITE, "Ben left the call.")
    ben.button("Come in again").click()
    join(ben)
    ear.hears(POLITE, "Ben came into the call.")
    said += ["Ben left the call.", "Ben came into the call."]
    assert [text for text in said if ear.times(text) != 1] == []
    assert {manner for manner, _ in ear.all()} == {POLITE}
    decode(ada, ben, patience_ms=LONG_MS)


def test_what_a_person_does_themselves_is_said_once(pair: Pair, ear: Ear) -> None:
    ada, _ = pair
    keys = ada.page.keyboard
    steps = [
        ("m", "Your microphone is off."),
        ("m", "Your microphone is on."),
        ("v", "Your camera is off."),
        ("v", "Your camera is on."),
        ("h", "Your hand is raised."),
        ("h", "Your hand is lowered."),
    ]
    ada.heading(TITLE).focus()
    for key, text in steps:
        keys.press(key)
        ear.hears(POLITE, text)
    assert [text for _, text in steps if ear.times(text) != 1] == []


def test_what_is_pressed_has_a_name_that_says_how_it_is(pair: Pair) -> None:
    ada, _ = pair
    found = controls(ada.page)
    assert [one for one in found if one.name == ""] == []
    names = [one.name for one in found]
    toggles = [
        ("Turn your microphone off", "Turn your microphone on", "m"),
        ("Turn your camera off", "Turn your camera on", "v"),
        ("Raise your hand", "Lower your hand", "h"),
    ]
    for on, off, key in toggles:
        assert (names.count(on), names.count(off)) == (1, 0)
        ada.page.keyboard.press(key)
        expect(ada.button(off)).to_be_visible()
        after = [one.name for one in controls(ada.page)]
        assert (after.count(on), after.count(off)) == (0, 1)
        ada.page.keyboard.press(key)
        expect(ada.button(on)).to_be_visible()
    for opens in ("Messages of the group", "More", "React with an emoji"):
        (one,) = [one for one in found if one.name == opens]
        assert one.state["expanded"] is False
    ada.button("More").click()
    (more,) = [one for one in controls(ada.page) if one.name == "More"]
    assert more.state["expanded"] is True
    ada.page.keyboard.press("Escape")


def test_the_stage_as_axe_sees_it(pair: Pair, ear: Ear) -> None:
    ada, ben = pair
    looks_right(ada, "a call of two")
    ben.button("Leave the call").click()
    ada.see("You are the only one here.")
    looks_right(ada, "a call of one")
    ben.button("Come in again").click()
    join(ben)
    ear.hears(POLITE, "Ben came into the call.")


def test_a_way_that_breaks_is_said_once_and_that_it_is_back(pair: Pair, ear: Ear) -> None:
    ada, ben = pair
    with ada.offline():
        ear.hears(POLITE, "Reconnecting… Stay here, it goes on by itself.")
    ear.hears(POLITE, "The connection is back.")
    decode(ada, ben, patience_ms=LONG_MS)
    assert ear.times("Reconnecting…") == 1
    assert ear.times("The connection is back.") == 1
    assert ear.times("left the call") == 0


def test_the_end_of_a_call_is_said_wherever_the_person_is(pair: Pair, ear: Ear) -> None:
    ada, ben = pair
    ada.page.get_by_role("link", name="Back to the group").click()
    ada.in_group(TITLE)
    other = ada.second_tab()
    to_call(other)
    other.button("Bring the call here").click()
    expect(other.button("Leave the call")).to_be_visible()
    ear.hears(POLITE, "The call goes on somewhere else")
    assert ear.times("The call goes on somewhere else") == 1
    other.button("Leave the call").click()
    # On its own page the heading has the focus, and is read for that.
    expect(other.heading("You left the call")).to_be_focused()
    other.page.close()
    ben.button("Leave the call").click()
    expect(ben.heading("You left the call")).to_be_focused()
    assert {manner for manner, _ in ear.all()} <= {POLITE, AT_ONCE}
