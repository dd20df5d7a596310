"""Writing to each other: what messages can be, how honestly they are marked, and what never leaves."""

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.company import Company
from tests.e2e.person import NETWORK_NOISE, PASSPHRASE, Person

TITLE = "Thursday group"
DAY_MS = 24 * 3600 * 1000


@pytest.fixture(scope="module")
def trio(company: Company) -> tuple[Person, Person, Person]:
    """Ada by passkey, Ben on a phone by passkey, Cleo without PRF by passphrase; all in one group."""
    ada = company.founder("Ada", TITLE)
    ben = company.join(ada, TITLE, "Ben", phone=True)
    cleo = company.person("Cleo", prf=False)
    cleo.sign_up(ada.invite(), PASSPHRASE)
    cleo.in_group(TITLE)
    return ada, ben, cleo


Trio = tuple[Person, Person, Person]


def test_markdown_is_shown_and_raw_html_is_only_text(trio: Trio) -> None:
    ada, ben, _ = trio
    ada.say("**firm** and *soft*\n\n- one\n- two\n\n`exactly`\n\n> quoted\n\n<img src=x onerror=alert(1)>")
    post = ben.post("firm")
    for selector in ("strong", "em", "li", "code", "blockquote"):
        expect(post.locator(selector).first).to_be_visible()
    expect(post.locator("img")).to_have_count(0)
    expect(post.get_by_text("<img src=x onerror=alert(1)>")).to_be_visible()


def test_reply_quotes_what_it_answers(trio: Trio) -> None:
    ada, ben, cleo = trio
    ada.say("Who has time on Friday?")
    ben.reads("Who has time on Friday?")
    ben.act("Who has time on Friday?", "Reply")
    ben.say("I have.")
    for person in (ada, cleo):
        person.reads("I have.")
        expect(person.post("I have.")).to_contain_text("Who has time on Friday?")


def test_an_edit_replaces_the_text_and_says_so(trio: Trio) -> None:
    ada, ben, cleo = trio
    cleo.say("At fife.")
    ada.reads("At fife.")
    cleo.act("At fife.", "Edit")
    cleo.composer.fill("At five.")
    cleo.send()
    for person in (ada, ben, cleo):
        person.reads("At five.")
        person.reads_not("At fife.")
        expect(person.post("At five.")).to_contain_text("edited")


def test_a_deleted_message_is_gone_for_everyone(trio: Trio) -> None:
    ada, ben, cleo = trio
    ada.say("Sent by mistake")
    for person in (ben, cleo):
        person.reads("Sent by mistake")
    ada.act("Sent by mistake", "Delete")
    ada.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    for person in trio:
        person.reads_not("Sent by mistake")
        person.see("This message was deleted.")


def test_a_reaction_is_seen_by_all_and_can_be_taken_back(trio: Trio) -> None:
    ada, ben, cleo = trio
    ada.say("Room 4 is booked.")
    cleo.reads("Room 4 is booked.")
    cleo.react("Room 4 is booked.", "👍")
    for person in trio:
        expect(person.reaction("Room 4 is booked.", "👍")).to_be_visible()
    ben.reaction("Room 4 is booked.", "👍").click()
    both = re.compile("Cleo and Ben|Ben and Cleo")
    for person in trio:  # whoever takes it back has it before them
        expect(person.reaction("Room 4 is booked.", "👍")).to_have_accessible_name(both)
    ben.reaction("Room 4 is booked.", "👍").click()
    expect(cleo.reaction("Room 4 is booked.", "👍")).not_to_have_accessible_name(both)
    cleo.reaction("Room 4 is booked.", "👍").click()
    for person in trio:
        expect(person.reaction("Room 4 is booked.", "👍")).to_have_count(0)


def test_who_is_writing_and_who_is_here_is_shown(company: Company, trio: Trio) -> None:
    ada, ben, cleo = trio
    ben.composer.press_sequentially("I am think")
    ada.see("Ben is writing…")
    cleo.see("Ben is writing…")
    ben.composer.fill("")
    ada.show_people()
    expect(ada.member("Ben")).to_contain_text("Here now")
    with ben.offline():
        ada.move_clock(2 * 60_000)  # so long nobody has heard of Ben
        expect(ada.member("Ben")).to_contain_text("Not here now")
    ada.move_clock(0)
    expect(ada.member("Ben")).to_contain_text("Here now")


