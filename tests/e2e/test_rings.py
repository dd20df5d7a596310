"""The group is called and meets: what each sees and answers, in their own zone, and by keyboard alone."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.company import Company
from tests.e2e.person import Person
from tests.waiting import until

TITLE = "Intervision North"
WHY = "A session that frightens me, and the next one at three"
CALLS = re.compile("^A call: somebody needs the group")
BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
DASH = "\u2013"
MEETING = "Slow reading"
# The tabs of this browser that sound, and those that would.
BELL = """async () => {
  const { held, pending } = await navigator.locks.query();
  const bells = (locks) => locks.filter(({ name }) => name === "collegium-bell").length;
  return [bells(held), bells(pending)];
}"""

Trio = tuple[Person, Person, Person]


@pytest.fixture(scope="module")
def trio(company: Company) -> Trio:
    """Ada in Berlin, Ben on a phone, Cleo in New York."""
    ada = company.founder("Ada", TITLE)
    ben = company.join(ada, TITLE, "Ben", phone=True)
    cleo = company.join(ada, TITLE, "Cleo", timezone_id="America/New_York")
    ada.hide_people()
    return ada, ben, cleo


def dialog(person: Person) -> Locator:
    return person.page.get_by_role("dialog")


def calls(person: Person, why: str, urgency: str = "Now", yes: str = "Call now") -> None:
    person.button("Call the group").click()
    dialog(person).get_by_label("Why, in one line").fill(why)
    dialog(person).get_by_role("radio", name=re.compile(f"^{urgency}")).check()
    dialog(person).get_by_label("How many others do you need to begin?").select_option("2")
    dialog(person).get_by_role("button", name=yes).click()
    expect(dialog(person)).to_have_count(0)


def card(person: Person, heading: str) -> Locator:
    return person.page.get_by_role("article", name=heading)


def said_of(person: Person, heading: str, name: str) -> Locator:
    """What is known of one of those who are called."""
    return card(person, heading).get_by_role("listitem").filter(has_text=name)


def test_a_call_rings_with_its_reason_and_whoever_called_sees_each_answer(trio: Trio) -> None:
    ada, ben, cleo = trio
    calls(ada, WHY)
    for person in (ben, cleo):
        expect(dialog(person).get_by_role("heading", name="Ada calls the group")).to_be_visible()
        expect(dialog(person).get_by_text(WHY)).to_be_visible()
        expect(person.page).to_have_title(CALLS)
        expect(said_of(ada, "You called the group", person.name)).to_contain_text("has seen it")
    dialog(ben).get_by_role("button", name="In 5 min").click()
    expect(said_of(ada, "You called the group", "Ben")).to_contain_text(re.compile(r"comes in 5 minutes"))
    expect(dialog(ben)).to_have_count(0)
    expect(ben.page).not_to_have_title(CALLS)
    expect(card(ben, "Ada calls the group")).to_contain_text("You said that you come in")
    # A second answer takes the place of the first.
    card(ben, "Ada calls the group").get_by_role("button", name="Change your answer").click()
    card(ben, "Ada calls the group").get_by_role("button", name="I can’t").click()
    expect(said_of(ada, "You called the group", "Ben")).to_contain_text("can’t")
    dialog(cleo).get_by_role("button", name="At a time…").click()
    dialog(cleo).get_by_role("button", name="I come then").click()
    expect(dialog(cleo).get_by_text("Please enter a time")).to_be_visible()
    dialog(cleo).get_by_role("button", name="I can’t").click()
    expect(said_of(ada, "You called the group", "Cleo")).to_contain_text("can’t")


def test_nobody_can_and_it_goes_on_in_writing_with_the_same_words(trio: Trio) -> None:
    ada, ben, cleo = trio
    card(ada, "You called the group").get_by_role("button", name="Go on in writing").click()
    for person in trio:
        person.reads(WHY)
        expect(card(person, "You called the group")).to_have_count(0)
        expect(card(person, "Ada calls the group")).to_have_count(0)
    ben.reads(WHY)
    cleo.say("I read it. I answer tonight.")
    ada.reads("I read it. I answer tonight.")


def held(page: Page, wanted: list[int]) -> None:
    """So many tabs of this browser sound, and so many wait for that, sooner or later."""
    until(page, f"async () => String(await ({BELL})()) === '{','.join(map(str, wanted))}'")


def test_of_several_tabs_one_sounds_until_it_is_silenced_in_any(trio: Trio) -> None:
    ada, _, cleo = trio
    tab = cleo.second_tab()
    tab.in_group(TITLE)
    for person in (cleo, tab):
        person.composer.click()  # before somebody presses anything, browsers let no page sound
    calls(ada, "A call to be silenced")
    for person in (cleo, tab):
        expect(dialog(person).get_by_text("A call to be silenced")).to_be_visible()
    held(cleo.page, [1, 1])
    dialog(tab).get_by_role("button", name="Silence").click()
    for person in (cleo, tab):
        expect(dialog(person)).to_have_count(0)
        expect(card(person, "Ada calls the group").get_by_role("button", name="Join")).to_be_visible()
    held(cleo.page, [0, 0])
    tab.page.close()
    card(ada, "You called the group").get_by_role("button", name="Take the call back").click()
    dialog(ada).get_by_role("button", name="Take it back").click()
    for person in trio:
        expect(person.page.get_by_role("region", name="Open calls")).to_have_count(0)


def test_by_keyboard_alone_a_group_is_called_and_answers(trio: Trio) -> None:
    ada, ben, cleo = trio
    keys = ada.page.keyboard
    ada.tab_to(ada.button("Call the group"))
    keys.press("Enter")
    expect(dialog(ada).get_by_label("Why, in one line")).to_be_focused()
    keys.type("Written without a mouse")
    ada.tab_to(dialog(ada).get_by_role("radio", name=re.compile("^Now")))
    keys.press("ArrowDown")
    expect(dialog(ada).get_by_role("radio", name=re.compile("^Today"))).to_be_checked()
    keys.press("Enter")
    expect(dialog(ada)).to_have_count(0)
    expect(ada.button("Call the group")).to_be_focused()
    # Nothing rings for what can wait.
    expect(card(cleo, "Ada asks for a call")).to_contain_text("Written without a mouse")
    expect(dialog(cleo)).to_have_count(0)
    cleo.tab_to(card(cleo, "Ada asks for a call").get_by_role("button", name="I can’t"))
    cleo.page.keyboard.press("Enter")
    expect(said_of(ada, "You asked for a call", "Cleo")).to_contain_text("can’t")
    card(ben, "Ada asks for a call").get_by_role("button", name="I can’t").click()
    card(ada, "You asked for a call").get_by_role("button", name="Go on in writing").click()
    cleo.reads("Written without a mouse")


def tuesday() -> datetime:
    """18:00 in Berlin on a Tuesday, a week from now at the earliest."""
    day = datetime.now(BERLIN) + timedelta(days=8)
    day += timedelta(days=(1 - day.weekday()) % 7)
    return day.replace(hour=18, minute=0, second=0, microsecond=0)


def meetings(person: Person) -> Locator:
    """The list of this group's meetings."""
    person.button(re.compile("Meetings")).first.click()
    expect(dialog(person).get_by_role("heading", name=f"Meetings of “{TITLE}”")).to_be_visible()
    return dialog(person).get_by_role("article")


