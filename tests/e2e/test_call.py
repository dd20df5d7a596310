"""A call through the interface, the server and its media unit: who is in it decodes the others, and nobody else does."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.e2e.company import Company
from tests.e2e.house import House
from tests.e2e.person import Person

TITLE = "Thursday circle"
# Every connection that a page makes, for a look at what it decodes.
WATCH = """(() => {
  const Real = RTCPeerConnection;
  globalThis.peers = [];
  globalThis.RTCPeerConnection = class extends Real {
    constructor(...given) { super(...given); globalThis.peers.push(this); }
  };
})()"""
DECODED = """async () => {
  const found = [];
  for (const peer of globalThis.peers.filter((one) => one.connectionState !== "closed")) {
    const all = await peer.getStats();
    for (const one of all.values()) if (one.type === "inbound-rtp") found.push(one);
  }
  return found.map(({ mid, kind, framesDecoded, audioLevel, totalAudioEnergy, bytesReceived }) =>
    ({ mid, kind, framesDecoded, audioLevel, totalAudioEnergy, bytesReceived }));
}"""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, client: Path) -> Iterator[House]:
    server = House(tmp_path_factory.mktemp("house"), client, media_workers="1")
    server.start()
    yield server
    server.close()


def join(person: Person) -> None:
    person.page.get_by_role("link", name="call").click()
    person.button("Join the call").click()


def test_two_decode_each_other(company: Company) -> None:
    ada = company.person("Ada")
    ada.context.add_init_script(WATCH)
    ada.sign_up(company.house.founder_link())
    ada.start_group(TITLE)
    ben = company.person("Ben")
    ben.context.add_init_script(WATCH)
    ben.sign_up(ada.invite())
    ben.in_group(TITLE)
    join(ada)
    join(ben)
    for one in (ada, ben):
        expect(one.page.locator("video")).to_have_count(2)
        one.page.wait_for_function(f"async () => (await ({DECODED})()).some((one) => one.framesDecoded > 5)")
        one.page.wait_for_function(
            f"async () => (await ({DECODED})()).some((one) => one.totalAudioEnergy > 0)"
        )
