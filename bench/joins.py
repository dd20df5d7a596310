"""How long a person waits for the others: from the press on "Join the call" until they see each of them.

Two Chromium are in a call, a third comes in and leaves, again and again; server, media unit and all browsers
are on this machine, and nothing is lost on the way. Prints, of so many joins, the half and the slowest
twentieth: until the first of the others is seen, and until both are.

./run bench joins [JOINS [RUNS]]    by default 20 joins, 3 times, of which the median is printed
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import expect, sync_playwright

from tests.browser import ARGUMENTS, find
from tests.e2e.company import Company
from tests.e2e.house import House, built_client
from tests.e2e.in_call import decode, join, to_call, watched
from tests.e2e.person import LONG_MS, Person
from tests.e2e.relay import Loop
from tests.e2e.workers import Workers
from tests.waiting import PATIENCE_MS

JOINS, RUNS = 20, 3
TITLE = "A circle"
OTHERS = 2
PAUSE_S = 2.0
"""Between two joins. Who sends gives everybody together a key frame each other second (`key_frames.py`):
whoever came and went faster than that would measure that bound, not a join.
"""
# Presses, and gives how many milliseconds later a first picture of each of the others was on the screen.
PRESS = """async ([others, patience]) => {
  const button = [...document.querySelectorAll("button")]
    .find(({ textContent }) => textContent.trim() === "Join the call");
  const known = new Set();
  const seen = [];
  const isReceived = (track) =>
    globalThis.peers.some((peer) => peer.getReceivers().some((receiver) => receiver.track === track));
  const began = performance.now();
  button.click();
  while (seen.length < others) {
    if (performance.now() - began > patience) throw new Error(`${seen.length} of ${others} were seen`);
    for (const video of document.querySelectorAll("video")) {
      const track = video.srcObject?.getVideoTracks()[0];
      if (track === undefined || known.has(track) || !isReceived(track)) continue;
      known.add(track);
      video.requestVideoFrameCallback(() => seen.push(performance.now() - began));
    }
    await new Promise(requestAnimationFrame);
  }
  return seen;
}"""


def gather(company: Company) -> list[Person]:
    people = [watched(company, name) for name in ("Ada", "Ben", "Cleo")]
    company.gather(TITLE, *people)
    return people


def joined(person: Person) -> list[float]:
    """Seconds until a first of the others was seen, and until all were."""
    to_call(person)
    expect(person.button("Join the call")).to_be_enabled()
    # As somebody who looks into the camera before they join.
    expect(person.page.get_by_label("You, as the others will see you").locator("video")).to_be_visible()
    seen: list[float] = person.page.evaluate(PRESS, [OTHERS, PATIENCE_MS])
    person.button("Leave the call").click()
    person.page.get_by_role("link", name="Back to the group").click()
    time.sleep(PAUSE_S)
    return [min(seen) / 1000, max(seen) / 1000]


def quantile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def measure(folder: Path, joins: int, runs: int) -> list[dict[str, float]]:
    house = House(folder, built_client(folder / "web"), media_workers="1").start()
    loop = Loop()
    with sync_playwright() as playwright:
        expect.set_options(timeout=LONG_MS)
        browser = playwright.chromium.launch(executable_path=find(), args=ARGUMENTS)
        company = Company(house, playwright, browser, Workers(browser), loop)  # type: ignore[arg-type]
        ada, ben, cleo = gather(company)
        cleo.context.set_default_timeout(LONG_MS)
        for person in (ada, ben):
            to_call(person)
            join(person)
        decode(ada, ben)
        joined(cleo)  # what is loaded once
        found = []
        for _ in range(runs):
            times = [joined(cleo) for _ in range(joins)]
            first, every = ([one[n] for one in times] for n in (0, 1))
            found.append(
                {
                    "first p50": quantile(first, 0.5),
                    "first p95": quantile(first, 0.95),
                    "every p50": quantile(every, 0.5),
                    "every p95": quantile(every, 0.95),
                }
            )
        company.close()
        browser.close()
    loop.close()
    house.close()
    return found


def main(arguments: list[str]) -> None:
    joins, runs = (int(text) for text in [*arguments, *map(str, (JOINS, RUNS)[len(arguments) :])])
    with tempfile.TemporaryDirectory() as folder:
        found: Any = measure(Path(folder), joins, runs)
    median = {name: statistics.median(one[name] for one in found) for name in found[0]}
    print(f"from the press to a picture, {joins} joins, {runs} runs, of which the median:")
    for name, words in (("first", "of one of the others"), ("every", "of both             ")):
        each = " ".join(f"{one[f'{name} p50']:.2f}/{one[f'{name} p95']:.2f}" for one in found)
        p50, p95 = median[f"{name} p50"], median[f"{name} p95"]
        print(f"  {words}  p50 {p50:.2f} s, p95 {p95:.2f} s  (the runs: {each})")


if __name__ == "__main__":
    main(sys.argv[1:])
