"""The upkeep of this device's KeyPackages, and claims of those of others (RFC 9420 §10, §16.8; E10, E39).

Private keys are in the store before the server hears of a KeyPackage. What the server was perhaps told is
told again, and a ref that it knows changes nothing; so a kill at any moment leaves nothing half. Having a
KeyPackage on the server lets nobody add this device by itself: a Welcome is taken only where it is expected
(E25).
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from client.engine.auth import server_info
from client.engine.draft import Draft
from client.engine.http import may_pass
from client.engine.records import KeptKeyPackage, Records, SeenKeyPackage
from client.errors import CollegiumError, ServerError
from client.room.faults import Fault, judged
from client.room.leaf import fresh_leaf
from client.room.surface import Env
from crypto.identity.statement import read_chain
from crypto.mls.key_package import key_package_ref
from crypto.mls.suite import room_suite
from crypto.room.key_packages import (
    ClaimedKeyPackage,
    Claiming,
    WantedDevice,
    judge_claimed,
    make_key_package,
    welcomed_refs,
)
from wire import http as bodies
from wire.bounds import MAX_CLAIM

if TYPE_CHECKING:
    from client.engine.session import Session
    from client.room.state import Membership

DAY_MS: Final = 24 * 3600 * 1000
PATH: Final = "/api/key-packages"

KEPT_THERE: Final = 20
REFILL_BELOW: Final = 10
# Twice a day, so that the one of last resort is another within a day after it was handed out (THREATS 4).
LOOK_EVERY_MS: Final = DAY_MS // 2
# Whoever claims one has some days to use it.
RENEW_BEFORE_MS: Final = 7 * DAY_MS
# A Welcome whose Commit came in time may reach this device later.
GRACE_MS: Final = 7 * DAY_MS
# Private keys at most; beyond, nothing new is left there before older ones have run out.
MAX_KEPT: Final = 256
MAX_SEEN: Final = 4096
# In one call: its body has at most 256 KiB.
UPLOAD_AT_ONCE: Final = 24
ROUNDS: Final = 4

log = logging.getLogger("collegium")


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done at a look at what the server has."""

    kept: tuple[KeptKeyPackage, ...]
    """Those whose private keys stay."""
    upload: tuple[KeptKeyPackage, ...]
    """Made earlier; the server was not heard to have them."""
    singles: int
    last_resort: bool
    """Whether another one of last resort is to be made."""
    withdrawn: tuple[bytes, ...]
    """Refs that nobody should be handed any more."""


def plan_upkeep(kept: Sequence[KeptKeyPackage], there: bodies.OwnKeyPackages, now: int) -> Plan:
    """`now` in ms, by the server's clock."""
    left = tuple(one for one in kept if now <= one.not_after + GRACE_MS)
    lasting = {one.ref: one for one in left if one.not_after > now + RENEW_BEFORE_MS}
    upload = tuple(one for one in lasting.values() if not one.sent)
    good = {ref for ref in there.available if ref in lasting}
    good |= {one.ref for one in upload if not one.last_resort}
    singles = KEPT_THERE - len(good) if len(good) < REFILL_BELOW else 0
    rotated = there.last_resort in lasting and there.last_resort_handed_out is None
    # Also those that another store than this one has the keys of: nobody should be added by them.
    withdrawn = tuple(ref for ref in there.available if ref not in lasting)
    return Plan(
        kept=left,
        upload=upload,
        singles=max(0, min(singles, MAX_KEPT - len(left))),
        last_resort=not rotated and not any(one.last_resort for one in upload),
        withdrawn=withdrawn,
    )


def make(env: Env, last_resort: bool) -> KeptKeyPackage:
    """A new one, and its private keys."""
    leaf = fresh_leaf(env, 0)
    created = make_key_package(leaf, last_resort, env.rng)
    return KeptKeyPackage(
        ref=key_package_ref(room_suite, created.bytes),
        key_package=created.bytes,
        secrets=created.secrets,
        not_after=leaf.not_after * 1000,
        last_resort=last_resort,
        sent=False,
    )


def _prepare(there: bodies.OwnKeyPackages, server_now: int, draft: Draft) -> Plan:
    """The plan with everything that it makes, stored when this draft is."""
    env = replace(draft.env, server_now=server_now)
    plan = plan_upkeep(draft.records.key_packages, there, env.server_now)
    made = [make(env, last_resort=False) for _ in range(plan.singles)]
    if plan.last_resort:
        made.append(make(env, last_resort=True))
    kept = (*plan.kept, *made)
    if len(made) > 0 or len(plan.kept) < len(draft.records.key_packages):
        draft.records = replace(draft.records, key_packages=kept)
    return replace(plan, kept=kept, upload=(*plan.upload, *made)[:UPLOAD_AT_ONCE])


async def tend(session: "Session") -> None:
    """See to it that the server has enough of them. Raises ServerError where it cannot be asked now."""
    # Asked now: were this device's clock set wrongly, keys that are still needed would be deleted by it.
    server_now = (await server_info(session.http)).time
    there = await session.auth.call("GET", PATH, bodies.OwnKeyPackages)
    for _ in range(ROUNDS):
        plan = await session.work(partial(_prepare, there, server_now))
        if not plan.upload and not plan.withdrawn:
            return
        body = bodies.KeyPackages(
            key_packages=[
                bodies.KeyPackage(
                    ref=one.ref, not_after=one.not_after, payload=one.key_package, last_resort=one.last_resort
                )
                for one in plan.upload
            ],
            withdrawn=list(plan.withdrawn),
        )
        try:
            there = await session.auth.call("PUT", PATH, bodies.OwnKeyPackages, body)
        except ServerError as error:
            if may_pass(error):
                raise
            # These will never be taken. An answer that said yes may have been lost before, so the keys stay.
            log.warning("KeyPackages were refused: %s", error.code)
            await session.work(partial(_note_sent, plan))
            return
        await session.work(partial(_note_sent, plan))


