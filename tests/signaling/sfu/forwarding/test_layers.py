"""Who gets which layer: screens first, then everybody small, then some large; and steps that hold."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signaling.sfu import layers
from signaling.sfu.control import Kind, Layer
from signaling.sfu.layers import Candidate, Ladder, allot

NONE, LOW, MIDDLE, HIGH = Layer.NONE, Layer.LOW, Layer.MIDDLE, Layer.HIGH
RATES = ((LOW, 150.0), (MIDDLE, 500.0), (HIGH, 1500.0))


def camera(
    wish: Layer = HIGH,
    rank: int = 0,
    rates: tuple[tuple[Layer, float], ...] = RATES,
    current: Layer = NONE,
) -> Candidate:
    return Candidate(Kind.CAMERA, wish, rank, rates, current)


def screen(rate: float = 800.0, current: Layer = NONE) -> Candidate:
    return Candidate(Kind.SCREEN, HIGH, 0, ((HIGH, rate),), current)


@pytest.mark.parametrize(
    ("candidates", "budget", "given"),
    [
        ([camera()], 2000, [HIGH]),
        ([camera()], 1499, [MIDDLE]),
        ([camera()], 200, [LOW]),
        ([camera()], 100, [NONE]),
        ([camera(LOW)], 2000, [LOW]),
        ([camera(NONE)], 2000, [NONE]),
        ([camera(rates=())], 2000, [NONE]),
        # Nothing so small is sent: the smallest there is.
        ([camera(LOW, rates=RATES[1:])], 2000, [MIDDLE]),
        # Everybody small before anybody large; then the speaker, then the others.
        ([camera(rank=1), camera(rank=0)], 299, [NONE, LOW]),
        ([camera(rank=1), camera(rank=0)], 300, [LOW, LOW]),
        ([camera(rank=1), camera(rank=0)], 650, [LOW, MIDDLE]),
        ([camera(rank=1), camera(rank=0)], 1000, [MIDDLE, MIDDLE]),
        ([camera(rank=1), camera(rank=0)], 2000, [MIDDLE, HIGH]),
        # Who is wished large goes before who speaks.
        ([camera(HIGH, rank=3), camera(MIDDLE, rank=0)], 650, [MIDDLE, LOW]),
        # The screen first.
        ([camera(), screen()], 950, [LOW, HIGH]),
        ([camera(), screen()], 900, [NONE, HIGH]),
        ([camera(), screen()], 500, [MIDDLE, NONE]),
        # A screen that leaps is kept for a while of its leap.
        ([screen()], 800 / layers.SCREEN_SLACK, [HIGH]),
        # A picture that is shown freezes later than one that is not shown yet would begin.
        ([camera(current=LOW)], 110, [LOW]),
        ([camera(current=LOW)], 100, [NONE]),
    ],
)
def test_allotment(candidates: list[Candidate], budget: float, given: list[Layer]) -> None:
    assert allot(candidates, budget) == given


def test_of_many_cameras_the_last_speakers_are_shown_and_who_is_wished_large() -> None:
    candidates = [camera(MIDDLE, rank=rank) for rank in range(12)] + [camera(HIGH, rank=12)]
    given = allot(candidates, 1e9)
    assert [layer is not NONE for layer in given] == [True] * 5 + [False] * 7 + [True]
    large = [camera(HIGH, rank=rank) for rank in range(9)] + [camera(LOW, rank=9)]
    assert [layer is not NONE for layer in allot(large, 1e9)] == [True] * 9 + [False]


def test_screens_take_no_place_of_cameras() -> None:
    candidates = [screen(), *(camera(MIDDLE, rank=rank) for rank in range(layers.CAMERAS))]
    assert NONE not in allot(candidates, 1e9)


RATE = st.floats(10, 1000)
CANDIDATES = st.lists(
    st.builds(
        lambda kind, wish, rank, low, more, most, current: Candidate(
            kind,
            wish,
            rank,
            ((HIGH, low),)
            if kind is Kind.SCREEN
            else ((LOW, low), (MIDDLE, low + more), (HIGH, low + more + most)),
            current,
        ),
        st.sampled_from((Kind.CAMERA, Kind.SCREEN)),
        st.sampled_from(Layer),
        st.integers(0, 15),
        RATE,
        RATE,
        RATE,
        st.sampled_from(Layer),
    ),
    max_size=15,
)


@given(CANDIDATES, st.floats(0, 20_000))
@settings(max_examples=300, derandomize=True, deadline=None)
def test_what_is_given_fits_and_is_wished(candidates: list[Candidate], budget: float) -> None:
    given = allot(candidates, budget)
    spent = 0.0
    for one, layer in zip(candidates, given, strict=True):
        if layer is not NONE:
            assert layers.STEP[layer] <= layers.STEP[one.wish] or layer is one.rates[0][0]
            spent += dict(one.rates)[layer]
    # A screen in its leap, and cameras that are shown already, may be over it by their slack.
    kept = sum(one.rates[0][1] for one, layer in zip(candidates, given, strict=True) if layer is not NONE)
    assert spent <= budget + 0.01 + (1 - layers.KEPT) * kept + (layers.SCREEN_SLACK - 1) * budget


@given(CANDIDATES, st.floats(0, 20_000))
@settings(max_examples=300, derandomize=True, deadline=None)
def test_nobody_is_without_a_picture_for_what_makes_others_larger(
    candidates: list[Candidate], budget: float
) -> None:
    given = allot(candidates, budget)
    cameras = [i for i in layers.shown(candidates) if candidates[i].kind is Kind.CAMERA]
    larger = sum(
        dict(candidates[i].rates)[given[i]] - candidates[i].rates[0][1]
        for i in cameras
        if given[i] is not NONE
    )
    for i in cameras:
        if given[i] is NONE:
            weight = layers.KEPT if candidates[i].current is not NONE else 1
            assert larger <= weight * candidates[i].rates[0][1] + 0.01


class Stairs:
    """One camera and a budget over time."""

    def __init__(self) -> None:
        self.ladder = Ladder()
        self.current = NONE
        self.now = 0.0
        self.history: list[tuple[float, Layer]] = []

    def run(self, budget: float, seconds: float, wish: Layer = HIGH) -> Layer:
        for _ in range(int(seconds / 0.2)):
            self.now += 0.2
            (given,) = self.ladder.decide([camera(wish, current=self.current)], budget, self.now)
            if given is not self.current:
                self.history.append((self.now, given))
            self.current = given
        return self.current


def test_the_first_picture_comes_at_once() -> None:
    assert Stairs().run(200, 0.2) is LOW


def test_down_at_once_and_up_after_a_while_with_room_to_spare() -> None:
    stairs = Stairs()
    stairs.run(2000, 1)
    assert stairs.current is HIGH
    assert stairs.run(1400, 0.2) is MIDDLE
    assert stairs.run(1600, 10) is MIDDLE  # less than the margin
    assert stairs.run(1400, 0.2) is MIDDLE
    assert stairs.run(450, 0.2) is LOW
    down = stairs.now
    assert stairs.run(2000, layers.FIRST_HOLD + 0.4) is HIGH
    assert stairs.history[-1][0] - down >= layers.FIRST_HOLD


def test_steps_up_that_do_not_last_come_later_and_later() -> None:
    stairs = Stairs()
    stairs.run(2000, 1)
    waits = []
    for _ in range(6):
        stairs.run(1000, 0.2)
        down = stairs.now
        while stairs.run(2000, 0.2) is not HIGH:
            pass
        waits.append(stairs.now - down)
    assert all(later > 1.5 * wait for wait, later in pairwise(waits[:3]))
    assert waits[-1] <= layers.MAX_HOLD + 0.4


def test_a_picture_comes_back_soon_where_a_larger_one_has_to_wait() -> None:
    stairs = Stairs()
    for _ in range(3):  # larger ones did not last
        while stairs.run(2000, 0.2) is not HIGH:
            pass
        stairs.run(450, 0.2)
    assert stairs.run(2000, 5) is LOW
    stairs.run(50, layers.PATIENCE + 0.4)
    assert stairs.current is NONE
    assert stairs.run(2000, layers.FIRST_BARE_HOLD - 0.5) is NONE
    assert stairs.run(2000, 1.0) is LOW
    assert stairs.run(2000, 30) is HIGH


def test_one_congestion_is_one_fall_however_many_steps_it_takes() -> None:
    stairs = Stairs()
    stairs.run(2000, 1)
    stairs.run(1000, 0.2)
    stairs.run(2000, layers.FIRST_HOLD + 0.4)
    assert stairs.current is HIGH
    for budget in (1000, 450):
        stairs.run(budget, 0.2)
    stairs.run(50, layers.PATIENCE + 0.4)
    assert stairs.history[-1][1] is NONE
    # It did not last, once: the wait is doubled once.
    assert stairs.run(2000, 2 * layers.FIRST_HOLD + 0.4) is HIGH


def test_a_wish_that_shrinks_is_no_reason_to_wait() -> None:
    stairs = Stairs()
    stairs.run(2000, 1)
    assert stairs.run(2000, 0.2, wish=LOW) is LOW
    assert stairs.run(2000, 0.2, wish=HIGH) is HIGH


def test_a_budget_at_the_edge_does_not_make_it_flicker() -> None:
    stairs = Stairs()
    for i in range(200):
        stairs.run(1480 + (i % 2) * 60, 0.2)
    assert len(stairs.history) <= 2


def test_what_the_next_step_needs() -> None:
    ladder = Ladder()
    ladder.decide([camera(current=LOW), camera(LOW, current=LOW)], 400, 1.0)
    assert ladder.wanting == pytest.approx((150 + 500) * layers.MARGIN)
    ladder.decide([camera(LOW, current=LOW)], 400, 1.0)
    assert ladder.wanting == 0
    # A screen that is not shown comes before a camera's next step.
    ladder.decide([camera(current=LOW), screen(600)], 400, 2.0)
    assert ladder.wanting == pytest.approx((150 + 600) * layers.MARGIN)


def test_a_picture_alone_on_a_path_without_a_queue_outlives_two_moments_of_overuse() -> None:
    ladder, shown = Ladder(), [camera(current=LOW)]
    assert ladder.decide(shown, 150 * 0.85**2 - 20, 1.0, full=False) == [LOW]
    assert ladder.decide(shown, 150 * 0.3, 1.2, full=False) == [LOW]
    assert ladder.decide(shown, 150 * 0.3, 1.2 + layers.PATIENCE, full=False) == [NONE]
    # Where a queue stands the voice goes before it.
    ladder = Ladder()
    ladder.decide(shown, 150 * 0.85**2 - 20, 1.0, full=True)
    assert ladder.decide(shown, 150 * 0.85**2 - 20, 1.0 + layers.PATIENCE, full=True) == [NONE]


def test_a_moment_without_a_budget_pauses_nothing() -> None:
    stairs = Stairs()
    stairs.run(200, 1)
    for _ in range(5):
        assert stairs.run(20, layers.PATIENCE - 0.2) is LOW
        assert stairs.run(200, 0.2) is LOW
    assert stairs.run(20, layers.PATIENCE + 0.4) is NONE
