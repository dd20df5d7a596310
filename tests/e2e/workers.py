"""The shared workers of a browser, over CDP: Playwright does not show them. The engine lives in one."""

import json
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from playwright.sync_api import Browser, BrowserContext, CDPSession, Page

ROUNDS = 2_000
# Moves every clock that the script of a worker or a page can read, by so many milliseconds.
MOVE_CLOCK = """(shift => {
  const Real = globalThis.RealDate ?? Date;
  globalThis.RealDate = Real;
  globalThis.Date = class extends Real {
    constructor(...given) { if (given.length) super(...given); else super(Real.now() + shift); }
    static now() { globalThis.clockReads = (globalThis.clockReads ?? 0) + 1; return Real.now() + shift; }
  };
})"""


@dataclass
class SharedWorker:
    target: str
    context: str
    session: str
    problems: list[str] = field(default_factory=list)
    alive: bool = True


def _problem(message: dict[str, Any]) -> str | None:
    given = message.get("params", {})
    match message.get("method"):
        case "Runtime.exceptionThrown":
            details = given["exceptionDetails"]
            told = details.get("exception", {}).get("description") or details.get("exception", {}).get(
                "value"
            )
            return f"worker threw: {details['text']} {told}"
        case "Runtime.consoleAPICalled" if given["type"] in ("error", "assert"):
            said = (str(arg.get("value", arg.get("description"))) for arg in given["args"])
            return "worker console: " + " ".join(said)
    return None


class Workers:
    """Attaches to each shared worker as it appears, and keeps what it complains about."""

    def __init__(self, browser: Browser) -> None:
        self._cdp: CDPSession = browser.new_browser_cdp_session()
        self._ids = count(1)
        self._answers: dict[int, dict[str, Any]] = {}
        self.all: list[SharedWorker] = []
        self._cdp.on("Target.targetCreated", self._created)
        self._cdp.on("Target.receivedMessageFromTarget", self._received)
        self._cdp.on("Target.detachedFromTarget", self._detached)
        self._cdp.send("Target.setDiscoverTargets", {"discover": True})

    def _created(self, event: dict[str, Any]) -> None:
        info = event["targetInfo"]
        if info["type"] != "shared_worker":
            return
        session = self._cdp.send("Target.attachToTarget", {"targetId": info["targetId"], "flatten": False})
        worker = SharedWorker(info["targetId"], info.get("browserContextId", ""), session["sessionId"])
        self.all.append(worker)
        self._tell(worker, "Runtime.enable")  # it also reports what was thrown before

    def _tell(self, worker: SharedWorker, method: str, **params: Any) -> int:
        number = next(self._ids)
        message = json.dumps({"id": number, "method": method, "params": params})
        self._cdp.send("Target.sendMessageToTarget", {"sessionId": worker.session, "message": message})
        return number

    def _received(self, event: dict[str, Any]) -> None:
        message = json.loads(event["message"])
        if "id" in message:
            self._answers[message["id"]] = message
            return
        problem = _problem(message)
        if problem:
            for worker in self.all:
                if worker.session == event["sessionId"]:
                    worker.problems.append(problem)

    def _detached(self, event: dict[str, Any]) -> None:
        for worker in self.all:
            if worker.session == event["sessionId"]:
                worker.alive = False

    def of(self, context: str) -> list[SharedWorker]:
        """The living ones of a browser context, by its CDP id."""
        return [one for one in self.all if one.context == context and one.alive]

    def problems(self, context: str) -> list[str]:
        return [problem for one in self.all if one.context == context for problem in one.problems]

    def evaluate(self, worker: SharedWorker, expression: str) -> Any:
        """Run script inside a worker; promises are waited for. JSON comes back."""
        number = self._tell(
            worker, "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        for _ in range(ROUNDS):
            if number in self._answers:
                answer = self._answers.pop(number)
                assert "exceptionDetails" not in answer.get("result", {}), answer
                return answer["result"]["result"].get("value")
            self._cdp.send("Target.getTargets")  # a round trip, in which events come in
        raise AssertionError(f"the worker does not answer: {expression}")

    def move_clock(self, context: str, shift_ms: int) -> None:
        """Fake time in every shared worker of a context."""
        workers = self.of(context)
        assert workers, "no shared worker runs"
        for worker in workers:
            self.evaluate(worker, f"{MOVE_CLOCK}({shift_ms})")


def context_id(context: BrowserContext, page: Page) -> str:
    """The id by which CDP knows a browser context."""
    session = context.new_cdp_session(page)
    info = session.send("Target.getTargetInfo")["targetInfo"]
    session.detach()
    return str(info["browserContextId"])
