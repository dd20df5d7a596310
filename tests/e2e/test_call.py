"""Calls through the interface, the server and its media unit: who is in one decodes the others.

One evening of three people: each test goes on where the one before ended.
"""

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from tests.e2e.company import Company
from tests.e2e.house import House
from tests.e2e.person import LONG_MS, Person

TITLE = "Thursday circle"
# Every connection that a page makes, to look at what it decodes; and a small picture, which the machine can
# encode for three people at once.
WATCH = """(() => {
  if (!navigator.mediaDevices) return; // a page that is not ours yet
  const Real = globalThis.RTCPeerConnection;
  globalThis.peers = [];
  globalThis.RTCPeerConnection = class extends Real {
    constructor(...given) { super(...given); globalThis.peers.push(this); }
  };
  const media = navigator.mediaDevices;
  const open = media.getUserMedia.bind(media);
  const small = { width: 320, height: 180, frameRate: 10 };
  media.getUserMedia = (wish) => open(wish.video ? { video: { ...wish.video, ...small } } : wish);
  // A browser without a screen has none to share: one is drawn.
  media.getDisplayMedia = async () => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 320, height: 200 });
    const paint = canvas.getContext("2d");
    let step = 0;
    setInterval(() => {
      paint.fillStyle = `hsl(${(step += 9)} 50% 50%)`;
      paint.fillRect(0, 0, 320, 200);
    }, 100);
    return canvas.captureStream(10);
  };
  globalThis.received = async () => {
    const found = {};
    for (const peer of globalThis.peers.filter((one) => one.connectionState !== "closed")) {
      for (const one of (await peer.getStats()).values()) {
        if (one.type !== "inbound-rtp") continue;
        found[`${globalThis.peers.indexOf(peer)}/${one.mid}`] =
          { kind: one.kind, frames: one.framesDecoded ?? 0, energy: one.totalAudioEnergy ?? 0 };
      }
    }
    return found;
  };
  // From now on, so many pictures grow and so many voices are heard.
  globalThis.grows = async (before, many) => {
    const now = Object.entries(await globalThis.received());
    const was = (mid) => before[mid] ?? { frames: 0, energy: 0 };
    return now.filter(([mid, { frames }]) => frames > was(mid).frames + 2).length >= many
      && now.filter(([mid, { energy }]) => energy > was(mid).energy).length >= many;
  };
})()"""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, client: Path) -> Iterator[House]:
    server = House(tmp_path_factory.mktemp("house"), client, media_workers="1")
    server.start()
    yield server
    server.close()


def watched(company: Company, name: str) -> Person:
    person = company.person(name)
    person.context.add_init_script(WATCH)
    return person


@pytest.fixture(scope="module")
def three(company: Company) -> tuple[Person, Person, Person]:
    ada = watched(company, "Ada")
    ada.sign_up(company.house.founder_link())
    ada.start_group(TITLE)
    others = []
    for name in ("Ben", "Cleo"):
        other = watched(company, name)
        other.sign_up(ada.invite())
        other.in_group(TITLE)
        others.append(other)
    ada.hide_people()
    return ada, *others  # type: ignore[return-value]


Three = tuple[Person, Person, Person]


def to_call(person: Person) -> None:
    person.page.get_by_role("link", name=re.compile("group’s call|Join the call")).click()


def join(person: Person) -> None:
    """From the page before a call into it."""
    person.button(re.compile("^(Join|Start) the call$")).click()
    expect(person.button("Leave the call")).to_be_visible()


def children(house: House) -> list[int]:
    """The processes of the server's media units."""
    assert house.process is not None
    pid = house.process.pid
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def tile(person: Person, name: str) -> Locator:
    return (
        person.page.get_by_role("list", name="People in the call")
        .get_by_role("listitem")
        .filter(has_text=name)
    )


def decode(*people: Person) -> None:
    """From now on each of them gets new pictures and new sound of all the others."""
    before = [person.page.evaluate("received()") for person in people]
    for person, was in zip(people, before, strict=True):
        person.page.wait_for_function("([was, many]) => grows(was, many)", arg=[was, len(people) - 1])


def told(person: Person, text: str) -> None:
    """What a screen reader says of itself."""
    expect(person.page.locator("[aria-live=polite]").filter(has_text=text)).to_have_count(1)


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
        ben.see("Reconnecting…")
        expect(tile(ada, "Ben").locator("video")).to_be_visible()
    expect(ben.page.get_by_text("Reconnecting…")).to_have_count(0)
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
    decode(ada, ben, cleo)
    ada.page.get_by_role("link", name="Back to the call").click()
    expect(tile(ada, "Cleo")).to_be_visible()
    ben.button("Close the messages").click()


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
    decode(ada, ben)
    ada.page.get_by_role("link", name="Back to the call").click()
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
