"""A device that is closed: switched on in the settings, woken by the server, and one notification, which
tells nothing but that there is a call (THREATS 21).
"""

import asyncio
import json
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from server.database import FILE, Readers
from server.push import Push
from server.push_call import PushServices
from server.push_endpoint import named_hosts
from server.vapid import Vapid
from tests.e2e.company import Company
from tests.e2e.house import House
from tests.e2e.person import Person
from tests.push_service import PushService, claims_of
from wire.bounds import to_base64url

TITLE = "Balint group"
FIXED = ["Collegium", "A call in one of your groups: unlock to see"]
BY_THE_PAGE = ["A call in one of your groups", "Open Collegium to answer."]
PATIENCE_MS = 20_000
TURNS = 600
LONG_TURNS = 2_000
PAUSE = "() => new Promise((done) => setTimeout(done, 30))"

# In the place of the push service of the browser's maker, which no test may call: it gives out addresses of
# the tests' push service.
SUBSCRIPTIONS = """(() => {
  if (!("PushManager" in globalThis)) return;
  const NAME = "subscription-of-the-tests";
  const made = ({ endpoint, key }) => ({
    endpoint,
    options: { userVisibleOnly: true, applicationServerKey: new Uint8Array(key).buffer },
    unsubscribe: async () => (localStorage.removeItem(NAME), true),
  });
  PushManager.prototype.getSubscription = async () => {
    const kept = localStorage.getItem(NAME);
    return kept && made(JSON.parse(kept));
  };
  PushManager.prototype.subscribe = async ({ userVisibleOnly, applicationServerKey }) => {
    const key = [...new Uint8Array(applicationServerKey)];
    if (!userVisibleOnly || key.length !== 65) throw new DOMException("refused", "NotAllowedError");
    const kept = { endpoint: ENDPOINT + Math.random().toString(36).slice(2), key };
    localStorage.setItem(NAME, JSON.stringify(kept));
    return made(kept);
  };
})();"""
SUBSCRIBED = """() => JSON.parse(localStorage.getItem("subscription-of-the-tests"))"""
# The notifications of this origin, once there are so many.
SHOWN = """async ([count, patience]) => {
  const held = await navigator.serviceWorker.ready;
  const deadline = performance.now() + patience;
  for (;;) {
    const shown = await held.getNotifications();
    if (shown.length === count) return shown.map(({ title, body }) => [title, body]);
    if (performance.now() > deadline) throw new Error(`${shown.length} notifications`);
    await new Promise((done) => setTimeout(done, 30));
  }
}"""


@pytest.fixture(scope="module")
def pushes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PushService]:
    service = PushService(tmp_path_factory.mktemp("push"))
    yield service
    service.close()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, client: Path, pushes: PushService) -> Iterator[House]:
    """A server that may call the tests' push service."""
    folder = tmp_path_factory.mktemp("house")
    server = House(folder, client, push_hosts=pushes.host, push_ca=str(pushes.ca))
    server.start()
    yield server
    server.close()


@pytest.fixture(scope="module")
def ada(company: Company, house: House, pushes: PushService) -> Person:
    ada = company.person("Ada")
    ada.context.grant_permissions(["notifications"], origin=house.origin)
    endpoint = json.dumps(pushes.endpoint("ada-"))
    ada.context.add_init_script(SUBSCRIPTIONS.replace("ENDPOINT", endpoint))
    ada.sign_up(house.founder_link())
    ada.start_group(TITLE)
    return ada


@pytest.fixture(scope="module")
def deliveries(ada: Person) -> "Deliveries":
    return Deliveries(ada)


def endpoints(house: House) -> list[str]:
    database = house.database()
    rows = database.execute("SELECT endpoint FROM subscriptions").fetchall()
    database.close()
    return [endpoint for (endpoint,) in rows]


def stores(house: House, person: Person, wanted: list[str]) -> None:
    """The server has these endpoints, sooner or later."""
    for _ in range(LONG_TURNS):
        if endpoints(house) == wanted:
            return
        person.page.evaluate(PAUSE)
    raise AssertionError(f"the server has {endpoints(house)}")


class Deliveries:
    """The browser's end of its push service: a push without a body reaches the service worker of a person."""

    def __init__(self, person: Person) -> None:
        # The session that holds the authenticator: the end of another one on this page would take that away.
        assert person.authenticator is not None
        self._session, self._person = person.authenticator, person
        self._found: list[dict[str, Any]] = []
        self._session.on(
            "ServiceWorker.workerRegistrationUpdated",
            lambda event: self._found.extend(event["registrations"]),
        )
        self._session.send("ServiceWorker.enable")

    def push(self) -> None:
        scope = self._person.origin + "/"
        for _ in range(TURNS):
            ours = [one for one in self._found if one["scopeURL"] == scope and not one["isDeleted"]]
            if ours:
                break
            self._person.page.evaluate(PAUSE)  # in which events come in
        push = {"origin": self._person.origin, "registrationId": ours[0]["registrationId"], "data": ""}
        self._session.send("ServiceWorker.deliverPushMessage", push)


