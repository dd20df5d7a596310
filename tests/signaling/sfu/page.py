"""A real Chromium page that is in a room of a real unit: it answers each offer, and tells how it fares."""

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from signaling.sfu.control import (
    Answer,
    FromUnit,
    Offer,
    Open,
    Refused,
)
from tests.browser import ARGUMENTS, find
from tests.signaling.sfu.driver import Driver

ROOM = b"r" * 16
PATIENCE_S = 40.0

PAGE = """
const pc = new RTCPeerConnection({bundlePolicy: 'max-bundle'});
let media;
pc.ontrack = ({track}) => {  // what nobody plays is not decoded
  const element = document.createElement(track.kind);
  element.srcObject = new MediaStream([track]);
  document.body.append(element);
  element.play();
};
async function answer(sdp, sends) {
  media ??= await navigator.mediaDevices.getUserMedia({audio: true, video: {width: 640, height: 360}});
  await pc.setRemoteDescription({type: 'offer', sdp});
  for (const one of pc.getTransceivers()) {
    if (Number(one.mid) > 3) continue;
    one.direction = sends.includes(one.mid) ? 'sendonly' : 'inactive';
    if (one.sender.track || !sends.includes(one.mid)) continue;
    const kind = one.receiver.track.kind;
    await one.sender.replaceTrack(media.getTracks().find(track => track.kind === kind));
  }
  await pc.setLocalDescription(await pc.createAnswer());
  return pc.localDescription.sdp;
}
async function stats() {
  const found = {};
  for (const one of (await pc.getStats()).values())
    if (one.type === 'inbound-rtp')
      found[one.mid] = {
        kind: one.kind, frames: one.framesDecoded ?? 0, packets: one.packetsReceived,
        sounds: (one.totalSamplesReceived ?? 0) - (one.concealedSamples ?? 0),
      };
  return found;
}
async function path() {
  for (const one of (await pc.getStats()).values())
    if (one.type === 'transport')
      return {dtls: one.dtlsState, srtp: one.srtpCipher, ice: one.iceState, cipher: one.dtlsCipher};
}
"""


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=find(), args=ARGUMENTS)
        yield started
        started.close()


class Member:
    """A page with one connection. It answers each offer."""

    def __init__(self, driver: Driver, browser: Browser, name: bytes, sends: tuple[str, ...]) -> None:
        self.driver, self.sends = driver, sends
        self.session, self.device = name * 16, name.upper() * 16
        self.changed: Callable[[str], str] = lambda sdp: sdp
        context = browser.new_context(permissions=["camera", "microphone"])
        context.route("http://localhost/", lambda route: route.fulfill(body="", content_type="text/html"))
        self.page: Page = context.new_page()
        self.page.goto("http://localhost/")
        self.page.add_script_tag(content=PAGE)
        self.answered = 0
        driver.send(Open(session=self.session, room=ROOM, device=self.device, account=name * 16))

    def offers(self) -> list[Offer]:
        return [one for one in self.driver.of(self.session) if isinstance(one, Offer)]

    def pump(self) -> None:
        for offer in self.offers()[self.answered :]:
            self.answered += 1
            sdp = self.page.evaluate(
                "([sdp, sends]) => answer(sdp, sends)", [self.changed(offer.sdp), self.sends]
            )
            self.driver.send(Answer(session=self.session, seq=offer.seq, sdp=sdp))

    def stats(self) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = self.page.evaluate("stats()")
        return found

    def heard(self, kind: type[FromUnit]) -> int:
        return len([one for one in self.driver.of(self.session) if isinstance(one, kind)])


def until(driver: Driver, members: list[Member], met: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not met():
        assert time.monotonic() < end, [(one.stats(), one.page.evaluate("path()")) for one in members]
        driver.read(0.1)
        for member in members:
            member.pump()
        refused = [one for one in driver.received if isinstance(one, Refused)]
        assert not refused


def grows(member: Member, kind: str, what: str, by: int) -> Callable[[], bool]:
    """That what is received of this kind goes on from now."""
    begun = {mid: one[what] for mid, one in member.stats().items()}

    def met() -> bool:
        now = [(mid, one) for mid, one in member.stats().items() if one["kind"] == kind]
        return bool(now) and all(one[what] >= begun.get(mid, 0) + by for mid, one in now)

    return met


def see(driver: Driver, members: list[Member]) -> None:
    for member in members:
        until(driver, members, grows(member, "video", "frames", 5))


def hear(driver: Driver, members: list[Member]) -> None:
    """What is not decoded is concealed: that does not count."""
    for member in members:
        until(driver, members, grows(member, "audio", "packets", 10))
        until(driver, members, grows(member, "audio", "sounds", 4800))
