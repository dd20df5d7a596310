"""A person at a browser: what they do, by the names and roles that the page gives to everybody."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from time import monotonic

from playwright.sync_api import BrowserContext, CDPSession, ConsoleMessage, Error, Locator, Page, expect

from tests.e2e.relay import Relay
from tests.e2e.workers import MOVE_CLOCK, Workers, context_id

CODE = re.compile(r"[0-9A-Z]{4}(?:-[0-9A-Z]{4}){6}")
PASSPHRASE = "quiet harbour lantern seven"
# Everything that has to do with the network or with Argon2 may take so long on a busy machine.
PATIENCE_MS = 20_000
LONG_MS = 60_000
MAX_TABS = 40
MAX_TURNS = 1_000

# Every message of the conversation from its beginning, however long, as the page shows it.
TRANSCRIPT = """async (most) => {
  const list = document.querySelector(".timeline");
  const settle = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 30)));
  // As somebody who turns a wheel, and goes on turning where the list moved under it: nobody else leaves
  // the end of a conversation that is being followed.
  const turn = async (top) => {
    list.dispatchEvent(new WheelEvent("wheel", { bubbles: true }));
    list.scrollTop = top;
    await settle();
  };
  const inView = (row) => {
    const [own, all] = [row.getBoundingClientRect(), list.getBoundingClientRect()];
    return own.bottom > all.top && own.top < all.bottom;
  };
  const older = () => [...list.querySelectorAll("button")].find((one) => one.textContent.includes("earlier"));
  const busy = () => list.textContent.includes("Fetching earlier messages");
  const found = new Map();
  for (let step = 0; step < most; step++) {
    if (found.size === 0 && (older() || busy())) {
      older()?.click();
      await turn(0);
      continue;
    }
    const rows = [...list.querySelectorAll("article[data-row]")].filter(inView);
    const numbered = rows.map((row) => [Number(row.dataset.row), row]).sort(([one], [other]) => one - other);
    for (const [number, row] of numbered) {
      if (number === found.size) found.set(number, row.querySelector(".markdown")?.innerText ?? null);
    }
    // Gone past one that was never in view, so back up.
    const past = numbered.some(([number]) => number >= found.size);
    const atEnd = list.scrollTop + list.clientHeight >= list.scrollHeight - 2;
    if (atEnd && !past) return [...found.values()].filter((text) => text !== null);
    await turn(past && found.size === 0 ? 0 : list.scrollTop + (past ? -1 : 1) * (list.clientHeight / 2));
  }
  throw new Error(`rows are missing after ${most} turns: ${found.size}`);
}"""
# What the browser itself writes to the console when a request fails or is refused; tests that cut
# connections or use spent links let it pass.
NETWORK_NOISE = r"Failed to load resource|net::ERR_|WebSocket connection to"


class Person:
    """One browser context with one page, its relay, and its platform authenticator."""

    def __init__(
        self,
        name: str,
        context: BrowserContext,
        relay: Relay,
        workers: Workers | None,
        prf: bool | None,
        phone: bool = False,
    ) -> None:
        self.name, self.context, self.relay, self._workers = name, context, relay, workers
        self.problems: list[str] = []
        self.allowed: list[str] = []
        self.code = ""
        self.place = ""
        self.prf, self.phone = prf, phone
        context.set_default_timeout(PATIENCE_MS)
        context.on("weberror", lambda error: self.problems.append(f"page threw: {error.error}"))
        context.on("console", self._console)
        self.page: Page = context.pages[0] if context.pages else context.new_page()
        self.authenticator: CDPSession | None = None
        # By what its workers are found; of a browser without CDP there is none.
        self.id = context_id(context, self.page) if workers else ""

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.problems.append(f"console: {message.text}")

    def _add_authenticator(self, prf: bool) -> CDPSession:
        session = self.context.new_cdp_session(self.page)
        session.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "ctap2Version": "ctap2_1",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "automaticPresenceSimulation": True,
            "isUserVerified": True,
            "hasPrf": prf,
        }
        session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        return session

    # What went wrong.

    def allow(self, *patterns: str) -> None:
        """Problems that the test brings about on purpose."""
        self.allowed += patterns

    def _listen_to_worker(self) -> None:
        """Before a worker goes, and its complaints with it."""
        if self._workers:
            self.problems += self._workers.problems(self.id)

    def complaints(self) -> list[str]:
        """Every unexpected problem since the last look: page, console, worker, relay."""
        self._listen_to_worker()
        every = [*self.problems, *(f"relay: {fault!r}" for fault in self.relay.faults)]
        self.problems.clear()
        self.relay.faults.clear()
        return [one for one in every if not any(re.search(pattern, one) for pattern in self.allowed)]

    # First steps.

    def open(self, link: str) -> None:
        self.page.goto(link)
        if self.prf is not None and self.authenticator is None:
            # Only now: an authenticator does not outlive the very first document of a page.
            self.authenticator = self._add_authenticator(self.prf)

    def button(self, name: str | re.Pattern[str], exact: bool = True) -> Locator:
        return self.page.get_by_role("button", name=name, exact=exact)

    def heading(self, name: str | re.Pattern[str]) -> Locator:
        return self.page.get_by_role("heading", name=name)

    def see(self, text: str | re.Pattern[str], timeout: float = PATIENCE_MS) -> None:
        expect(self.page.get_by_text(text).filter(visible=True).first).to_be_visible(timeout=timeout)

    def sees_not(self, text: str | re.Pattern[str]) -> None:
        expect(self.page.get_by_text(text)).to_have_count(0)

    def sign_up(self, link: str, passphrase: str | None = None) -> None:
        """From a link to an account: name, protection, recovery code typed back."""
        self.open(link)
        self.give_name()
        self.protect(passphrase)
        self.keep_code()
        self.type_code_back()

    def give_name(self) -> None:
        self.page.get_by_label("Your name").fill(self.name)
        self.button("Continue").click()

    def protect(self, passphrase: str | None = None) -> None:
        """With the passkey; with a passphrase where one is given."""
        if passphrase is None:
            self.button("Use this device’s lock").click()
            return
        self.choose_passphrase(passphrase)

    def choose_passphrase(self, passphrase: str) -> None:
        field = self.page.get_by_label("Passphrase", exact=True)
        instead = self.button("Use a passphrase instead")
        expect(field.or_(instead).first).to_be_visible()
        if instead.is_visible():
            instead.click()
        field.fill(passphrase)
        self.page.get_by_label("Passphrase again", exact=True).fill(passphrase)
        self.button("Protect with this passphrase").click()

    def keep_code(self) -> str:
        """Read the recovery code from the page, and say that it is kept."""
        self.read_code()
        self.button("I have kept it safe").click()
        return self.code

    def read_code(self) -> None:
        shown = self.page.get_by_role("list", name="Recovery code, seven groups of four characters")
        expect(shown.get_by_role("listitem")).to_have_count(7, timeout=LONG_MS)
        self.code = "-".join(one.strip()[-4:] for one in shown.get_by_role("listitem").all_inner_texts())
        assert CODE.fullmatch(self.code), self.code

    def asked_groups(self) -> list[int]:
        """Which groups of the code are to be typed back, counted from 1."""
        expect(self.heading("Type part of it back")).to_be_visible()
        return [number for number in range(1, 8) if self.page.get_by_label(f"Group {number}").count()]

    def type_code_back(self, groups: list[str] | None = None) -> None:
        """The groups that are asked for, from the kept code or from another."""
        groups = groups or self.code.split("-")
        for number in self.asked_groups():
            self.page.get_by_label(f"Group {number}").fill(groups[number - 1])
        self.button("Check and finish").click()

    # Groups.

    def start_group(self, title: str) -> None:
        self.button("Start a group").first.click()
        self.page.get_by_label("Name of the group").fill(title)
        self.button("Start the group").click()
        self.in_group(title)

    def in_group(self, title: str, timeout: float = LONG_MS) -> None:
        """The group is open on the screen."""
        expect(self.title(title)).to_be_visible(timeout=timeout)
        expect(self.composer).to_be_visible(timeout=timeout)

    def title(self, title: str) -> Locator:
        return self.page.get_by_role("heading", name=title, exact=True, level=1)

    def choose(self, title: str) -> None:
        """Open a group from the list."""
        if self.phone:
            self.to_groups()
        self.group(title).click()
        self.in_group(title)

    @property
    def people(self) -> Locator:
        return self.page.get_by_role("complementary", name="People")

    def show_people(self) -> None:
        if not self.people.is_visible():
            self.button(re.compile("^People in this group")).click()
        expect(self.people).to_be_visible()

    def hide_people(self) -> None:
        """Back to the messages, which a phone shows instead."""
        if self.people.is_visible():
            self.page.go_back()

    def invite(self) -> str:
        """A new invitation link of the group on the screen."""
        self.show_people()
        self.button("Make an invitation link").click()
        field = self.page.get_by_role("textbox", name="Invitation link")
        expect(field).to_have_value(re.compile("/join#"))
        link = field.input_value()
        self.button("Done").click()
        return link

    def accept(self, link: str, passphrase: str | None = None) -> None:
        """With an account already here. In the only tab that there is, opening a link locks it first."""
        self._listen_to_worker()
        self.open(link)
        self.see("You opened an invitation. Unlock first; then you are asked whether to join.")
        self.unlock(passphrase)
        self.button("Ask to join").click()

    def group(self, title: str) -> Locator:
        """A group's place in the list."""
        return self.page.get_by_role("navigation").get_by_role("link", name=re.compile(re.escape(title)))

    def to_groups(self) -> None:
        if self.phone and self.page.get_by_role("link", name="Back to your groups").is_visible():
            self.page.get_by_role("link", name="Back to your groups").click()
        else:
            self.page.get_by_role("link", name="Collegium", exact=True).click()

    def open_group(self, title: str) -> None:
        """Open a group that appears in the list by itself, sooner or later."""
        expect(self.group(title).or_(self.title(title)).first).to_be_visible(timeout=LONG_MS)
        if not self.title(title).is_visible():
            self.group(title).click()
        self.in_group(title)

    def open_group_for_reading(self, title: str) -> None:
        """A group that this one is no longer in."""
        if not self.title(title).is_visible():
            self.group(title).click()
        expect(self.title(title)).to_be_visible()

    def rename_group(self, title: str) -> None:
        self.show_people()
        self.button("Change the name…").click()
        self.page.get_by_label("Name of the group").fill(title)
        self.button("Change the name").click()
        self.in_group(title)

    def rename(self, name: str) -> None:
        """Another name of one's own, by the settings, and back."""
        place = self.at
        self.settings()
        self.page.get_by_label("Name that colleagues see").fill(name)
        self.button("Save the name").click()
        self.see("Saved. Your groups see the new name.")
        self.page.go_back()
        expect(self.page).to_have_url(place)

    def tab_to(self, target: Locator) -> None:
        """Press Tab until the focus is there, as somebody without a mouse does."""
        expect(target).to_be_visible()
        for _ in range(MAX_TABS):
            if target.evaluate("one => one === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"the keyboard does not reach {target}")

    def is_recoverable(self) -> None:
        """The server has the list of this person's groups, sealed (E22)."""
        deadline = monotonic() + LONG_MS / 1000
        while not any((one.method, one.path) == ("PUT", "/api/backup") for one in self.relay.answered):
            assert monotonic() < deadline, f"no backup of {self.name} was stored"
            self.page.evaluate("() => new Promise(requestAnimationFrame)")

    def evict(self) -> None:
        """The browser takes away what this site has stored, as when space is short."""
        session = self.context.new_cdp_session(self.page)
        session.send("Storage.clearDataForOrigin", {"origin": self.origin, "storageTypes": "all"})
        session.detach()

    def settings(self) -> None:
        self.page.get_by_role("link", name="Settings").click()

    def member(self, name: str) -> Locator:
        """Somebody's line in the list of people."""
        self.show_people()
        return self.people.get_by_role("listitem").filter(has_text=name)

    def remove_member(self, name: str, yes: str = "Remove now") -> None:
        self.show_people()
        self.button(f"More about {name}").click()
        self.button(f"Remove {name} from the group…").click()
        self.page.get_by_role("dialog").get_by_role("button", name=yes).click()

    def agree_to_remove(self, name: str) -> None:
        self.show_people()
        self.button(f"Agree to remove {name}").click()
        self.page.get_by_role("dialog").get_by_role("button", name="Agree").click()

    def leave(self) -> None:
        self.show_people()
        self.button("Leave the group…").click()
        self.page.get_by_role("dialog").get_by_role("button", name="Leave").click()

    # Writing and reading.

    @property
    def composer(self) -> Locator:
        return self.page.get_by_role("textbox", name="Write to the group")

    def say(self, text: str) -> None:
        self.composer.fill(text)
        self.send()

    def send(self) -> None:
        """What is written goes out: by Enter, and on a phone, where Enter is a new line, by the button."""
        if self.phone:
            self.button(re.compile("^(Send|Save the change)$"), exact=False).click()
        else:
            self.composer.press("Enter")
        expect(self.composer).to_have_value("")

    def post(self, text: str | re.Pattern[str]) -> Locator:
        """A message on the screen, by its words."""
        return self.page.get_by_role("article").filter(has_text=text)

    def reads(self, text: str, timeout: float = PATIENCE_MS) -> None:
        expect(self.post(text).first).to_be_visible(timeout=timeout)

    def reads_not(self, text: str) -> None:
        expect(self.post(text)).to_have_count(0)

    def open_actions(self, text: str) -> None:
        """The menu of a message."""
        post = self.post(text).last
        post.hover()
        post.get_by_role("button", name=re.compile("^Actions for")).click()

    def act(self, text: str, action: str) -> None:
        self.open_actions(text)
        self.page.get_by_role("dialog").get_by_role("button", name=action, exact=True).click()

    def react(self, text: str, emoji: str) -> None:
        self.open_actions(text)
        self.page.get_by_role("dialog").get_by_role("button", name=re.compile(emoji)).click()

    def reaction(self, text: str, emoji: str) -> Locator:
        """The mark below a message that says who reacted so."""
        return self.post(text).last.get_by_role("button", name=re.compile(f"^{emoji}"))

    def transcript(self) -> list[str]:
        """Every message that this device has of the group, in order, read by scrolling up."""
        found: list[str] = self.page.evaluate(TRANSCRIPT, MAX_TURNS)
        return found

    def has_read(self, texts: list[str], timeout_s: float = LONG_MS / 1000) -> None:
        """All of these are there, sooner or later, also those that are not on the screen."""
        deadline = monotonic() + timeout_s
        while missing := set(texts) - set(self.transcript()):
            assert monotonic() < deadline, f"{self.name} has not read {missing}"

    def delivery(self, text: str, mark: str, timeout: float = PATIENCE_MS) -> None:
        """A message of one's own bears this mark: 'Waiting to be sent', 'On the server, encrypted', …"""
        expect(self.post(text).last).to_contain_text(re.compile(mark), timeout=timeout)

    # Locking, leaving, coming back.

    def lock(self) -> None:
        self.button("Lock Collegium on this device").click()
        self.is_locked()

    def is_locked(self, timeout: float = PATIENCE_MS) -> None:
        expect(self.heading("Collegium is locked")).to_be_visible(timeout=timeout)

    def unlock(self, passphrase: str | None = None) -> None:
        """One gesture with the passkey; or a passphrase."""
        self.is_locked()
        if passphrase is None:
            self.button("Open with this device’s lock").click()
        else:
            self.page.get_by_label("Passphrase", exact=True).fill(passphrase)
            self.button("Open").click()

    def is_open(self) -> None:
        expect(self.heading("Collegium is locked")).to_have_count(0, timeout=LONG_MS)

    def reload(self, passphrase: str | None = None) -> None:
        """A reload takes the last tab away, so it locks."""
        self._listen_to_worker()
        self.page.reload()
        self.unlock(passphrase)
        self.is_open()

    def close_laptop(self) -> None:
        """No page is open any more; the passkey stays in the machine."""
        self.place = self.at
        self._listen_to_worker()
        self.page.goto("about:blank")

    def open_laptop(self, passphrase: str | None = None) -> None:
        """Back where this one was."""
        self.page.goto(self.place)
        self.unlock(passphrase)
        self.is_open()

    @contextmanager
    def offline(self) -> Iterator[None]:
        self.allow(NETWORK_NOISE)
        self.relay.cut()
        try:
            yield
        finally:
            self.relay.heal()

    @property
    def origin(self) -> str:
        return self.relay.origin

    @property
    def at(self) -> str:
        """Where this one is now, for coming back to it."""
        return self.page.url

    def second_tab(self) -> "Person":
        """The same browser once more, with another page on the same place."""
        other = copy(self)
        other.page = self.context.new_page()
        other.page.goto(self.at)
        return other

    # Time.

    def passes_idle_checks(self) -> None:
        """After `move_clock`: the engine looks at its clock a few times more."""
        reads = int(str(self.engine("globalThis.clockReads ?? 0")))
        # Its look is the only one that comes by itself and often while nobody does anything.
        self.engine(
            f"""new Promise((done) => {{
              const look = () =>
                (globalThis.clockReads ?? 0) >= {reads + 2} ? done() : setTimeout(look, 100);
              look();
            }})"""
        )

    def move_clock(self, ms: int) -> None:
        """Fake time for the engine, from now on."""
        self.engine(f"{MOVE_CLOCK}({ms})")

    def engine(self, expression: str) -> object:
        """Run script where the engine runs."""
        assert self._workers is not None
        return self._workers.evaluate(self.id, expression)

    def screenshot(self, path: str) -> None:
        try:
            self.page.screenshot(path=path, timeout=5_000)
        except Error as error:
            print(f"no picture of {self.name}: {error.message.splitlines()[0]}")

    def close(self) -> None:
        self.context.close()
        self.relay.close()
