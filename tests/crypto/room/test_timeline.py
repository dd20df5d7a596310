"""The timeline: what people said, in segments."""

from crypto.room.timeline import (
    EMPTY_TIMELINE,
    SEGMENT_ITEMS,
    Reaction,
    SaidDelete,
    SaidEdit,
    SaidPost,
    SaidReact,
    SystemItem,
    Timeline,
    find_post,
    item_count,
    latest,
    timeline_of,
    unread_above,
    with_said,
    with_system,
)


def id_of(n: int) -> bytes:
    return n.to_bytes(16, "big")


ANNA, BEN = id_of(1_000_001), id_of(1_000_002)


def posts(count: int) -> Timeline:
    timeline = EMPTY_TIMELINE
    for n in range(1, count + 1):
        timeline = with_said(timeline, SaidPost(id_of(n), str(n), None), ANNA, n, n * 10)
    return timeline


def test_one_change_touches_one_segment() -> None:
    before = posts(2 * SEGMENT_ITEMS + 10)
    assert [len(segment) for segment in before] == [SEGMENT_ITEMS, SEGMENT_ITEMS, 10]
    after = with_said(before, SaidEdit(id_of(3), "three"), ANNA, 600, 6_000)
    assert after[0] is not before[0]
    assert after[1] is before[1]
    assert after[2] is before[2]
    post = find_post(after, id_of(3))
    assert post is not None
    assert (post.text, post.edited_at, post.n) == ("three", 6_000, 3)


def test_a_stored_timeline_is_the_same_and_its_posts_are_found() -> None:
    before = posts(SEGMENT_ITEMS + 3)
    stored = timeline_of(tuple(tuple(segment) for segment in before))
    assert stored == before
    for n in (1, SEGMENT_ITEMS, SEGMENT_ITEMS + 3):
        assert find_post(stored, id_of(n)) == find_post(before, id_of(n))
    assert find_post(stored, id_of(SEGMENT_ITEMS + 4)) is None


def test_only_authors_edit_and_delete_and_what_is_deleted_stays_so() -> None:
    timeline = posts(2)
    for said in (SaidEdit(id_of(1), "not mine"), SaidDelete(id_of(1))):
        assert with_said(timeline, said, BEN, 3, 3) is timeline
    timeline = with_said(timeline, SaidReact(id_of(1), "👍", on=True), BEN, 5, 5)
    timeline = with_said(timeline, SaidDelete(id_of(1)), ANNA, 6, 6)
    for late in (SaidEdit(id_of(1), "again"), SaidReact(id_of(1), "👍", on=True)):
        assert with_said(timeline, late, ANNA, 7, 7) is timeline
    post = find_post(timeline, id_of(1))
    assert post is not None
    assert (post.text, post.deleted, post.reactions) == ("", True, ())


def test_a_reaction_counts_once_for_each_account() -> None:
    timeline = posts(1)

    def react(who: bytes, on: bool, emoji: str = "👍") -> tuple[Reaction, ...]:
        nonlocal timeline
        timeline = with_said(timeline, SaidReact(id_of(1), emoji, on=on), who, 2, 2)
        post = find_post(timeline, id_of(1))
        assert post is not None
        return post.reactions

    react(ANNA, True)
    react(ANNA, True)
    assert react(BEN, True) == (Reaction("👍", (ANNA, BEN)),)
    react(ANNA, False)
    assert react(ANNA, False) == (Reaction("👍", (BEN,)),)
    assert react(BEN, False) == ()
    for i in range(100):
        react(ANNA, True, chr(0x1F600 + i))
    assert len(react(BEN, True, "one more")) == 64


def test_the_same_post_does_not_come_twice_and_what_is_about_nothing_changes_nothing() -> None:
    before = posts(SEGMENT_ITEMS + 3)
    for n in (2, SEGMENT_ITEMS + 2):
        assert with_said(before, SaidPost(id_of(n), "other", None), BEN, 9, 9) is before
    assert with_said(before, SaidDelete(id_of(777)), ANNA, 9, 9) is before


def test_it_counts_and_gives_the_latest() -> None:
    line = SystemItem(id_of(900), 900, 1, "renamed", None, ANNA, "")
    timeline = with_system(posts(SEGMENT_ITEMS + 5), line)
    assert item_count(timeline) == SEGMENT_ITEMS + 6
    assert item_count(EMPTY_TIMELINE) == 0
    assert [item.n for item in latest(timeline, 8)] == [249, 250, 251, 252, 253, 254, 255, 900]
    assert len(latest(timeline, 10_000)) == SEGMENT_ITEMS + 6
    assert latest(timeline, 0) == ()
    assert (unread_above(timeline, 200, BEN), unread_above(timeline, 200, ANNA)) == (55, 0)
