"""A device that locks, opens with one gesture or the recovery code, is lost, replaced, forgotten."""

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.company import Company
from tests.e2e.person import PASSPHRASE, Person

TITLE = "Balint group"
IDLE_MS = 10 * 60_000
NEW_PASSPHRASE = "copper meadow violin twelve"


@pytest.fixture(scope="module")
def pair(company: Company) -> tuple[Person, Person]:
    """Ada with a passkey, Ben with a passphrase."""
    ada = company.founder("Ada", TITLE)
    ben = company.person("Ben", prf=None)
    ben.sign_up(ada.invite(), PASSPHRASE)
    ben.in_group(TITLE)
    ada.say("Said before the lock")
    ben.reads("Said before the lock")
    return ada, ben


Pair = tuple[Person, Person]


def test_ten_idle_minutes_lock_the_device_and_one_gesture_opens_it(pair: Pair) -> None:
    ada, ben = pair
    ada.move_clock(IDLE_MS - 60_000)
    ada.passes_idle_checks()
    expect(ada.heading("Collegium is locked")).to_have_count(0)
    ada.move_clock(IDLE_MS + 60_000)
    ada.is_locked(timeout=60_000)
    ada.sees_not("Said before the lock")
    ben.say("Said while Ada was locked")
    ada.unlock()
    ada.in_group(TITLE)
    ada.reads("Said before the lock")
    ada.reads("Said while Ada was locked")


def test_locked_means_that_the_keys_are_gone(pair: Pair) -> None:
    """What lies in the browser's database is noise without them, and the screen holds nothing."""
    ada, _ = pair
    ada.lock()
    assert "Said before the lock" not in ada.page.content()
    stored = ada.page.evaluate(ROWS)
    assert stored, "nothing is stored"
    for row in stored:
        assert b"Said before the lock" not in bytes(row)
    ada.unlock()
    ada.in_group(TITLE)


def test_a_wrong_passphrase_is_said_plainly_and_the_right_one_opens(pair: Pair) -> None:
    _, ben = pair
    ben.lock()
    ben.unlock("quite another sentence")
    ben.see(re.compile("That does not open this device"))
    ben.is_locked()
    ben.unlock(PASSPHRASE)
    ben.in_group(TITLE)
    ben.reads("Said before the lock")


def test_a_forgotten_passphrase_is_answered_by_the_recovery_code(pair: Pair) -> None:
    ada, ben = pair
    ben.lock()
    ben.button("I can’t open it: use the recovery code").click()
    ben.page.get_by_label("Recovery code").fill("0000-" + ben.code[5:])
    ben.button("Continue").click()
    ben.see(re.compile("One of the characters is not right|This code belongs to another account"))
    ben.page.get_by_label("Recovery code").fill(ben.code.lower().replace("-", " "))
    ben.button("Continue").click()
    ben.choose_passphrase(NEW_PASSPHRASE)
    ben.in_group(TITLE)
    ben.reads("Said before the lock")
    ben.lock()
    ben.unlock(PASSPHRASE)
    ben.see(re.compile("That does not open this device"))
    ben.unlock(NEW_PASSPHRASE)
    ben.in_group(TITLE)
    ben.say("Open again")
    ada.reads("Open again")


def test_on_a_new_device_the_code_restores_the_identity_and_colleagues_let_it_in(
    company: Company, pair: Pair
) -> None:
    ada, ben = pair
    ada.close_laptop()
    new = company.person("Ben on a new device")
    new.open(company.house.origin)
    expect(new.heading("You need an invitation from a colleague")).to_be_visible()
    new.button("I have a recovery code").or_(
        new.page.get_by_role("link", name="I have a recovery code")
    ).click()
    new.page.get_by_label("Recovery code").fill(ben.code)
    new.button("Continue").click()
    new.protect()
    ada.open_laptop()
    ada.in_group(TITLE)
    new.open_group(TITLE)
    ada.say("Welcome back")
    new.reads("Welcome back")
    new.say("From my new device")
    ada.reads("From my new device")
    ben.reads("From my new device")
    ada.show_people()
    expect(ada.member("Ben")).to_contain_text("2 devices")


def test_a_forgotten_device_holds_nothing_any_more(company: Company, pair: Pair) -> None:
    ada, _ = pair
    eva = company.join(ada, TITLE, "Eva")
    eva.to_groups()
    eva.settings()
    eva.button("Forget this device…").click()
    eva.page.get_by_label("Type “forget” to confirm").fill("forget")
    eva.button("Delete everything here").click()
    expect(eva.heading("You need an invitation from a colleague")).to_be_visible()
    assert eva.page.evaluate(ROWS) == []


ROWS = """async () => {
  const db = await new Promise((resolve, reject) => {
    const opening = indexedDB.open("collegium");
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = () => reject(opening.error);
  });
  const rows = await new Promise((resolve) => {
    if (!db.objectStoreNames.contains("rows")) return resolve([]);
    const asking = db.transaction("rows").objectStore("rows").getAll();
    asking.onsuccess = () => resolve(asking.result);
  });
  db.close();
  return rows.map((row) => Array.from(row));
}"""