def test_a_series_is_seen_in_each_ones_zone_moved_called_off_and_answered(trio: Trio) -> None:
    ada, ben, cleo = trio
    first = tuesday()
    meetings(ada)
    ada.see("No meeting is planned")
    dialog(ada).get_by_role("button", name="Plan a meeting").click()
    dialog(ada).get_by_label("What is it called?").fill("")
    dialog(ada).get_by_label("Day").fill(f"{first:%Y-%m-%d}")
    dialog(ada).get_by_label("Begins at").fill("18:00")
    dialog(ada).get_by_label("Comes again").select_option(label="Every Tuesday")
    dialog(ada).get_by_label("Until when?").select_option(label="A number of times")
    dialog(ada).get_by_label("How many times?").fill("0")
    dialog(ada).get_by_role("button", name="Plan it").click()
    expect(dialog(ada).get_by_text("Please give it a title.")).to_be_visible()
    expect(dialog(ada).get_by_text("A number from 1 to 200, please.")).to_be_visible()
    expect(dialog(ada).get_by_label("What is it called?")).to_be_focused()
    dialog(ada).get_by_label("What is it called?").fill(MEETING)
    dialog(ada).get_by_label("How many times?").fill("3")
    expect(dialog(ada).get_by_text("So: Every Tuesday at 18:00, 3 times.")).to_be_visible()
    dialog(ada).get_by_role("button", name="Plan it").click()
    expect(dialog(ada).get_by_role("article")).to_have_count(3)

    seen = meetings(cleo)
    expect(seen).to_have_count(3)
    there = first.astimezone(NEW_YORK)
    expect(seen.first).to_contain_text(f"{there:%H:%M}{DASH}{there + timedelta(minutes=90):%H:%M}")
    expect(seen.first).to_contain_text(f"18:00{DASH}19:30 in Berlin")
    expect(seen.first).to_contain_text("Every Tuesday at 18:00, Berlin time, 3 times.")
    second = f"{(first + timedelta(days=7)).astimezone(NEW_YORK):%-d %B}"
    seen.filter(has_text=second).get_by_role("button", name="More about").click()
    seen.filter(has_text=second).get_by_role("button", name="Call off…").click()
    dialog(cleo).get_by_role("radio", name="Only this one").check()
    dialog(cleo).get_by_role("button", name="Call it off").click()
    for person in (ada, cleo):
        expect(dialog(person).get_by_role("article")).to_have_count(2)
    dialog(cleo).get_by_role("button", name="Undo").click()
    for person in (ada, cleo):
        expect(dialog(person).get_by_role("article")).to_have_count(3)

    dialog(cleo).get_by_role("article").first.get_by_label("Say so for the whole series").check()
    dialog(cleo).get_by_role("article").first.get_by_role("button", name="I come").click()
    expect(dialog(ada).get_by_role("article").first).to_contain_text("Come: Cleo")
    dialog(ada).get_by_role("article").first.get_by_role("button", name="Maybe").click()
    expect(dialog(cleo).get_by_role("article").first).to_contain_text("Maybe: Ada")
    expect(dialog(cleo).get_by_role("article").nth(2)).to_contain_text("I come")

    # All from the first on half an hour later, by Ada; her two others see it.
    dialog(ada).get_by_role("article").first.get_by_role("button", name="Move…").click()
    dialog(ada).get_by_role("radio", name="This one and all that follow").check()
    dialog(ada).get_by_label("Begins at").fill("18:30")
    dialog(ada).get_by_role("button", name="Move it").click()
    expect(dialog(cleo).get_by_role("article").nth(2)).to_contain_text(f"18:30{DASH}20:00 in Berlin")
    expect(dialog(cleo).get_by_role("article")).to_have_count(3)
    expect(dialog(cleo).get_by_role("article").nth(2)).to_contain_text("I come")
    for person in (ada, cleo):
        dialog(person).get_by_role("button", name="Close").first.click()
    expect(ben.button(re.compile("Next meeting: " + MEETING))).to_be_visible()


