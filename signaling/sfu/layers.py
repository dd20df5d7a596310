"""Which layer of which stream one receiver gets, within what its path carries.

Audio is never weighed here: it is taken off the budget before. Then the screen, then the smallest layer of
each camera, then larger ones for those who are wished large and those who speak. So pictures become smaller
before one of them freezes.
"""

from collections.abc import Sequence
from typing import Final

from signaling.sfu.control import Kind, Layer

LADDER: Final = (Layer.LOW, Layer.MIDDLE, Layer.HIGH)
STEP: Final = {Layer.NONE: 0, Layer.LOW: 1, Layer.MIDDLE: 2, Layer.HIGH: 3}

CAMERAS: Final = 6
"""In a larger call only so many cameras are shown, of who spoke last; what is wished large always is."""

MARGIN: Final = 1.15
"""A step up needs this much more than the streams have: else the next breath of the path takes it back."""
SCREEN_SLACK: Final = 1.25
"""A screen's rate leaps when its content does; it is kept up to this times what is left for it."""
KEPT: Final = 0.7
"""Share of its rate that the smallest layer of a camera is weighed at while it is shown: before a picture
freezes, the path must be well below it. Beyond the estimate goes the rest of that layer, no more.
"""
KEPT_FREE: Final = 0.35
"""The same where no queue stands on the path. What is measured then is what was sent, less what a moment's
overuse takes off: two such moments would end every picture that is alone on its path.
"""
PATIENCE: Final = 0.8
"""Seconds for which the estimate must be too low for a picture, before there is none at all: one that is
paused is away for longer than that, and a moment in which a machine stood still is over by then.
"""
FIRST_HOLD: Final = 3.0
MAX_HOLD: Final = 30.0
FIRST_BARE_HOLD: Final = 1.5
MAX_BARE_HOLD: Final = 10.0
"""Seconds after a step down before the next one up; they double where a step up did not last. To be seen at
all is held up less long than to be seen larger."""
LASTING: Final = 10.0
"""Seconds that a step up must last, not to count as one too many."""


class Candidate:
    """A video stream as one receiver sees it. Plain fields: there are many, five times a second."""

    __slots__ = ("current", "kind", "rank", "rates", "wish")

    def __init__(
        self, kind: Kind, wish: Layer, rank: int, rates: Sequence[tuple[Layer, float]], current: Layer
    ) -> None:
        self.kind = kind
        self.wish = wish
        self.rank = rank
        """Of its sender among the speakers: 0 speaks, or did last."""
        self.rates = rates
        """(layer, bits in a second) of what comes from the sender now, the smallest first."""
        self.current = current
        """What it was given before."""

    def options(self) -> list[tuple[Layer, float]]:
        """Up to the wish, ascending; where there is nothing so small, the smallest there is."""
        if self.wish is Layer.NONE or not self.rates:
            return []
        limit = STEP[self.wish]
        return [one for one in self.rates if STEP[one[0]] <= limit] or [self.rates[0]]


def shown(candidates: Sequence[Candidate]) -> set[int]:
    """The indices of those cameras that are shown at all, and of every screen."""
    cameras = [
        i for i, one in enumerate(candidates) if one.kind is Kind.CAMERA and one.wish is not Layer.NONE
    ]
    cameras.sort(key=lambda i: _order(candidates[i]))
    large = sum(1 for i in cameras if candidates[i].wish is Layer.HIGH)
    return {i for i, one in enumerate(candidates) if one.kind is Kind.SCREEN} | set(
        cameras[: max(CAMERAS, large)]
    )


def _order(one: Candidate) -> tuple[bool, int]:
    return (one.wish is not Layer.HIGH, one.rank)


def allot(candidates: Sequence[Candidate], budget: float, share: float = KEPT) -> list[Layer]:
    """The largest layers that fit, screens first, then cameras by wish and by who speaks.

    `share` is what the smallest layer of a camera that is shown is weighed at.
    """
    given = [Layer.NONE] * len(candidates)
    visible = shown(candidates)
    order = sorted(visible, key=lambda i: (candidates[i].kind is not Kind.SCREEN, *_order(candidates[i])))
    costs = [0.0] * len(candidates)
    # Each round gives the next step to everybody, in order, before anybody gets the one after it.
    choices = {i: candidates[i].options() for i in order}
    for i in order:
        if candidates[i].kind is Kind.SCREEN and choices[i]:
            layer, rate = choices.pop(i)[-1]
            if rate <= budget * SCREEN_SLACK:
                given[i] = layer
                budget -= min(rate, budget)
    for step in range(len(LADDER)):
        for i in order:
            options = choices.get(i, ())
            if step < len(options):
                layer, rate = options[step]
                if step == 0 and candidates[i].current is not Layer.NONE:
                    rate *= share
                # Who got no smaller layer may not have a larger one: it costs no less.
                if (step == 0 or given[i] is options[step - 1][0]) and rate - costs[i] <= budget:
                    budget -= rate - costs[i]
                    given[i], costs[i] = layer, rate
    return given


