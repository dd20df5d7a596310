"""The shared workers of a browser, over CDP: Playwright does not show them. The engine lives in one.

Nobody stays attached: a worker that is left and started again while a debugger is attached would wait for it.
What a worker complained about is kept by the browser and told to whoever attaches.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

from playwright.sync_api import Browser, BrowserContext, CDPSession, Error, Page

ROUNDS = 20_000
# Moves every clock that the script of a worker or a page can read, by so many milliseconds.
MOVE_CLOCK = """(shift => {
  const Real = globalThis.RealDate ?? Date;
  globalThis.RealDate = Real;
  globalThis.Date = class extends Real {
    constructor(...given) { if (given.length) super(...given); else super(Real.now() + shift); }
    static now() { globalThis.clockReads = (globalThis.clockReads ?? 0) + 1; return Real.now() + shift; }
  };
})"""


def _problem(message: dict[str, Any]) -> tuple[float, str] | None:
    """When it was, and what."""
    given = message.get("params", {})
    match message.get("method"):
        case "Runtime.exceptionThrown":
            details = given["exceptionDetails"]
            told = details.get("exception", {}).get("description") or details.get("exception", {}).get(
                "value"
            )
            return given["timestamp"], f"worker threw: {details['text']} {told}"
        case "Runtime.consoleAPICalled" if given["type"] in ("error", "assert"):
            said = (str(arg.get("value", arg.get("description"))) for arg in given["args"])
            return given["timestamp"], "worker console: " + " ".join(said)
    return None


class Workers:
    """The shared workers of one browser."""

    def __init__(self, browser: Browser) -> None:
        self._cdp: CDPSession = browser.new_browser_cdp_session()
        self._ids = count(1)
        self._answers: dict[int, dict[str, Any]] = {}
        self._told: list[tuple[float, str]] = []
        self._known: set[tuple[str, float, str]] = set()
        self._cdp.on("Target.receivedMessageFromTarget", self._received)

    def _received(self, event: dict[str, Any]) -> None:
        message = json.loads(event["message"])
        if "id" in message:
            self._answers[message["id"]] = message
        elif problem := _problem(message):
            self._told.append(problem)

    def _targets(self, context: str) -> list[str]:
        infos = self._cdp.send("Target.getTargets")["targetInfos"]
        return [
            one["targetId"]
            for one in infos
            if one["type"] == "shared_worker" and one.get("browserContextId") == context
        ]

    @contextmanager
    def _attached(self, target: str) -> Iterator[str]:
        session = self._cdp.send("Target.attachToTarget", {"targetId": target, "flatten": False})["sessionId"]
        try:
            yield session
        finally:
            self._cdp.send("Target.detachFromTarget", {"sessionId": session})

    def _ask(self, session: str, method: str, **params: Any) -> dict[str, Any]:
        number = next(self._ids)
        message = json.dumps({"id": number, "method": method, "params": params})
        self._cdp.send("Target.sendMessageToTarget", {"sessionId": session, "message": message})
        for _ in range(ROUNDS):
            if number in self._answers:
                return self._answers.pop(number)
            self._cdp.send("Target.getTargets")  # a round trip, in which events come in
        raise AssertionError(f"the worker does not answer to {method}")

    def problems(self, context: str) -> list[str]:
        """What the living workers of a browser context complained about since the last look."""
        found = []
        for target in self._targets(context):
            self._told.clear()
            try:
                with self._attached(target) as session:
                    self._ask(session, "Runtime.enable")
            except Error:
                continue  # it went at this moment
            for at, problem in self._told:
                if (target, at, problem) not in self._known:
                    self._known.add((target, at, problem))
                    found.append(problem)
        return found

    def evaluate(self, context: str, expression: str) -> Any:
        """Run script inside the one worker of a context; promises are waited for. JSON comes back."""
        (target,) = self._targets(context)
        with self._attached(target) as session:
            answer = self._ask(
                session, "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
            )
        assert "exceptionDetails" not in answer.get("result", {}), answer
        return answer["result"]["result"].get("value")


def context_id(context: BrowserContext, page: Page) -> str:
    """The id by which CDP knows a browser context."""
    session = context.new_cdp_session(page)
    info = session.send("Target.getTargetInfo")["targetInfo"]
    session.detach()
    return str(info["browserContextId"])
