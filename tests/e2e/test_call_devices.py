"""Camera and microphone that are refused, busy or gone, before a call and in it; and a screen's sound."""

import pytest
from playwright.sync_api import expect

from tests.e2e.company import Company
from tests.e2e.house import House
from tests.e2e.in_call import decode, join, perceive, tile, to_call, watched
from tests.e2e.person import LONG_MS, Person

pytestmark = pytest.mark.soak
TITLE = "Friday four"
# The devices that Chromium pretends are never refused and never busy: that is said where the browser says
# it. The screen is a pretended one as well, and has a sound.
REFUSE = """(() => {
  if (!navigator.mediaDevices) return;
  delete navigator.mediaDevices.getDisplayMedia;
  const open = navigator.mediaDevices.getUserMedia;
  globalThis.refuses = {};
  navigator.mediaDevices.getUserMedia = async (wish) => {
    const name = globalThis.refuses[wish.video ? "camera" : "microphone"];
    if (name) throw new DOMException("no", name);
    return open(wish);
  };
})()"""
DENIED, BUSY = "NotAllowedError", "NotReadableError"

Pair = tuple[Person, Person]


@pytest.fixture(scope="module")
def house(media_house: House) -> House:
    return media_house


@pytest.fixture(scope="module")
def pair(company: Company) -> Pair:
    ada, ben = watched(company, "Ada"), watched(company, "Ben")
    ada.context.add_init_script(REFUSE)
    company.gather(TITLE, ada, ben)
    return ada, ben


def refuse(person: Person, source: str, name: str | None) -> None:
    person.page.evaluate("([source, name]) => { refuses[source] = name; }", [source, name])


def take_away(person: Person, source: str) -> None:
    """The browser ends what it gave: permission is withdrawn, which does what unplugging does."""
    session = person.context.new_cdp_session(person.page)
    target = session.send("Target.getTargetInfo")["targetInfo"]
    session.detach()
    assert person.context.browser is not None
    whole = person.context.browser.new_browser_cdp_session()
    for setting in ("denied", "granted"):
        whole.send(
            "Browser.setPermission",
            {
                "permission": {"name": source},
                "setting": setting,
                "browserContextId": target["browserContextId"],
            },
        )
    whole.detach()


def test_what_is_denied_or_busy_before_a_call_is_said_and_can_be_tried_again(pair: Pair) -> None:
    ada, ben = pair
    refuse(ada, "camera", DENIED)
    refuse(ada, "microphone", BUSY)
    to_call(ada)
    ada.see("Your browser does not let Collegium use the camera.")
    ada.see("The microphone can’t be opened. Another program may be using it")
    ada.see("You can come in without both")
    for source in ("camera", "microphone"):
        refuse(ada, source, None)
    for left in (1, 0):
        ada.button("Try again").first.click()
        expect(ada.button("Try again")).to_have_count(left)
    join(ada)
    to_call(ben)
    join(ben)
    decode(ada, ben, patience_ms=LONG_MS)


def test_a_camera_that_goes_in_a_call_is_said_and_comes_back(pair: Pair) -> None:
    ada, ben = pair
    take_away(ada, "camera")
    ada.see("No camera was found. If you have one, plug it in")
    expect(tile(ben, "Ada").locator("video")).to_have_count(0)
    perceive({ben: (0, 1)}, LONG_MS)  # the voice goes on
    refuse(ada, "camera", BUSY)
    ada.button("Turn your camera on").click()
    ada.see("The camera can’t be opened. Another program may be using it")
    refuse(ada, "camera", DENIED)
    ada.button("Turn your camera on").click()
    ada.see("Your browser does not let Collegium use the camera.")
    refuse(ada, "camera", None)
    ada.button("Turn your camera on").click()
    ada.sees_not("Your browser does not let Collegium use the camera.")
    expect(tile(ben, "Ada").locator("video")).to_be_visible()
    decode(ada, ben, patience_ms=LONG_MS)


def test_a_microphone_that_goes_in_a_call_is_said_and_comes_back(pair: Pair) -> None:
    ada, ben = pair
    take_away(ada, "microphone")
    ada.see("No microphone was found. If you have one, plug it in")
    expect(tile(ben, "Ada")).to_contain_text("microphone off")
    perceive({ben: (1, 0)}, LONG_MS)  # the picture goes on
    ada.button("Turn your microphone on").click()
    ada.sees_not("No microphone was found.")
    expect(tile(ben, "Ada")).not_to_contain_text("microphone off")
    decode(ada, ben, patience_ms=LONG_MS)


def test_a_screen_comes_with_its_sound(pair: Pair) -> None:
    ada, ben = pair
    ada.button("Share your screen").click()
    ada.see("You are sharing your screen.")
    screen = ben.page.get_by_role("figure", name="Ada’s screen")
    expect(screen).to_be_visible()
    # Ada's voice, and the sound of the screen.
    perceive({ben: (1, 2)}, LONG_MS)
    ada.button("Turn your microphone off").click()
    expect(tile(ben, "Ada")).to_contain_text("microphone off")
    perceive({ben: (1, 1)}, LONG_MS)
    ada.button("Stop sharing your screen").first.click()
    expect(screen).to_have_count(0)
