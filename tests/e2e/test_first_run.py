"""From a link to a group: the founder, somebody without PRF, two invitations, the wait, all three in."""

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.company import Company
from tests.e2e.person import PASSPHRASE, Person

TITLE = "Peer consultation North"
WRAPS = """async () => {
  const db = await new Promise((resolve, reject) => {
    const opening = indexedDB.open("collegium");
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = () => reject(opening.error);
  });
  const keys = await new Promise((resolve) => {
    const asking = db.transaction("wraps").objectStore("wraps").getAllKeys();
    asking.onsuccess = () => resolve(asking.result);
  });
  db.close();
  return keys.sort();
}"""


@pytest.fixture(scope="module")
def ada(company: Company) -> Person:
    """The founder, by the link that the server printed, as far as the group."""
    ada = company.person("Ada")
    ada.open(company.house.printed_link())
    expect(ada.heading("Welcome. You are the first one here")).to_be_visible()
    ada.give_name()
    ada.protect()
    code = ada.keep_code()
    wrong = ["0000" if group != "0000" else "1111" for group in code.split("-")]
    ada.type_code_back(wrong)
    ada.see("This does not match your code. Compare it with your copy, group by group.")
    ada.type_code_back()
    ada.start_group(TITLE)
    return ada


def test_the_founder_protects_the_device_by_passkey_and_starts_a_group(ada: Person) -> None:
    assert ada.page.evaluate(WRAPS) == ["prf", "recovery"]
    # Nothing of the link stays in the address bar.
    assert "join" not in ada.page.url
    assert "#" not in ada.page.url


def test_a_name_is_asked_for_and_an_empty_one_is_refused(company: Company) -> None:
    eva = company.person("Eva")
    eva.open(company.house.founder_link())
    eva.button("Continue").click()
    eva.see("Please enter the name that your colleagues should see.")
    company.dismiss(eva)


def test_a_passkey_without_prf_leads_to_a_passphrase(company: Company, ada: Person) -> None:
    ben = company.person("Ben", prf=False)
    ben.open(ada.invite())
    expect(ben.heading("A colleague invites you to a consultation group")).to_be_visible()
    ben.give_name()
    ben.protect()
    ben.see(re.compile("This device made a passkey, but it can’t encrypt with it"))
    ben.page.get_by_label("Passphrase", exact=True).fill("short")
    ben.see("7 more characters.")
    ben.page.get_by_label("Passphrase", exact=True).fill("aaaaaaaaaaaaaaaa")
    ben.see(re.compile("Too easy to guess"))
    ben.choose_passphrase(PASSPHRASE)
    ben.keep_code()
    ben.type_code_back()
    ben.in_group(TITLE)
    assert ben.page.evaluate(WRAPS) == ["passphrase", "recovery"]
    company.dismiss(ben)


def test_who_is_invited_waits_on_a_friendly_page_and_is_let_in_without_a_reload(
    company: Company, ada: Person
) -> None:
    links = [ada.invite(), ada.invite()]
    assert len(set(links)) == 2
    ada.close_laptop()
    cleo, dan = company.person("Cleo"), company.person("Dan", phone=True)
    for person, link in zip((cleo, dan), links, strict=True):
        person.sign_up(link)
        expect(person.heading("Waiting to be let in")).to_be_visible()
        person.see(re.compile("You are in as soon as a device of one of the members is online"))
        person.page.evaluate("() => { window.sameDocument = true; }")

    ada.open_laptop()
    for person in (cleo, dan):
        person.in_group(TITLE)
        assert person.page.evaluate("() => window.sameDocument") is True
    ada.choose(TITLE)

    for person in (ada, cleo, dan):
        person.show_people()
        for name in ("Ada", "Cleo", "Dan"):
            expect(person.people.get_by_text(name, exact=True).first).to_be_visible()
    dan.hide_people()
    ada.say("Welcome, both of you.")
    cleo.reads("Welcome, both of you.")
    dan.reads("Welcome, both of you.")
    dan.say("Glad to be here.")
    ada.reads("Glad to be here.")
    cleo.reads("Glad to be here.")
