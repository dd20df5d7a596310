"""The people of a module's tests, each in a browser context of their own, and the server between them."""

from typing import Any, Literal

from playwright.sync_api import Browser

from tests.e2e.house import House
from tests.e2e.person import Person
from tests.e2e.relay import Loop, Relay
from tests.e2e.workers import Workers

PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 860}


class Company:
    def __init__(self, house: House, browser: Browser, workers: Workers, loop: Loop) -> None:
        self.house, self._browser, self._workers, self._loop = house, browser, workers, loop
        self.persons: list[Person] = []

    def person(
        self,
        name: str,
        prf: bool | None = True,
        phone: bool = False,
        scheme: Literal["light", "dark"] = "light",
        **options: Any,
    ) -> Person:
        """A new browser. `prf`: whether its platform's passkeys can encrypt; None: it has no passkeys."""
        relay = self.relay()
        context = self._browser.new_context(
            proxy={"server": f"http://127.0.0.1:{relay.port}"},
            viewport=PHONE if phone else DESKTOP,  # type: ignore[arg-type]
            has_touch=phone,
            color_scheme=scheme,
            reduced_motion="reduce",
            locale="en-GB",
            timezone_id="Europe/Berlin",
            **options,
        )
        return self.welcome(Person(name, context, relay, self._workers, prf))

    def relay(self) -> Relay:
        return Relay(self._loop, self.house.port)

    def welcome(self, person: Person) -> Person:
        """Watch over this one too."""
        self.persons.append(person)
        return person

    def founder(self, name: str, title: str, **options: Any) -> Person:
        """Somebody with an account, in a group that they started."""
        person = self.person(name, **options)
        person.sign_up(self.house.founder_link())
        person.start_group(title)
        return person

    def join(self, inviter: Person, title: str, name: str, **options: Any) -> Person:
        """Somebody new, let into the group that `inviter` has on the screen."""
        person = self.person(name, **options)
        person.sign_up(inviter.invite())
        person.in_group(title)
        return person

    def dismiss(self, person: Person) -> None:
        """This one's browser is closed for good."""
        self.persons.remove(person)
        person.close()

    def complaints(self) -> list[str]:
        return [f"{one.name}: {said}" for one in self.persons for said in one.complaints()]

    def close(self) -> None:
        for person in self.persons:
            person.close()
        self.persons.clear()
