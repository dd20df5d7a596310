"""A member in Python for tests in another language: it joins by an invitation, keeps its KeyPackages, and
answers lines of JSON on standard input by lines on standard output.

`{"claim": device}` → a group with that device added by what it claimed: {"welcome", "authenticator"}.
`{"join": welcome}` → the group joined by the keys that it kept: {"authenticator", "kept"}. All in hex.
"""

import asyncio
import json
import sys
from pathlib import Path

from client.collegium import Collegium
from client.engine.draft import Draft
from client.engine.key_packages import KEPT_THERE, claim_key_packages, kept_for, without_used
from client.engine.records import KeptKeyPackage
from client.room.leaf import fresh_leaf
from crypto.mls.group import create_group, epoch_authenticator
from crypto.mls.join_group import join_by_welcome
from crypto.mls.proposal import Add
from crypto.mls.stage_commit import Staged, stage_commit
from crypto.mls.suite import room_suite
from crypto.room.key_packages import ClaimedKeyPackage
from crypto.room.room_context import new_commons, room_extensions
from tests.client.company import PASSPHRASE, until


def with_added(me: Collegium, claimed: ClaimedKeyPackage) -> Staged:
    """A group of its own, outside of any room, with the device added."""
    env = me.session.env()
    leaf = fresh_leaf(env, 0)
    group = create_group(
        suite=room_suite,
        group_id=env.rng(16),
        signature=leaf.signature,
        credential=leaf.credential,
        not_before=leaf.not_before,
        not_after=leaf.not_after,
        extensions=room_extensions(new_commons(env.me.account_id, "A case")),
        rng=env.rng,
    )
    return stage_commit(group, proposals=[Add(claimed.key_package)], authenticated_data=b"", rng=env.rng)


async def joined_by(me: Collegium, welcome: bytes) -> bytes:
    """Join, and forget the keys. Gives the epoch authenticator."""
    mine = kept_for(me.session.records, welcome)
    assert mine is not None
    joined = join_by_welcome(
        suite=room_suite, welcome=welcome, key_package=mine.key_package, secrets=mine.secrets
    )
    await forget(me, mine)
    return epoch_authenticator(joined.group)


async def forget(me: Collegium, used: KeptKeyPackage) -> None:
    def work(draft: Draft) -> None:
        draft.records = without_used(draft.records, used)

    await me.session.work(work)


def filled(me: Collegium) -> bool:
    return sum(one.sent for one in me.session.records.key_packages) >= KEPT_THERE + 1


async def _answer(me: Collegium, question: dict[str, str]) -> dict[str, str]:
    if "claim" in question:
        device = bytes.fromhex(question["claim"])
        claimed = (await claim_key_packages(me.session, me.rooms[0].id, [device]))[device]
        if not isinstance(claimed, ClaimedKeyPackage):
            return {"code": claimed.code}
        staged = with_added(me, claimed)
        assert staged.welcome is not None
        return {
            "welcome": staged.welcome.hex(),
            "authenticator": epoch_authenticator(staged.next).hex(),
        }
    welcome = bytes.fromhex(question["join"])
    authenticator = await joined_by(me, welcome)
    kept = kept_for(me.session.records, welcome)
    return {"authenticator": authenticator.hex(), "kept": "none" if kept is None else kept.ref.hex()}


async def _exchange(store: Path, link: str) -> None:
    async with Collegium.open(store, PASSPHRASE) as me:
        await me.join(link, name="Petra")
        await until(me, lambda: filled(me))
        print(json.dumps({"device": me.session.records.account.device_id.hex()}), flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            print(json.dumps(await _answer(me, json.loads(line))), flush=True)


if __name__ == "__main__":
    asyncio.run(_exchange(Path(sys.argv[1]), sys.argv[2]))
