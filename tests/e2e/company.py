"""The people of a module's tests, each in a browser context of their own, and the server between them."""

import json
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Browser, Playwright

from tests.browser import ARGUMENTS, find
from tests.e2e.house import House
from tests.e2e.person import Person
from tests.e2e.relay import Loop, Relay
from tests.e2e.workers import Workers

PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 860}
READER: Any = {"locale": "en-GB", "timezone_id": "Europe/Berlin", "reduced_motion": "reduce"}


class Company:
    def __init__(
        self, house: House, playwright: Playwright, browser: Browser, workers: Workers, loop: Loop
    ) -> None:
        self.house, self._playwright, self._browser = house, playwright, browser
        self._workers, self._loop = workers, loop
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
            is_mobile=phone,
            color_scheme=scheme,
            **(READER | options),
        )
        return self.welcome(Person(name, context, relay, self._workers, prf, phone))

    def profile(self, name: str, folder: Path, site_data: bool = True) -> Person:
        """A whole browser whose profile lies in `folder` and stays there; it has no passkeys.
        `site_data`: whether its settings let pages store anything.
        """
        if not site_data:
            (folder / "Default").mkdir(parents=True)
            settings = {"profile": {"default_content_setting_values": {"cookies": 2}}}
            (folder / "Default/Preferences").write_text(json.dumps(settings))
        relay = self.relay()
        context = self._playwright.chromium.launch_persistent_context(
            folder,
            executable_path=find(),
            args=ARGUMENTS,
            proxy={"server": f"http://127.0.0.1:{relay.port}"},
            viewport=DESKTOP,  # type: ignore[arg-type]
            **READER,
        )
        assert context.browser is not None
        return self.welcome(Person(name, context, relay, Workers(context.browser), None))

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

    def gather(self, title: str, first: Person, *others: Person) -> None:
        """Each gets an account, and all have the group on the screen that the first one started."""
        first.sign_up(self.house.founder_link())
        first.start_group(title)
        for other in others:
            other.sign_up(first.invite())
        for other in others:
            other.in_group(title)
        first.hide_people()

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