def test_a_message_shows_at_once_and_says_how_far_it_came(trio: Trio) -> None:
    ada, ben, cleo = trio
    with ada.offline():
        ada.see("Offline")
        ada.say("Written in a tunnel")
        ada.reads("Written in a tunnel", timeout=1_000)
        ada.delivery("Written in a tunnel", "Waiting to be sent")
        ben.reads_not("Written in a tunnel")
        ben.close_laptop()
        cleo.close_laptop()
    ada.delivery("Written in a tunnel", "On the server, encrypted")
    ben.open_laptop()
    cleo.open_laptop(PASSPHRASE)
    for person in (ben, cleo):
        person.in_group(TITLE)
        person.reads("Written in a tunnel")
    ada.delivery("Written in a tunnel", "Delivered to the others’ devices")


def test_links_and_pictures_load_nothing_and_tell_nobody_where_they_were_read(trio: Trio) -> None:
    ada, ben, cleo = trio
    ada.say("A [paper](http://journal.example/paper) and ![a figure](https://tracker.example/pixel.png)")
    link = ben.post("A paper").get_by_role("link", name=re.compile("paper"))
    expect(link).to_have_attribute("href", "http://journal.example/paper")
    expect(link).to_have_attribute("rel", re.compile("noopener.*noreferrer|noreferrer.*noopener"))
    cleo.reads("A paper")
    for person in trio:
        # Through the relay goes everything that the browser asks for, whatever asks.
        assert person.relay.strangers == []

    ben.allow(NETWORK_NOISE)
    with ben.context.expect_page() as opened:
        link.click()
    opened.value.wait_for_url("chrome-error://chromewebdata/")
    opened.value.close()
    (asked,) = {(one.authority, one.path, one.headers) for one in ben.relay.strangers}
    assert asked[:2] == ("journal.example", "/paper")
    assert "referer" not in dict(asked[2])
    ben.relay.asked.clear()


def test_several_groups_stay_apart_and_say_what_is_unread(trio: Trio) -> None:
    ada, ben, _ = trio
    home = ben.at
    ada.to_groups()
    ada.start_group("Supervision of two")
    ben.accept(ada.invite())
    ben.in_group("Supervision of two")
    ada.say("Only for the two of us")
    ben.reads("Only for the two of us")
    ben.to_groups()
    expect(ben.group(TITLE)).to_be_visible()
    ada.say("One more")
    ada.say("And another")
    expect(ben.group("Supervision of two")).to_contain_text("2 unread messages")
    ben.choose("Supervision of two")
    expect(ben.page.get_by_text("New", exact=True).first).to_be_visible()
    ben.reads("And another")
    ben.to_groups()
    expect(ben.group("Supervision of two")).not_to_contain_text("unread")
    ben.choose(TITLE)
    ben.reads_not("Only for the two of us")
    assert ben.at == home
    ada.choose(TITLE)


def test_days_are_separated_in_the_readers_own_zone(company: Company, trio: Trio) -> None:
    ada, ben, _ = trio
    ben.context.clock.install()  # from the next page on its timers follow the clock that the test moves
    ben.reload()
    ben.in_group(TITLE)
    ada.say("Said on the first day")
    ben.reads("Said on the first day")
    for person in trio:
        person.allow(NETWORK_NOISE)
    company.house.restart(clock_ms=DAY_MS)
    ben.context.clock.fast_forward(DAY_MS)
    for person in (ada, ben):
        person.move_clock(DAY_MS)
        person.is_locked()  # a day without use
        person.unlock()
        person.in_group(TITLE)
    ada.say("Said on the second day")
    ben.reads("Said on the second day")
    expect(ben.page.get_by_role("heading", name="Today", exact=True)).to_be_visible()
    # What is far above is not on the page until somebody looks.
    ben.post("Said on the second day").last.hover()
    ben.page.mouse.wheel(0, -300)
    expect(ben.page.get_by_role("heading", name="Yesterday", exact=True)).to_be_visible()
