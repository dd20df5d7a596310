from client.room.heads import Heads, head_at, heads_from, judge_seen, with_head
from crypto.room.log_head import Seen


def head(n: int) -> bytes:
    """A head that shows its position."""
    return n.to_bytes(8) + bytes((7,)) * 40


def grown(start: int, end: int) -> Heads:
    heads = heads_from(start, head(start))
    for n in range(start + 1, end + 1):
        heads = with_head(heads, n, head(n))
    return heads


def test_e19_keeps_the_last_8192_positions_at_least_and_not_all() -> None:
    heads = grown(100, 20_000)
    for n in (20_000, 19_999, 15_872, 15_871, 20_000 - 8_191):
        assert head_at(heads, n) == head(n)[:16]
    assert head_at(heads, 20_001) is None
    assert head_at(heads, 100) is None
    assert len(heads) <= 17


def test_one_more_position_changes_one_chunk() -> None:
    before = grown(0, 1_030)
    after = with_head(before, 1_031, head(1_031))
    assert len(after) == len(before)
    assert all(one is other for one, other in zip(after[:-1], before[:-1], strict=True))


def test_e19_what_an_author_had_seen_is_the_same_unknown_another_or_impossible() -> None:
    heads = grown(50, 100)

    def seen(n: int, of: int | None = None) -> Seen:
        return Seen(n, head(n if of is None else of)[:16])

    assert judge_seen(heads, seen(100), 101, 90) == "same"
    assert judge_seen(heads, seen(90), 101, 90) == "same"
    assert judge_seen(heads, seen(49), 101, 40) == "unknown"
    assert judge_seen(heads, seen(95, 96), 101, 90) == "differs"
    assert judge_seen(heads, seen(101), 101, 90) == "impossible"
    assert judge_seen(heads, seen(89), 101, 90) == "impossible"
