"""Removal by the founder, removal by the group, and leaving: who is out is told so and reads nothing more."""

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.company import Company
from tests.e2e.person import Person

TITLE = "Case conference"


@pytest.fixture
def four(company: Company) -> tuple[Person, Person, Person, Person]:
    ada = company.founder("Ada", TITLE)
    return (ada, *(company.join(ada, TITLE, name) for name in ("Ben", "Cleo", "Dan")))  # type: ignore[return-value]


Four = tuple[Person, Person, Person, Person]


def out(person: Person, *others: Person) -> None:
    """What is written from now on reaches this one neither on the screen nor on the wire."""
    person.see("You were removed from this group")
    expect(person.composer).to_have_count(0)
    # E20: the server serves both lists until another account than the Commit's author has sent.
    for number, other in enumerate(others[:2]):
        other.say(f"Still here, {number}")
        for reader in others:
            reader.reads(f"Still here, {number}")
    person.reads_not("Still here")
    before = len([frame for frame in person.relay.frames("down") if frame["t"] == "entry"])
    others[0].say("Between those who are here")
    for other in others:
        other.reads("Between those who are here")
    person.reads_not("Between those who are here")
    after = [frame for frame in person.relay.frames("down") if frame["t"] == "entry"]
    assert len(after) == before


def test_the_founder_removes_a_member(company: Company, four: Four) -> None:
    ada, ben, cleo, dan = four
    dan.say("I was here")
    ada.reads("I was here")
    ada.remove_member("Dan")
    out(dan, ada, ben, cleo)
    dan.reads("I was here")  # what was read stays readable
    for person in (ada, ben, cleo):
        person.see(re.compile("Dan was removed by Ada"))
    # Also not after a reload, which asks the server anew.
    dan.reload()
    dan.see("You were removed from this group")
    dan.reads_not("Between those who are here")
    # Nor by an invitation that was open before: a removal voids them.


def test_open_invitations_are_void_after_a_removal(company: Company, four: Four) -> None:
    ada, _, _, dan = four
    link = ada.invite()
    ada.remove_member("Dan")
    dan.see("You were removed from this group")
    eva = company.person("Eva")
    eva.allow("404")
    eva.open(link)
    eva.see("This invitation does not work any more")


def test_the_group_removes_a_member_when_enough_agree(company: Company, four: Four) -> None:
    ada, ben, cleo, dan = four
    ben.remove_member("Dan", "Propose the removal")
    for person in (ada, cleo):
        person.show_people()
        expect(person.people).to_contain_text("Remove Dan: 1 of 2 agreed")
    dan.say("I can still write")
    cleo.reads("I can still write")
    cleo.agree_to_remove("Dan")
    out(dan, ada, ben, cleo)


def test_a_proposal_can_be_withdrawn(four: Four) -> None:
    ada, ben, cleo, dan = four
    ben.remove_member("Dan", "Propose the removal")
    cleo.show_people()
    expect(cleo.people).to_contain_text("Remove Dan: 1 of 2 agreed")
    ben.show_people()
    ben.button("Withdraw the proposal to remove Dan").click()
    expect(cleo.people).not_to_contain_text("Remove Dan: 1 of 2 agreed")
    dan.say("Still here")
    ada.reads("Still here")


def test_a_member_leaves_and_the_others_go_on_without(four: Four) -> None:
    ada, ben, cleo, dan = four
    cleo.leave()
    cleo.see("You left this group")
    for person in (ada, ben, dan):
        person.see("Cleo left the group")
    ada.say("After Cleo left")
    for person in (ben, dan):
        person.reads("After Cleo left")
    cleo.reads_not("After Cleo left")
    assert not [
        frame
        for frame in cleo.relay.frames("down")
        if frame["t"] == "entry" and frame["kind"] == "commit" and frame["n"] > left_at(cleo)
    ]


def left_at(person: Person) -> int:
    """The position by which the server took this one off the list."""
    return int(max(frame["n"] for frame in person.relay.frames("down") if frame["t"] == "removed"))
