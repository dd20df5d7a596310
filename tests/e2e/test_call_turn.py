"""A browser whose network has no UDP is in a call through Debian's coturn, by TCP and by TLS."""

import base64
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from playwright.sync_api import Browser, Playwright

from tests.browser import ARGUMENTS
from tests.conftest import SOAK
from tests.e2e.company import DESKTOP, READER, Company
from tests.e2e.house import House
from tests.e2e.in_call import RECONNECTING, WATCH, decode, join, reconnected, to_call, watched
from tests.e2e.person import LONG_MS, Person
from tests.e2e.relay import Loop
from tests.e2e.tcp_only import NotAllowedError, TcpOnly
from tests.e2e.workers import Workers
from tests.turn_server import TurnServer

TITLE = "Wednesday circle"
SECRET = "a secret of the tests, shared with coturn"
# How the relay is reached that the packets of this page take; null: they take none.
WAY = """async () => {
  const found = await globalThis.peers.at(-1).getStats();
  const transport = [...found.values()].find(({ type }) => type === "transport");
  const local = found.get(found.get(transport.selectedCandidatePairId).localCandidateId);
  return local.candidateType === "relay" ? local.relayProtocol : null;
}"""
FAST = "Your connection works."
SLOW = "Only a slower way works from here."
NONE = "The server’s relay for calls can’t be reached from this network."


@pytest.fixture(scope="module")
def coturn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TurnServer]:
    server = TurnServer(tmp_path_factory.mktemp("coturn"), SECRET)
    yield server
    server.close()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, client: Path, coturn: TurnServer) -> Iterator[House]:
    urls = (
        f"turn:localhost:{coturn.port}?transport=udp turn:localhost:{coturn.port}?transport=tcp"
        f" turns:localhost:{coturn.tls_port}?transport=tcp"
    )
    folder = tmp_path_factory.mktemp("house")
    server = House(folder, client, media_workers="1", turn_urls=urls, turn_secret=SECRET)
    server.start()
    yield server
    server.close()


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory, house: House, loop: Loop) -> Iterator[TcpOnly]:
    """In it, only our server can be reached."""
    try:
        made = TcpOnly(loop, tmp_path_factory.mktemp("network"))
    except NotAllowedError as error:
        pytest.skip(f"a network without UDP is made by root alone: {error}")
    made.open(house.port)
    yield made
    made.close()


def pin(coturn: TurnServer) -> str:
    """Its key's hash: Chromium takes the certificate of this key, and no other that no authority signed."""
    key = x509.load_der_x509_certificate(coturn.shown_certificate()).public_key()
    info = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(info).digest()).decode()


@pytest.fixture(scope="module")
def inside(playwright: Playwright, network: TcpOnly, coturn: TurnServer) -> Iterator[Browser]:
    """A browser in that network."""
    trust = f"--ignore-certificate-errors-spki-list={pin(coturn)}"
    started = playwright.chromium.launch(
        executable_path=str(network.browser), args=[*ARGUMENTS, trust], timeout=LONG_MS
    )
    yield started
    started.close()


Two = tuple[Person, Person]


@pytest.fixture(scope="module")
def two(company: Company, inside: Browser) -> Two:
    """Ben is in the network without UDP. Nothing of his goes over a proxy: TURN would as well."""
    ada = watched(company, "Ada")
    context = inside.new_context(viewport=DESKTOP, **READER)  # type: ignore[arg-type]
    context.add_init_script(WATCH)
    ben = company.welcome(Person("Ben", context, company.relay(), Workers(inside), True))
    company.gather(TITLE, ada, ben)
    return ada, ben


def test_where_udp_passes_that_is_said_and_taken(two: Two) -> None:
    ada, _ = two
    to_call(ada)
    ada.see(FAST)
    join(ada)


def test_without_udp_two_see_and_hear_each_other_over_tcp(
    two: Two, network: TcpOnly, coturn: TurnServer
) -> None:
    ada, ben = two
    if SOAK:
        to_call(ben)
        ben.see(NONE)
        ben.page.get_by_role("link", name="Back to the group").click()
    network.open(coturn.port)
    to_call(ben)
    ben.see(SLOW)
    join(ben)
    decode(ada, ben)
    assert (ada.page.evaluate(WAY), ben.page.evaluate(WAY)) == (None, "tcp")


def test_without_udp_and_with_tls_alone_as_well(two: Two, network: TcpOnly, coturn: TurnServer) -> None:
    ada, ben = two
    ben.button("Leave the call").click()
    network.shut(coturn.port)
    network.open(coturn.tls_port)
    ben.button("Come in again").click()
    ben.see(SLOW)
    join(ben)
    decode(ada, ben)
    assert ben.page.evaluate(WAY) == "tls"


@pytest.mark.soak
def test_when_the_way_over_tls_breaks_another_is_found(
    two: Two, network: TcpOnly, coturn: TurnServer
) -> None:
    ada, ben = two
    network.shut(coturn.tls_port)
    ben.see(RECONNECTING)
    network.open(coturn.port)
    reconnected(ben, LONG_MS)
    decode(ada, ben)
    assert ben.page.evaluate(WAY) == "tcp"