def _note_sent(plan: Plan, draft: Draft) -> None:
    refs = {one.ref for one in plan.upload}
    kept = tuple(
        replace(one, sent=True) if one.ref in refs and not one.sent else one
        for one in draft.records.key_packages
    )
    draft.records = replace(draft.records, key_packages=kept)


# Being added by one


def kept_for(records: Records, welcome: bytes) -> KeptKeyPackage | None:
    """Whose private keys open this Welcome (an MLSMessage). Whether it may be opened at all is for whoever
    expects it to say (E25). Raises MlsError of the peer's fault.
    """
    refs = welcomed_refs(welcome)
    return next((one for one in records.key_packages if one.ref in refs), None)


def without_used(records: Records, used: KeptKeyPackage) -> Records:
    """It has joined: in the same draft as the group that it joined. RFC 9420 §16.8: the keys of one of last
    resort open other Welcomes as well, and go a while after another has taken its place.
    """
    if used.last_resort:
        return records
    kept = tuple(one for one in records.key_packages if one.ref != used.ref)
    return replace(records, key_packages=kept)


# Claiming


@dataclass(frozen=True, slots=True)
class Unavailable:
    """Why a device cannot be added now. none: the server has no KeyPackage of it, or not for this device;
    not_here: it is not in the room; identity_blocked: the person's keys are disputed (E7). Any other is the
    check that the KeyPackage did not pass.
    """

    code: str


Claimed = ClaimedKeyPackage | Unavailable


async def claim_key_packages(
    session: "Session", room_id: bytes, devices: Sequence[bytes]
) -> dict[bytes, Claimed]:
    """A KeyPackage of each of these devices of a room, verified, or why there is none. What comes is noted
    before it is given, so that a server which hands it out again is found out. Raises CollegiumError.
    """
    state = session.rooms.get(room_id)
    if state is None or state.membership is None:
        raise CollegiumError("not_found")
    membership = state.membership
    pinned = {device: _pinned(session.records, membership, device) for device in devices}
    asked = [device for device, one in pinned.items() if isinstance(one, WantedDevice)]
    found: dict[bytes, bytes] = {}
    for at in range(0, len(asked), MAX_CLAIM):
        part = asked[at : at + MAX_CLAIM]
        body = bodies.KeyPackageClaim(devices=part)
        answer = await session.auth.call("POST", f"{PATH}/claim", bodies.ClaimedKeyPackages, body)
        given = {one.device_id: one.payload for one in answer.key_packages}
        if len(given) < len(answer.key_packages) or not given.keys() <= set(part):
            raise ServerError("server_answer", 200)
        found |= given
    return await session.work(lambda draft: _judge_all(draft, membership, pinned, found))


def _judge_all(
    draft: Draft,
    membership: "Membership",
    pinned: Mapping[bytes, "WantedDevice | Unavailable"],
    found: Mapping[bytes, bytes],
) -> dict[bytes, Claimed]:
    out: dict[bytes, Claimed] = {}
    for device, wanted in pinned.items():
        if isinstance(wanted, Unavailable):
            out[device] = wanted
        elif device not in found:
            out[device] = Unavailable("none")
        else:
            out[device] = _judge(draft, membership, wanted, found[device])
    return out


def _judge(draft: Draft, membership: "Membership", wanted: WantedDevice, data: bytes) -> Claimed:
    at = Claiming(
        deployment_id=draft.env.me.deployment_id,
        now=draft.env.now,  # E10: the committer's own clock
        revocations=membership.context.revocations,
        seen={one.ref for one in draft.records.seen_key_packages},
    )
    claimed = judged(lambda: judge_claimed(data, wanted, at))
    if isinstance(claimed, Fault):
        return Unavailable(claimed.code)
    if not claimed.last_resort:
        draft.records = with_seen(draft.records, SeenKeyPackage(claimed.ref, claimed.not_after), at.now)
    return claimed


def with_seen(records: Records, seen: SeenKeyPackage, now: int) -> Records:
    """One that has run out is refused for that, and need not be remembered."""
    others = tuple(one for one in records.seen_key_packages if one.not_after >= now)
    return replace(records, seen_key_packages=(*others, seen)[-MAX_SEEN:])


def _pinned(records: Records, membership: "Membership", device: bytes) -> WantedDevice | Unavailable:
    """The device by the keys that this one knows the person by, never by what a server says of it."""
    leaf = next((one for one in membership.roster.values() if one.device_id == device), None)
    account = records.account
    if leaf is None or device == account.device_id:
        return Unavailable("not_here")
    identity = account.identity
    if leaf.account_id == identity.account_id:
        chain = read_chain(identity.chain)
        return WantedDevice(device, leaf.account_id, chain.identity_key, chain.serial, tuple(chain.roots))
    person = records.people.get(leaf.account_id)
    if person is None or person.standing == "blocked":
        return Unavailable("identity_blocked")
    return WantedDevice(device, leaf.account_id, person.identity_key, person.identity_serial, person.roots)
