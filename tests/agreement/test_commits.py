"""Commits, and what every language must make of them (E14): what they did, or which rule they break.

Whoever judges one otherwise falls out of the room. `commits/*.json` hold every Commit that the tests of
web/tests/room have had judged; `web/tests/room/recorded.ts` writes them down.
"""

import json
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any, cast, get_args

import pytest

from crypto.identity.credential import LeafIdentity
from crypto.mls.extension import decode_extensions
from crypto.mls.judge_commit import AddedMember, Judged, JudgedProposal
from crypto.mls.key_package import decode_key_package
from crypto.mls.leaf_node import decode_leaf_node
from crypto.mls.proposal import decode_proposal
from crypto.mls.tree_math import LeafIndex
from crypto.room.change import Happening, RoomChange
from crypto.room.errors import RoomRuleError
from crypto.room.room_context import Policy, decode_room_context, encode_change, encode_room_context
from crypto.room.roster import Roster
from crypto.room.validity import Judging, judge_room_commit

FILES = sorted((Path(__file__).parent / "commits").glob("*.json"))


@cache
def given(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(file.read_text())
    return found


CASES = [
    pytest.param(file, at, id=f"{file.stem} {at}: {case['name']}")
    for file in FILES
    for at, case in enumerate(given(file)["cases"])
]


class Written:
    """One case, with what it shares with others of its file."""

    def __init__(self, file: Path, at: int) -> None:
        self.shared: list[str] = given(file)["shared"]
        self.case: dict[str, Any] = given(file)["cases"][at]

    def octets(self, number: int) -> bytes:
        return bytes.fromhex(self.shared[number])

    def identity(self, number: int) -> LeafIdentity:
        account, root, identity_key, deployment, device, leaf_key, *rest = self.shared[number].split(" ")
        identity_serial, certificate_serial, not_before, not_after = map(int, rest[:4])
        return LeafIdentity(
            account_id=bytes.fromhex(account),
            root_key=bytes.fromhex(root),
            identity_key=bytes.fromhex(identity_key),
            identity_serial=identity_serial,
            deployment_id=bytes.fromhex(deployment),
            device_id=bytes.fromhex(device),
            leaf_key=bytes.fromhex(leaf_key),
            certificate_serial=certificate_serial,
            not_before=not_before,
            not_after=not_after,
            roots=tuple(map(bytes.fromhex, rest[4:])),
        )

    def roster(self, seats: list[tuple[int, int]]) -> Roster:
        return {LeafIndex(leaf): self.identity(who) for leaf, who in seats}

    def judged(self) -> Judged:
        case = self.case
        path_leaf = case["path_leaf"]
        return Judged(
            committer=LeafIndex(case["committer"]),
            proposals=tuple(
                JudgedProposal(
                    decode_proposal(self.octets(one["proposal"])), one["sender"], one["by_reference"]
                )
                for one in case["proposals"]
            ),
            path_leaf=None if path_leaf is None else decode_leaf_node(self.octets(path_leaf)),
            added=tuple(self.added(leaf, key_package) for leaf, key_package in case["added"]),
            removed=tuple(map(LeafIndex, case["removed"])),
            updated=(),
            extensions_after=decode_extensions(self.octets(case["extensions_after"])),
            removes_me=False,
            # Rooms look at none of these.
            tree_after=cast(Any, None),
            authenticated=cast(Any, None),
            next_epoch=cast(Any, None),
        )

    def added(self, leaf: int, number: int) -> AddedMember:
        key_package = decode_key_package(self.octets(number))
        return AddedMember(LeafIndex(leaf), key_package.leaf_node, key_package)

    def judging(self) -> Judging:
        case = self.case
        return Judging(
            room_id=self.octets(case["room"]),
            deployment_id=self.octets(case["deployment"]),
            before=decode_room_context(self.octets(case["before"])),
            roster=self.roster(case["roster"]),
            judged=self.judged(),
            stamp=case["stamp"],
        )


def happening(one: Happening) -> dict[str, object]:
    """As it stands in the files."""

    def plain(value: object) -> object:
        if isinstance(value, bytes):
            return value.hex()
        if isinstance(value, tuple):
            return [plain(item) for item in value]
        if isinstance(value, Policy):
            return value.admit_approvals
        return value if isinstance(value, str | int) else encode_change(cast(Any, value)).hex()

    values = {field.name.rstrip("_"): plain(getattr(one, field.name)) for field in fields(one)}
    return {"kind": one.kind, **values}


def check_outcome(written: Written, verdict: dict[str, Any], change: RoomChange) -> None:
    assert change.committer == written.identity(verdict["committer"])
    assert [
        {
            "leaf": one.leaf,
            "invite_id": one.invite_id and one.invite_id.hex(),
            "request_hash": one.request_hash and one.request_hash.hex(),
            "name": one.name,
        }
        for one in change.added
    ] == verdict["added"]
    assert [one.leaf for one in change.removed] == verdict["removed"]
    assert [account.hex() for account in change.gone] == verdict["gone"]
    assert encode_room_context(change.context) == written.octets(verdict["context"])
    assert change.roster == written.roster(verdict["roster"])
    assert [happening(one) for one in change.what] == verdict["what"]


@pytest.mark.parametrize(("file", "at"), CASES)
def test_e14_a_commit_is_judged_alike(file: Path, at: int) -> None:
    written = Written(file, at)
    verdict = written.case["verdict"]
    judging = written.judging()
    if isinstance(verdict, str):
        with pytest.raises(RoomRuleError) as caught:
            judge_room_commit(judging)
        assert f"{caught.value.rule} {caught.value.code}" == verdict
    else:
        check_outcome(written, verdict, judge_room_commit(judging))


def test_e14_commits_of_every_verdict_are_there() -> None:
    """So that no file is empty by mistake."""
    verdicts = [case["verdict"] for file in FILES for case in given(file)["cases"]]
    broken = {verdict for verdict in verdicts if isinstance(verdict, str)}
    done = {one["kind"] for verdict in verdicts if isinstance(verdict, dict) for one in verdict["what"]}
    assert len(broken) >= 50
    assert {one.split(" ")[0] for one in broken} >= {
        "E1",
        "E7",
        "E9",
        "E10",
        "E13",
        "E14",
        "E22",
        "E28",
        "E29",
    }
    assert done == {one.kind for one in get_args(Happening)}
