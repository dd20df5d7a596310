"""What people do in a call, and how their pages tell what they decode of the others."""

import re
from pathlib import Path

from playwright.sync_api import Error, Locator, expect

from tests.e2e.company import Company
from tests.e2e.house import House
from tests.e2e.person import LONG_MS, Person
from tests.waiting import PATIENCE_MS, until

# Every connection that a page makes, to look at what it decodes; and a small picture, which the machine can
# encode for three people at once.
PICTURE = "{ width: 320, height: 180, frameRate: 10 }"
SMALL_PICTURE = "{ width: 160, height: 90, frameRate: 5 }"
NOISE = 1e-5
"""Energy of sound: less than any voice or tone has in the moment between two looks, more than a browser's own
noise in the place of a voice that has ended.
"""
SMALL = {"width": 640, "height": 430}
WATCH = """(() => {
  if (!navigator.mediaDevices) return; // a page that is not ours yet
  const Real = globalThis.RTCPeerConnection;
  globalThis.peers = [];
  globalThis.RTCPeerConnection = class extends Real {
    constructor(...given) { super(...given); globalThis.peers.push(this); }
  };
  const media = navigator.mediaDevices;
  const open = media.getUserMedia.bind(media);
  const small = PICTURE;
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
  globalThis.grows = async ([before, pictures, voices]) => {
    const now = Object.entries(await globalThis.received());
    const was = (mid) => before[mid] ?? { frames: 0, energy: 0 };
    return now.filter(([mid, { frames }]) => frames > was(mid).frames + 2).length >= pictures
      && now.filter(([mid, { energy }]) => energy > was(mid).energy + NOISE).length >= voices;
  };
})()""".replace("PICTURE", PICTURE).replace("NOISE", str(NOISE))


# As the page shows it: what is said aloud may tell of it together with what was before and came after.
RECONNECTING = "Reconnecting… Stay here, it goes on by itself."


def reconnected(person: Person, timeout: float = PATIENCE_MS) -> None:
    expect(person.page.get_by_text(RECONNECTING, exact=True)).to_have_count(0, timeout=timeout)


def children(house: House) -> list[int]:
    """The processes of the server's media units."""
    assert house.process is not None
    pid = house.process.pid
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def watched(company: Company, name: str) -> Person:
    person = company.person(name)
    person.context.add_init_script(WATCH)
    return person


def watched_small(company: Company, name: str) -> Person:
    """The same with a window and a camera of a quarter: for more people than this machine would bear."""
    person = company.person(name)
    person.page.set_viewport_size(SMALL)  # type: ignore[arg-type]
    person.context.set_default_timeout(LONG_MS)
    person.context.add_init_script(WATCH.replace(PICTURE, SMALL_PICTURE))
    return person


def to_call(person: Person) -> None:
    person.page.get_by_role("link", name=re.compile("group’s call|Join the call")).click()


def join(person: Person) -> None:
    """From the page before a call into it."""
    person.button(re.compile("^(Join|Start) the call$")).click()
    expect(person.button("Leave the call")).to_be_visible()


def tile(person: Person, name: str) -> Locator:
    return (
        person.page.get_by_role("list", name="People in the call")
        .get_by_role("listitem")
        .filter(has_text=name)
    )


def decode(*people: Person, patience_ms: int = PATIENCE_MS) -> None:
    """From now on each of them gets new pictures and new sound of all the others."""
    others = len(people) - 1
    perceive(dict.fromkeys(people, (others, others)), patience_ms)


def perceive(wanted: dict[Person, tuple[int, int]], patience_ms: int = PATIENCE_MS) -> None:
    """From now on each gets so many pictures and so many voices that go on."""
    before = {person: person.page.evaluate("received()") for person in wanted}
    for person, (pictures, voices) in wanted.items():
        try:
            until(person.page, "grows", [before[person], pictures, voices], patience_ms)
        except Error as error:
            now = person.page.evaluate("received()")
            raise AssertionError(f"{person.name} got {now}, and before {before[person]}") from error


def told(person: Person, text: str) -> None:
    """What a screen reader says of itself."""
    expect(person.page.locator("[aria-live=polite]").filter(has_text=text)).to_have_count(1)
