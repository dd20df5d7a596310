"""A call through a forwarding unit in wrong hands, as those who are in it see and hear it (T27 to T29, T13).

One evening of three people: each test goes on where the one before ended.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from crypto.sframe.kid import Kind
from tests.e2e import plain_media, tapping
from tests.e2e.company import Company
from tests.e2e.in_call import NOISE, RECONNECTING, decode, join, tile, to_call, told, watched
from tests.e2e.malicious_house import MaliciousHouse
from tests.e2e.person import LONG_MS, Person
from tests.waiting import until

TITLE = "Supervision East"
ADA, BEN, CLEO = range(3)
"""As the unit knows them: in the order in which they came."""
ALIKE = 0.8
FAINT = 0.02
"""Energy of sound below what a second of anybody's microphone has, and far below a second of the tone."""
# What arrives at a page and what it makes of it, for each section that is received now; and the colours of
# each picture that is decoded, whatever of it the interface shows.
LOOK = """(() => {
  if (!navigator.mediaDevices) return;
  globalThis.inbound = async () => {
    const found = [];
    for (const one of (await globalThis.peers.at(-1).getStats()).values()) {
      if (one.type === "inbound-rtp") found.push({
        mid: one.mid, kind: one.kind, packets: one.packetsReceived ?? 0,
        frames: one.framesDecoded ?? 0, energy: one.totalAudioEnergy ?? 0,
      });
    }
    return found;
  };
  // So many more packets of each kind came since, over all sections.
  globalThis.came = async ([before, audio, video]) => {
    const now = await globalThis.inbound();
    const sum = (all, of) => all.filter(({ kind }) => kind === of).reduce((n, one) => n + one.packets, 0);
    const more = (of) => sum(now, of) - sum(before, of);
    return more("audio") >= audio && more("video") >= video;
  };
  // Nothing comes out of any section of these kinds for a second, but for the noise that a browser puts in
  // the place of a voice which has ended.
  globalThis.quiet = async (kinds) => {
    const out = async () => (await globalThis.inbound()).filter(({ kind }) => kinds.includes(kind));
    const before = new Map((await out()).map((one) => [one.mid, one]));
    await new Promise((done) => setTimeout(done, 1000));
    return (await out()).every(({ mid, frames, energy }) => {
      const was = before.get(mid) ?? { frames: 0, energy: 0 };
      return frames === was.frames && energy - was.energy < NOISE;
    });
  };
  globalThis.colours = [];
  // Of the picture that this person sends themselves.
  globalThis.brightness = async ([columns, rows]) => {
    const video = document.createElement("video");
    video.muted = true;
    video.srcObject = await navigator.mediaDevices.getUserMedia({ video: true });
    await video.play();
    await new Promise((done) => video.requestVideoFrameCallback(done));
    const paint = new OffscreenCanvas(columns, rows).getContext("2d");
    paint.drawImage(video, 0, 0, columns, rows);
    for (const track of video.srcObject.getTracks()) track.stop();
    const data = paint.getImageData(0, 0, columns, rows).data;
    return Array.from({ length: columns * rows }, (_, n) =>
      0.3 * data[4 * n] + 0.59 * data[4 * n + 1] + 0.11 * data[4 * n + 2]);
  };
  globalThis.watchColours = () => {
    for (const { track } of globalThis.peers.at(-1).getReceivers()) {
      if (track.kind !== "video") continue;
      const video = Object.assign(document.createElement("video"), { muted: true });
      const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
      const next = () => {
        canvas.drawImage(video, 0, 0, 1, 1);
        globalThis.colours.push([...canvas.getImageData(0, 0, 1, 1).data.slice(0, 3)]);
        video.requestVideoFrameCallback(next);
      };
      video.requestVideoFrameCallback(next);
      video.srcObject = new MediaStream([track]);
      void video.play();
    }
  };
  // The keys that come for the media, a little other than they are, where that is wanted.
  const post = Worker.prototype.postMessage;
  Worker.prototype.postMessage = function (message, transfer) {
    if (!globalThis.spoils || message?.kind !== "keys") return post.call(this, message, transfer);
    const between = new MessageChannel();
    message.port.onmessage = ({ data }) => {
      if (data.kind === "epoch") data.baseKey[0] ^= 1;
      between.port1.postMessage(data);
    };
    return post.call(this, { ...message, port: between.port2 }, [between.port2]);
  };
})()""".replace("NOISE", str(NOISE))

Three = tuple[Person, Person, Person]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, client: Path) -> Iterator[MaliciousHouse]:
    server = MaliciousHouse(tmp_path_factory.mktemp("house"), client)
    server.start()
    yield server
    server.close()


