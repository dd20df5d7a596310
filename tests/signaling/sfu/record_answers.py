"""Writes answers/: what browsers answer to the offers of offers.py. Run by hand when either changes.

`python -m tests.signaling.sfu.record_answers` needs Debian's chromium and firefox-esr.
"""

from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.browser import ARGUMENTS, find
from tests.signaling.sfu.offers import ROUNDS

ANSWERS = Path(__file__).parent / "answers"
FIREFOX = "/usr/bin/firefox-esr"

ANSWER = """async rounds => {
  const canvas = document.createElement('canvas');
  canvas.getContext('2d');
  const video = canvas.captureStream(5).getVideoTracks()[0];
  const audio = new AudioContext().createMediaStreamDestination().stream.getAudioTracks()[0];
  const pc = new RTCPeerConnection({bundlePolicy: 'max-bundle'});
  const answers = [];
  for (const {sdp, sends} of rounds) {
    await pc.setRemoteDescription({type: 'offer', sdp});
    for (const one of pc.getTransceivers()) {
      if (Number(one.mid) > 3) continue;
      one.direction = sends.includes(one.mid) ? 'sendonly' : 'inactive';
      const track = one.receiver.track.kind === 'audio' ? audio : video;
      if (!one.sender.track) await one.sender.replaceTrack(track);
    }
    const answer = await pc.createAnswer();
    await pc.setLocalDescription(answer);
    answers.push(answer.sdp);
  }
  pc.close();
  return answers;
}"""


def record(browser: Browser, name: str) -> None:
    page = browser.new_page()
    page.goto("about:blank")
    rounds = [{"sdp": one.offer.text(), "sends": one.sends} for one in ROUNDS]
    for one, answer in zip(ROUNDS, page.evaluate(ANSWER, rounds), strict=True):
        (ANSWERS / f"{name}-{one.name}.sdp").write_text(answer.replace("\r\n", "\n"))
    browser.close()


if __name__ == "__main__":
    ANSWERS.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        record(playwright.chromium.launch(executable_path=find(), args=ARGUMENTS), "chromium")
        record(playwright.firefox.launch(executable_path=FIREFOX, channel="moz-firefox"), "firefox")
