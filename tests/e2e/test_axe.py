"""Every view as axe sees it, light and dark, phone and desktop; and the road by keyboard alone."""

import os
import re
from pathlib import Path

from playwright.sync_api import expect

from tests.e2e.company import DESKTOP, PHONE, Company
from tests.e2e.person import Person
from tests.house_server import ROOT

TITLE = "Reading group"
AXE = ROOT / "web/node_modules/axe-core/axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# Where to put a picture of each view, for whoever wants to look at them.
PICTURED = Path(os.environ["COLLEGIUM_PICTURES"]) if "COLLEGIUM_PICTURES" in os.environ else None
LOOK = """async (tags) => {
  const { violations } = await axe.run(document, { runOnly: { type: "tag", values: tags } });
  return violations.map(({ id, nodes }) => [id, ...nodes.map((one) => one.html.slice(0, 200))]);
}"""


LOOKS = [(size, scheme) for size in (DESKTOP, PHONE) for scheme in ("light", "dark")]


def looks_right(person: Person, view: str) -> None:
    """axe finds nothing on what is on the screen now, on a desktop and on a phone, light and dark."""
    page = person.page
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE.read_text())
    for size, scheme in LOOKS:
        page.set_viewport_size(size)  # type: ignore[arg-type]
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        found: list[list[str]] = page.evaluate(LOOK, RULES)
        assert not found, f"{view}, {scheme}, {size['width']} wide: {found}"
        # Nothing is cut off at the side, either.
        wide = page.evaluate("() => document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"{view}: {wide} pixels too wide at {size['width']}"
        if PICTURED:
            PICTURED.mkdir(parents=True, exist_ok=True)
            name = re.sub(r"\W+", "-", f"{view}-{size['width']}-{scheme}")
            page.screenshot(path=PICTURED / f"{name}.png")
    page.set_viewport_size(DESKTOP)  # type: ignore[arg-type]
    page.emulate_media(color_scheme="light")


def test_every_view_of_the_first_steps(company: Company) -> None:
    ada = company.person("Ada")
    ada.allow("404")
    ada.open(company.house.origin)
    expect(ada.heading("You need an invitation from a colleague")).to_be_visible()
    looks_right(ada, "welcome")
    ada.page.get_by_role("link", name="I have a recovery code").click()
    expect(ada.heading("Recover your account")).to_be_visible()
    looks_right(ada, "recover")
    ada.open(company.house.founder_link()[:-3])
    ada.see("A part of this link is missing")
    looks_right(ada, "cut link")
    ada.open(company.house.founder_link())
    expect(ada.page.get_by_label("Your name")).to_be_visible()
    looks_right(ada, "join")
    ada.button("Continue").click()
    ada.see("Please enter the name that your colleagues should see.")
    looks_right(ada, "join, name missing")
    ada.give_name()
    expect(ada.button("Use this device’s lock")).to_be_visible()
    looks_right(ada, "protect by passkey")
    ada.button("Use a passphrase instead").click()
    ada.page.get_by_label("Passphrase", exact=True).fill("aaaaaaaaaaaaaaaa")
    looks_right(ada, "protect by passphrase")
    ada.button("Use this device’s lock instead").click()
    ada.protect()
    expect(ada.heading("Your recovery code")).to_be_visible()
    looks_right(ada, "recovery code")
    ada.keep_code()
    looks_right(ada, "code typed back")
    ada.type_code_back(["0000"] * 7)
    ada.see(re.compile("This does not match your code"))
    looks_right(ada, "code typed back wrong")
    ada.type_code_back()
    expect(ada.button("Start a group").first).to_be_visible()
    looks_right(ada, "no group yet")
    ada.lock()
    looks_right(ada, "locked")
    ada.button("I can’t open it: use the recovery code").click()
    expect(ada.heading("Open with your recovery code")).to_be_visible()
    looks_right(ada, "locked, by code")
    company.dismiss(ada)


def test_every_view_of_a_group(company: Company) -> None:
    ada = company.person("Ada")
    ada.sign_up(company.house.founder_link())
    ada.button("Start a group").first.click()
    expect(ada.page.get_by_label("Name of the group")).to_be_visible()
    looks_right(ada, "start a group")
    ada.page.get_by_label("Name of the group").fill(TITLE)
    ada.button("Start the group").click()
    ada.in_group(TITLE)
    looks_right(ada, "an empty group")
    ben = company.join(ada, TITLE, "Ben")
    ada.say(
        "**Firm** and *soft*, with `code`, a [link](https://example.org) and\n\n- one\n- two\n\n> a quotation"
    )
    ben.reads("Firm")
    ben.act("Firm", "Reply")
    ben.say("An answer")
    ada.react("An answer", "👍")
    ada.say("Edited soon")
    ada.act("Edited soon", "Edit")
    looks_right(ada, "editing")
    ada.composer.fill("Edited now")
    ada.send()
    ben.reads("Edited now")
    looks_right(ada, "a conversation")
    looks_right(ben, "a conversation, seen by the other")
    ada.open_actions("Edited now")
    looks_right(ada, "actions of a message")
    ada.page.keyboard.press("Escape")
    ada.show_people()
    looks_right(ada, "people")
    ada.button("Make an invitation link").click()
    expect(ada.page.get_by_role("textbox", name="Invitation link")).to_have_value(re.compile("/join#"))
    looks_right(ada, "an invitation link")
    link = ada.page.get_by_role("textbox", name="Invitation link").input_value()
    ada.button("Done").click()
    ada.button("More about Ben").click()
    ada.button("Remove Ben from the group…").click()
    looks_right(ada, "remove somebody")
    ada.page.keyboard.press("Escape")
    with ben.offline():
        ben.see("Offline")
        ben.say("Written offline")
        looks_right(ben, "offline")
    ada.settings()
    expect(ada.heading("Settings")).to_be_visible()
    looks_right(ada, "settings")
    ada.page.go_back()
    for person in (ada, ben):
        person.close_laptop()
    eva = company.person("Eva")
    eva.sign_up(link)
    expect(eva.heading("Waiting to be let in")).to_be_visible()
    looks_right(eva, "waiting")
    ada.open_laptop()
    ben.open_laptop()
    eva.in_group(TITLE)
    ada.choose(TITLE)
    ada.remove_member("Ben")
    ben.open_group_for_reading(TITLE)
    ben.see("You were removed from this group")
    looks_right(ben, "removed")


def test_from_a_link_to_a_message_by_keyboard_alone(company: Company) -> None:
    """Tab, Enter and letters; the focus is where the eye is, at each step."""
    ada = company.person("Ada")
    keys = ada.page.keyboard
    ada.open(company.house.founder_link())
    expect(ada.page.get_by_label("Your name")).to_be_visible()
    ada.tab_to(ada.page.get_by_label("Your name"))
    keys.type("Ada")
    keys.press("Enter")
    ada.tab_to(ada.button("Use this device’s lock"))
    keys.press("Enter")
    expect(ada.heading("Your recovery code")).to_be_visible()
    ada.read_code()
    ada.tab_to(ada.button("I have kept it safe"))
    keys.press("Enter")
    groups = ada.code.split("-")
    for asked in ada.asked_groups():
        ada.tab_to(ada.page.get_by_label(f"Group {asked}"))
        keys.type(groups[asked - 1].lower())
    keys.press("Enter")
    ada.tab_to(ada.button("Start a group").first)
    keys.press("Enter")
    ada.tab_to(ada.page.get_by_label("Name of the group"))
    keys.type(TITLE)
    keys.press("Enter")
    ada.in_group(TITLE)
    ada.tab_to(ada.composer)
    keys.type("Written without a mouse")
    keys.press("Shift+Enter")
    keys.type("on two lines")
    keys.press("Enter")
    ada.reads("Written without a mouse")
    expect(ada.composer).to_be_focused()
    keys.press("ArrowUp")
    expect(ada.composer).to_have_value("Written without a mouse\non two lines")
    keys.press("Escape")
    expect(ada.composer).to_have_value("")
    company.dismiss(ada)