@pytest.fixture(scope="module")
def three(company: Company) -> Three:
    """All are in the call, in the order of their names."""
    ada, ben, cleo = (watched(company, name) for name in ("Ada", "Ben", "Cleo"))
    for person in (ada, ben, cleo):
        person.context.add_init_script(LOOK)
    company.gather(TITLE, ada, ben, cleo)
    for person in (ada, ben, cleo):
        to_call(person)
        join(person)
    decode(ada, ben, cleo, patience_ms=LONG_MS)
    return ada, ben, cleo


def alarm(person: Person, text: str | re.Pattern[str]) -> Locator:
    """What is said above the page, and aloud."""
    return person.page.get_by_role("region", name="Notices").get_by_role("alert").filter(has_text=text)


def dismiss(person: Person) -> None:
    """All that is said above the page has been read."""
    notices = person.page.get_by_role("region", name="Notices")
    for said in iter(lambda: notices.get_by_role("strong").all_inner_texts(), []):
        notices.get_by_role("button", name="Understood").click()
        expect(notices.get_by_text(said[0], exact=True)).to_have_count(0)


def inbound(person: Person) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = person.page.evaluate("inbound()")
    return found


def decoded(person: Person) -> dict[str, int]:
    """Pictures that came out of each section."""
    return {one["mid"]: one["frames"] for one in inbound(person) if one["kind"] == "video"}


def energy(person: Person) -> float:
    """Sound that came out of all sections together."""
    return sum(float(one["energy"]) for one in inbound(person))


