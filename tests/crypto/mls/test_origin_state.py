"""A GroupOrigin that was stored is the same as before, and damage to it is the store's."""

from dataclasses import replace

import pytest

from crypto.mls.group_origin import GroupOrigin, OriginFounding, branch_group, join_from_origin, origin_of
from crypto.mls.origin_state import decode_origin, encode_origin
from crypto.mls.proposal import ReInit
from crypto.mls.suite import ROOM_SUITE, room_suite
from tests.crypto.mls.simulation import (
    NOT_AFTER,
    NOT_BEFORE,
    Person,
    code_of,
    fault_of,
    room_extensions,
    room_of,
    welcome_of,
)
from tests.crypto.seeded_rng import seeded_rng

rng = seeded_rng("origin state")
ADA, BEN = room_of(ROOM_SUITE, ["ada", "ben"], rng)
ENDED = ReInit(b"anew", 1, ROOM_SUITE, room_extensions("anew"))
ORIGINS = (origin_of(ADA.group), replace(origin_of(ADA.group), reinit=ENDED))


def stored(origin: GroupOrigin) -> GroupOrigin:
    return decode_origin(encode_origin(origin))


@pytest.mark.parametrize("origin", ORIGINS)
def test_it_comes_back_as_it_was_stored(origin: GroupOrigin) -> None:
    assert stored(origin) == origin


def test_e31_a_case_begins_from_an_epoch_that_was_stored_on_both_sides() -> None:
    ada, ben = Person(room_suite, "ada", rng), Person(room_suite, "ben", rng)
    package = ben.key_package()
    founding = OriginFounding(
        signature=ada.signature,
        credential=ada.credential,
        not_before=NOT_BEFORE,
        not_after=NOT_AFTER,
        key_packages=[package.key_package],
        same_member=lambda old, present: old.credential == present.credential,
        authenticated_data=b"",
        rng=rng,
    )
    staged = branch_group(
        stored(origin_of(ADA.group)),
        founding,
        suite=room_suite,
        group_id=b"a case",
        extensions=room_extensions("case"),
    )
    joined = join_from_origin(
        suite=room_suite,
        welcome=welcome_of(staged),
        key_package=package.bytes,
        secrets=package.secrets,
        origins=lambda *_: stored(origin_of(BEN.group)),
        same_member=founding.same_member,
    )
    assert joined.group.secrets == staged.next.secrets


def test_damage_is_the_stores_fault_wherever_it_is_cut() -> None:
    data = encode_origin(ORIGINS[1])
    for end in range(0, len(data), 97):
        assert fault_of(lambda end=end: decode_origin(data[:end])) == "storage"  # type: ignore[misc]
    assert code_of(lambda: decode_origin(data[:-1])) == "group_origin"
    assert code_of(lambda: decode_origin(data + b"x")) == "group_origin"
    assert code_of(lambda: decode_origin(b"\x02" + data[1:])) == "group_format"
    short = encode_origin(replace(ORIGINS[0], psk=rng(room_suite.nh - 1)))
    assert code_of(lambda: decode_origin(short)) == "group_secret"
    other = replace(ORIGINS[0].context, suite=1)
    assert code_of(lambda: decode_origin(encode_origin(replace(ORIGINS[0], context=other)))) == "group_origin"