class Hold:
    """How long to wait after a fall: longer each time that what came after the wait did not last."""

    __slots__ = ("_longest", "_raised", "_shortest", "_wait", "until")

    def __init__(self, shortest: float, longest: float) -> None:
        self._shortest = shortest
        self._longest = longest
        self._wait = shortest
        self._raised: float | None = None
        self.until = 0.0

    def fell(self, now: float) -> None:
        """One congestion is one fall, however many steps it takes."""
        if self._raised is not None:
            lasted = now - self._raised >= LASTING
            self._wait = self._shortest if lasted else min(self._longest, 2 * self._wait)
            self._raised = None
        self.until = now + self._wait

    def rose(self, now: float) -> None:
        # The first rise of all is the beginning of the call: its fall is not one too many.
        if self.until:
            self._raised = now


class Ladder:
    """One receiver's steps: down at once, up with room to spare, and the later the more that did not last.

    To have a picture at all is held up by falls to nothing alone, not by those from large to small.
    """

    __slots__ = ("_first", "_larger", "_short_since", "wanting")

    def __init__(self) -> None:
        self._first = Hold(FIRST_BARE_HOLD, MAX_BARE_HOLD)
        self._larger = Hold(FIRST_HOLD, MAX_HOLD)
        self._short_since: float | None = None
        self.wanting = 0.0
        """Bits in a second that the next step up needs; 0 when every wish is met."""

    def decide(
        self, candidates: Sequence[Candidate], budget: float, now: float, full: bool = True
    ) -> list[Layer]:
        """`full`: a queue stands on the path."""
        share = KEPT if full else KEPT_FREE
        most = allot(candidates, budget, share)
        safe = allot(candidates, budget / MARGIN, share)
        visible = shown(candidates)
        most = self._patiently(candidates, most, visible, now)
        out = []
        for i, (one, at_most, safely) in enumerate(zip(candidates, most, safe, strict=True)):
            sure = min(safely, at_most, key=STEP.__getitem__)
            given = one.current
            if STEP[one.current] > STEP[at_most]:
                given = at_most
                # A wish that shrank, a layer that stopped, a speaker who fell silent: not the path's doing.
                if i in visible and one.current in [layer for layer, _ in one.options()]:
                    self._larger.fell(now)
                    if at_most is Layer.NONE:
                        self._first.fell(now)
            elif STEP[sure] > STEP[one.current]:
                if one.current is Layer.NONE and now >= self._first.until:
                    given = sure if now >= self._larger.until else one.options()[0][0]
                    self._first.rose(now)
                elif one.current is not Layer.NONE and now >= self._larger.until:
                    given = sure
                    self._larger.rose(now)
            out.append(given)
        self.wanting = _next_need(candidates, out)
        return out

    def _patiently(
        self, candidates: Sequence[Candidate], most: list[Layer], visible: set[int], now: float
    ) -> list[Layer]:
        """The same, but whoever has a picture and should have none keeps the smallest for a while."""
        short = [
            i
            for i in visible
            if most[i] is Layer.NONE and candidates[i].current is not Layer.NONE and candidates[i].options()
        ]
        if not short:
            self._short_since = None
            return most
        if self._short_since is None:
            self._short_since = now
        if now - self._short_since >= PATIENCE:
            return most
        kept = [*most]
        for i in short:
            kept[i] = candidates[i].options()[0][0]
        return kept


def _next_need(candidates: Sequence[Candidate], given: Sequence[Layer]) -> float:
    """The rate of everything that is given and of the first step up after it, with the margin.

    The first step is that of a screen that is not shown, else the smallest.
    """
    visible = shown(candidates)
    total = 0.0
    steps: list[float] = []
    screens: list[float] = []
    for i, (one, layer) in enumerate(zip(candidates, given, strict=True)):
        options = one.options() if i in visible else []
        have = next((rate for each, rate in options if each is layer), 0.0)
        total += have
        larger = next((rate for each, rate in options if STEP[each] > STEP[layer]), None)
        if larger is not None:
            (screens if one.kind is Kind.SCREEN else steps).append(larger - have)
    first = min(screens or steps, default=0.0)
    return (total + first) * MARGIN if first else 0.0