def test_media_in_the_clear_is_neither_shown_nor_heard_and_an_alarm_says_so(
    three: Three, house: MaliciousHouse
) -> None:
    ada, ben, cleo = three
    ben.button("Turn your microphone off").click()
    expect(tile(ada, "Ben")).to_contain_text("microphone off")
    cleo.button("Turn your microphone off").click()
    expect(tile(ada, "Cleo")).to_contain_text("microphone off")
    ada.page.evaluate("watchColours()")
    until(ada.page, "async () => colours.length > 10", patience_ms=LONG_MS)
    until(ada.page, "quiet", ["audio"], patience_ms=LONG_MS)
    silent = energy(ada)
    before = inbound(ada)
    pictures, tones = plain_media.vp8(20), plain_media.opus(100)
    house.put(BEN, "audio", [[one] for one in tones])
    house.put(BEN, "camera", [[b"\x10" + one] for one in pictures])
    until(ada.page, "came", [before, len(tones) // 2, len(pictures) // 2], patience_ms=LONG_MS)
    expect(
        alarm(ada, re.compile("something came as Ben’s that was .*It was not shown")).first
    ).to_be_visible()
    decode_pictures(ada, 2)
    magenta = [one for one in ada.page.evaluate("colours") if one[0] > one[1] + 40 and one[2] > one[1] + 40]
    assert magenta == []
    assert energy(ada) - silent < FAINT
    expect(tile(ada, "Ben").locator("video")).to_be_visible()
    dismiss(ada)
    for person in (ben, cleo):
        person.button("Turn your microphone on").click()
    decode(*three, patience_ms=LONG_MS)


def decode_pictures(person: Person, count: int) -> None:
    """So many people go on being seen."""
    before = person.page.evaluate("received()")
    until(person.page, "grows", [before, count, 0], patience_ms=LONG_MS)


def stands_still(person: Person) -> None:
    """Sound and pictures arrive, as much as two people send in a second, and nothing comes of them."""
    until(person.page, "quiet", ["audio", "video"], patience_ms=LONG_MS)
    before, was, silent = inbound(person), decoded(person), energy(person)
    until(person.page, "came", [before, 100, 20], patience_ms=LONG_MS)
    assert decoded(person) == was
    assert energy(person) - silent < FAINT


def test_streams_under_exchanged_names_are_neither_shown_nor_heard_and_an_alarm_says_so(
    three: Three, house: MaliciousHouse
) -> None:
    ada, ben, cleo = three
    house.order("label", {BEN: CLEO, CLEO: BEN})
    for name in ("Ben", "Cleo"):
        expect(tile(ada, name)).to_contain_text(f"Something else came under {name}’s name. It is not shown.")
        expect(tile(ada, name).locator("video")).to_have_count(0)
    expect(alarm(ada, "picture or voice was")).to_contain_text("It was not shown.")
    stands_still(ada)
    house.order("label", {})
    decode(ada, ben, cleo, patience_ms=LONG_MS)
    for person in three:
        dismiss(person)
    for name in ("Ben", "Cleo"):
        expect(tile(ada, name).locator("video")).to_be_visible()


def test_what_was_sent_before_is_not_shown_or_heard_again(three: Three, house: MaliciousHouse) -> None:
    ada, ben, cleo = three
    house.order("keep", True)
    for person in (ben, cleo):
        person.button("Turn your microphone off").click()
        person.button("Turn your camera off").click()
    for name in ("Ben", "Cleo"):
        expect(tile(ada, name).locator("video")).to_have_count(0)
        expect(tile(ada, name)).to_contain_text("microphone off")
    # Once for pictures of layers that Ada was not sent: they are late, but the first that she has of them.
    for repeated in (False, True):
        until(ada.page, "quiet", ["audio", "video"], patience_ms=LONG_MS)
        before, was, silent = inbound(ada), decoded(ada), energy(ada)
        sounds, pictures = house.repeat(BEN, "audio"), house.repeat(BEN, "camera")
        # Of pictures the unit sends one layer on.
        until(ada.page, "came", [before, sounds // 2, pictures // 4], patience_ms=LONG_MS)
        assert sounds >= 50
        assert pictures >= 10
        assert energy(ada) - silent < FAINT
        assert not repeated or decoded(ada) == was
    house.order("keep", False)
    for person in (ben, cleo):
        person.button("Turn your microphone on").click()
        person.button("Turn your camera on").click()
    decode(ada, ben, cleo, patience_ms=LONG_MS)


def test_a_wrong_key_is_told_to_everybody_and_harms_nobody_else(three: Three) -> None:
    ada, ben, cleo = three
    cleo.button("Leave the call").click()
    cleo.page.evaluate("globalThis.spoils = true")
    cleo.button("Come in again").click()
    join(cleo)
    expect(tile(ada, "Cleo")).to_contain_text("What comes as Cleo’s was altered on its way. It is not shown.")
    expect(alarm(ada, "In a call, something came as Cleo’s that was altered on its way.")).to_be_visible()
    expect(tile(cleo, "Ada")).to_contain_text("What comes as Ada’s was altered on its way. It is not shown.")
    decode(ada, ben, patience_ms=LONG_MS)
    assert set(decoded(cleo).values()) == {0}
    assert energy(cleo) == 0
    cleo.button("Leave the call").click()
    cleo.page.evaluate("globalThis.spoils = false")
    cleo.button("Come in again").click()
    join(cleo)
    decode(ada, ben, cleo, patience_ms=LONG_MS)
    for person in three:
        dismiss(person)


def test_whoever_is_removed_decodes_nothing_more_whatever_the_server_forwards(
    three: Three, house: MaliciousHouse
) -> None:
    """Nobody tells the device that it was removed, and the unit sends it everything as before."""
    ada, ben, cleo = three
    house.order("keep", True)
    with cleo.offline():
        cleo.see(RECONNECTING)
        ada.page.get_by_role("link", name="Back to the group").click()
        ada.remove_member("Cleo")
        expect(tile(ben, "Cleo")).to_have_count(0)
        decode(ada, ben, patience_ms=LONG_MS)
        stands_still(cleo)
        decode(ada, ben, patience_ms=LONG_MS)
    house.order("keep", False)
    # The server may tell of the end before the room's log does of the removal: what is shown is the removal.
    cleo.see("You are not in this call any more")
    told(ben, "Cleo left the call.")
    assert cleo.page.evaluate("received()") == {}


def test_a_tap_finds_no_frame_that_can_be_decoded_from_the_first_packet_on(
    three: Three, house: MaliciousHouse
) -> None:
    found, strange = tapping.streams(house.tapped())
    assert {stream.kind for stream in found} == {Kind.AUDIO, Kind.CAMERA}
    assert strange == set()  # what was sent again was sent before
    # Raises where a frame is none of SFrame.
    frames = [tapping.sealed(stream, frame) for stream in found for frame in stream.frames]
    assert len(frames) > 1_000
    # E35: no key and counter twice, and in each frame the next of its encryptor.
    counters = defaultdict(list)
    for frame in frames:
        counters[frame.kid].append(frame.counter)
    for kid, used in counters.items():
        assert len(set(used)) == len(used), hex(kid)
        assert max(used) - min(used) < 2 * len(used), hex(kid)
    assert sum(min(used) == 0 for used in counters.values()) > 0.9 * len(counters)
    # What is behind the header looks like nothing; media in the clear would not.
    assert tapping.unevenness(frame.body for frame in frames) < tapping.UNIFORM
    assert tapping.unevenness(plain_media.opus(50)) > 5 * tapping.UNIFORM
    # A decoder makes of it nothing, or nothing that resembles what the camera saw.
    ada = three[ADA]
    seen: list[float] = ada.page.evaluate("brightness([16, 9])")
    keys = [frame for frame in frames if frame.clear and not frame.clear[0] & 1]
    assert len(keys) > 5
    for frame in keys:
        for body in (frame.body, frame.body[: -tapping.TAG]):
            shown = tapping.picture(frame.clear + body)
            assert shown is None or tapping.likeness(shown, seen) < ALIKE
    shown = tapping.picture(plain_media.vp8_of(seen, tapping.GRID[0]))
    assert shown is not None
    assert tapping.likeness(shown, seen) > ALIKE