def shown(person: Person, count: int = 1) -> list[list[str]]:
    found: list[list[str]] = person.page.evaluate(SHOWN, [count, PATIENCE_MS])
    return found


def wake(house: House, pushes: PushService) -> frozenset[bytes]:
    """Wake every device that the server knows a push endpoint of, by its own key."""

    async def work() -> frozenset[bytes]:
        database = sqlite3.connect(house.data / FILE)
        (key,) = database.execute("SELECT value FROM meta WHERE name = 'vapid_key'").fetchone()
        devices = [device for (device,) in database.execute("SELECT device FROM subscriptions")]
        database.close()
        readers = Readers(house.data / FILE)
        services = PushServices(authority=pushes.ca)
        vapid = Vapid(key, house.origin)
        push = Push(readers, changes_nothing, vapid, services, named_hosts(pushes.host))
        woken = await push.wake(devices, ttl=45)
        await push.close()
        readers.close()
        return woken

    with ThreadPoolExecutor(1) as thread:  # the browser's driver has an event loop in this one
        return thread.submit(asyncio.run, work()).result()


async def changes_nothing(_run: object) -> int:
    raise AssertionError("nothing is to be changed")


def test_switched_on_in_the_settings_it_is_reached_by_the_server(
    ada: Person, house: House, pushes: PushService
) -> None:
    ada.settings()
    ada.see("It says that there is a call, and nothing else")
    ada.button("Notify me of calls").click()
    ada.see("Switched on for this device.")
    made = ada.page.evaluate(SUBSCRIBED)
    assert endpoints(house) == [made["endpoint"]]
    before = len(pushes.received)
    assert len(wake(house, pushes)) == 1
    (seen,) = pushes.received[before:]
    assert f"https://{pushes.host}{seen.path}" == made["endpoint"]
    assert seen.body == b""
    # The push service finds the wake signed by the key that the browser subscribed with.
    claims_of(seen.headers["authorization"])
    assert seen.headers["authorization"].endswith("k=" + to_base64url(bytes(made["key"])))


def test_an_open_page_says_it_and_a_locked_one_does_not_know_more(
    ada: Person, deliveries: Deliveries
) -> None:
    deliveries.push()
    assert shown(ada) == [BY_THE_PAGE]
    ada.lock()
    deliveries.push()
    assert becomes(ada, FIXED) == [FIXED]  # in the place of the first one
    ada.unlock()
    ada.is_open()
    assert shown(ada, 0) == []  # whoever opens it has seen it


def becomes(person: Person, wanted: list[str]) -> list[list[str]]:
    """The one notification, once it says this."""
    for _ in range(TURNS):
        found = shown(person)
        if found == [wanted]:
            break
        person.page.evaluate(PAUSE)
    return found


def test_a_closed_one_is_told_by_fixed_words(ada: Person, deliveries: Deliveries) -> None:
    ada.close_laptop()
    deliveries.push()
    ada.page.goto(ada.place)
    ada.is_locked()
    assert shown(ada) == [FIXED]
    assert TITLE not in json.dumps(shown(ada))
    ada.unlock()
    ada.is_open()
    assert shown(ada, 0) == []


def test_what_the_server_has_lost_it_is_told_at_the_next_opening(ada: Person, house: House) -> None:
    before = endpoints(house)
    assert len(before) == 1
    database = house.database()
    with database:
        database.execute("DELETE FROM subscriptions")
    database.close()
    ada.lock()
    ada.unlock()
    ada.is_open()
    stores(house, ada, before)


def test_switched_off_without_a_network_the_server_hears_it_later(ada: Person, house: House) -> None:
    ada.settings()
    with ada.offline():
        ada.see("Offline")
        ada.button("Stop notifying me").click()
        ada.see("Switched off for this device.")
        assert ada.page.evaluate(SUBSCRIBED) is None
        assert len(endpoints(house)) == 1
    stores(house, ada, [])


def test_a_browser_that_forbids_it_is_said_so(company: Company, house: House) -> None:
    eva = company.person("Eva")
    eva.context.grant_permissions([])  # so all others are denied
    eva.sign_up(house.founder_link())
    eva.settings()
    eva.see("Your browser does not allow Collegium to notify you.")
    eva.button("Notify me of calls").click()
    eva.see("Your browser does not allow Collegium to notify you.")
    assert endpoints(house) == []
    company.dismiss(eva)
