"""Closed laptops, killed servers, cut networks, two tabs, reloads at bad moments: nobody loses anything."""

import re

import pytest
from playwright.sync_api import expect

from tests.conftest import SOAK
from tests.e2e.company import Company
from tests.e2e.person import NETWORK_NOISE, PASSPHRASE, Person

TITLE = "Monday round"
WHILE_AWAY, IN_A_ROW = 200, 20


@pytest.fixture(scope="module")
def trio(company: Company) -> tuple[Person, Person, Person]:
    ada = company.founder("Ada", TITLE)
    return ada, company.join(ada, TITLE, "Ben"), company.join(ada, TITLE, "Cleo")


Trio = tuple[Person, Person, Person]


def test_after_200_messages_a_closed_laptop_opens_and_has_them_all_in_order(trio: Trio) -> None:
    ada, ben, cleo = trio
    cleo.close_laptop()
    said = [f"message {number} of {WHILE_AWAY}" for number in range(1, WHILE_AWAY + 1)]
    for start in range(0, WHILE_AWAY, IN_A_ROW):
        speaker, listener = (ada, ben) if start // IN_A_ROW % 2 else (ben, ada)
        for text in said[start : start + IN_A_ROW]:
            speaker.say(text)
        listener.reads(text)  # before going on, so that the order is the one in which it was said
    cleo.open_laptop()
    cleo.in_group(TITLE)
    cleo.reads(said[-1])
    for person in trio:
        assert [text for text in person.transcript() if text.startswith("message ")] == said


def test_a_killed_server_comes_back_and_the_conversation_goes_on(company: Company, trio: Trio) -> None:
    for person in trio:
        person.allow(NETWORK_NOISE)
    said = []
    for round_ in range(20 if SOAK else 3):
        for person in trio:
            said.append(f"before kill {round_} by {person.name}")
            person.say(said[-1])
        company.house.kill()
        for person in trio:
            said.append(f"during kill {round_} by {person.name}")
            person.say(said[-1])
        company.house.start()
    for person in trio:
        person.has_read(said)
    transcripts = [[text for text in one.transcript() if " kill " in text] for one in trio]
    assert transcripts[0] == transcripts[1] == transcripts[2]
    assert sorted(transcripts[0]) == sorted(said)


def test_a_cut_network_heals_by_itself(trio: Trio) -> None:
    ada, ben, cleo = trio
    with ben.offline():
        ben.see("Offline")
        ada.say("While Ben is cut off")
        ben.say("Ben, into the void")
        ada.reads_not("Ben, into the void")
    for person in trio:
        person.reads("While Ben is cut off", timeout=60_000)
        person.reads("Ben, into the void", timeout=60_000)
    ben.sees_not("Offline")
    assert cleo.transcript()[-2:] == ada.transcript()[-2:] == ben.transcript()[-2:]


def test_a_connection_that_hangs_without_breaking_is_noticed(trio: Trio) -> None:
    ada, ben, _ = trio
    ben.allow(NETWORK_NOISE)
    ben.relay.stall()
    ada.say("Into a dead connection")
    ben.relay.drop()
    ben.relay.flow()
    ben.reads("Into a dead connection", timeout=60_000)


def test_two_tabs_share_one_engine(trio: Trio) -> None:
    ada, ben, _ = trio
    second = ada.second_tab()
    try:
        second.in_group(TITLE)  # open already: the first tab holds the key
        second.say("From the second tab")
        ada.say("From the first tab")
        for reader in (ada, second, ben):
            reader.reads("From the second tab")
            reader.reads("From the first tab")
        second.lock()
        ada.is_locked()
        ada.unlock()
        second.in_group(TITLE)
        ada.in_group(TITLE)
        ada.say("Both open again")
        second.reads("Both open again")
    finally:
        second.page.close()
    ada.say("The first tab alone")
    ben.reads("The first tab alone")


def test_a_reload_right_after_enter_loses_nothing(trio: Trio) -> None:
    ada, ben, cleo = trio
    said = []
    for number in range(3):
        said.append(f"reloaded {number}")
        ada.say(said[-1])
        ada.reload()
        ada.in_group(TITLE)
    for reader in (ada, ben, cleo):
        reader.reads(said[-1], timeout=60_000)
        assert [text for text in reader.transcript() if text.startswith("reloaded")] == said


def test_a_reload_in_the_middle_of_signing_up_goes_on_where_it_was(company: Company, trio: Trio) -> None:
    ada, *_ = trio
    link = ada.invite()
    dan = company.person("Dan", prf=None)
    dan.open(link)
    dan.give_name()
    dan.page.reload()  # nothing was made yet: the link is still good
    dan.give_name()
    dan.choose_passphrase(PASSPHRASE)
    first = dan.keep_code()
    dan.page.reload()  # the account exists; its code was not typed back
    dan.unlock(PASSPHRASE)
    assert dan.keep_code() == first
    dan.type_code_back()
    dan.in_group(TITLE)
    company.dismiss(dan)


def test_a_reload_while_waiting_to_be_let_in_still_ends_in_the_group(company: Company, trio: Trio) -> None:
    ada, ben, cleo = trio
    link = ada.invite()
    for person in trio:
        person.close_laptop()
    eva = company.person("Eva")
    eva.sign_up(link)
    expect(eva.heading("Waiting to be let in")).to_be_visible()
    eva.reload()
    expect(eva.heading("Waiting to be let in")).to_be_visible()
    eva.close_laptop()
    for person in trio:
        person.open_laptop()
        person.in_group(TITLE)
    eva.open_laptop()
    eva.open_group(TITLE)
    eva.say("In at last")
    ben.reads("In at last")
    cleo.reads("In at last")


def test_two_commits_at_once_both_come_true(trio: Trio) -> None:
    """Both are made against the same position; the one that loses is made again."""
    ada, ben, cleo = trio
    for person in (ada, ben):
        person.relay.stall()
    links = []
    for person in (ada, ben):
        person.show_people()
        person.button("Make an invitation link").click()
    for person in (ada, ben):
        person.relay.flow()
    for person in (ada, ben):
        field = person.page.get_by_role("textbox", name="Invitation link")
        expect(field).to_have_value(re.compile("/join#"))
        links.append(field.input_value())
        person.button("Done").click()
    assert len(set(links)) == 2
    stale = [frame for one in (ada, ben) for frame in one.relay.frames("down") if frame["t"] == "stale"]
    assert stale, "the two did not race"
    cleo.show_people()
    expect(cleo.people.get_by_text("Made by Ada")).to_be_visible()
    expect(cleo.people.get_by_text("Made by Ben")).to_be_visible()
    ada.say("After the race")
    cleo.reads("After the race")