def test_the_calendar_file_names_nothing(trio: Trio) -> None:
    ada, _, _ = trio
    first = meetings(ada).first
    with ada.page.expect_download() as saved:
        first.get_by_role("button", name="Calendar file").click()
    text = Path(saved.value.path()).read_text()
    start = tuesday().replace(hour=18, minute=30)
    assert f"DTSTART;TZID=Europe/Berlin:{start:%Y%m%dT%H%M%S}" in text
    assert "RRULE:FREQ=WEEKLY" in text
    for name in (MEETING, TITLE, "Ada", "Ben", "Cleo", WHY):
        assert name not in text
    ada.see("Saved to your downloads.")
    dialog(ada).get_by_role("button", name="Close").first.click()


def test_ten_minutes_before_everyone_is_reminded(trio: Trio) -> None:
    ada, ben, _ = trio
    soon = datetime.now(UTC).astimezone(BERLIN).replace(second=0, microsecond=0) + timedelta(minutes=9)
    meetings(ada)
    dialog(ada).get_by_role("button", name="Plan a meeting").click()
    dialog(ada).get_by_label("What is it called?").fill("At once")
    dialog(ada).get_by_label("Day").fill(f"{soon:%Y-%m-%d}")
    dialog(ada).get_by_label("Begins at").fill(f"{soon:%H:%M}")
    dialog(ada).get_by_role("button", name="Plan it").click()
    for person in (ada, ben):
        notice = person.page.get_by_role("region", name="Notices", include_hidden=True)
        expect(notice).to_contain_text(re.compile("Begins in [6-9] minutes"))
        expect(notice).to_contain_text(f"“At once” in “{TITLE}”")
    ben.button("Not now").click()
    ben.sees_not(re.compile("Begins in"))
