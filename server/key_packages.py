"""KeyPackages that devices leave for others to add them with (RFC 9420 §10, §16.8; E9, E10).

The server keeps bytes that it does not read. A KeyPackage is handed out once: the transaction that hands it
out takes its bytes away, and keeps its ref until it expires, so that the same upload made again does not
bring it back. The one of last resort is for when there is no other, and stays (THREATS 4).
"""

from typing import Any, Final

from fastapi import APIRouter, Response
from sqlalchemy import Connection, Row, delete, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from server.caller import Caller, House, SignedIn, reply
from server.database import now_ms
from server.errors import MalformedError, RefusedError, TooManyError
from server.ledger import Ledger
from server.retention import CLAIM_HOURS, DAY_MS, HOUR_MS
from server.tables import CLAIM_COUNTS, DEVICES, KEY_PACKAGES, MEMBERS
from wire import http
from wire.bounds import MAX_KEY_PACKAGES

router = APIRouter(prefix="/api/key-packages")

# E10: thirty days, dated back by one, and one for a clock that runs ahead.
MAX_LIFETIME_MS: Final = 32 * DAY_MS
# In any 24 hours. Beyond the second, a device is added by its KeyPackage of last resort: whoever drains the
# others keeps nobody from being added, and costs the device no more keys.
CLAIMS_OF_ACCOUNT: Final = 512
CLAIMS_FROM_DEVICE: Final = 48


@router.put("")
async def upload(body: http.KeyPackages, caller: SignedIn, house: House) -> Response:
    """Store what is not known yet. The same again changes nothing, also where it was handed out since."""
    refs = [one.ref for one in body.key_packages]
    if len(set(refs)) < len(refs) or sum(one.last_resort for one in body.key_packages) > 1:
        raise MalformedError

    def run(database: Connection, _ledger: Ledger) -> http.OwnKeyPackages:
        now = now_ms()
        if any(not now < one.not_after <= now + MAX_LIFETIME_MS for one in body.key_packages):
            raise RefusedError("lifetime", "A KeyPackage must not have run out, and lasts 30 days at most.")
        mine = KEY_PACKAGES.c.device == caller.device
        database.execute(
            delete(KEY_PACKAGES).where(mine, KEY_PACKAGES.c.ref.in_(body.withdrawn), _unclaimed())
        )
        known = set(database.execute(select(KEY_PACKAGES.c.ref).where(mine)).scalars())
        for one in body.key_packages:
            if one.ref not in known:
                _store(database, caller, one)
        return _own(database, caller, now)

    return reply(await house.hub.change(run))


def _store(database: Connection, caller: Caller, one: http.KeyPackage) -> None:
    mine = KEY_PACKAGES.c.device == caller.device
    if one.last_resort:
        # The newer one of last resort takes the place of the older.
        database.execute(delete(KEY_PACKAGES).where(mine, KEY_PACKAGES.c.last_resort.is_(True)))
    else:
        stored = select(func.count()).select_from(KEY_PACKAGES).where(mine, _single(), _unclaimed())
        if database.execute(stored).scalar_one() >= MAX_KEY_PACKAGES:
            raise RefusedError(
                "too_many_key_packages", f"The server keeps {MAX_KEY_PACKAGES} KeyPackages of a device."
            )
    database.execute(
        insert(KEY_PACKAGES).values(
            device=caller.device,
            ref=one.ref,
            not_after=one.not_after,
            last_resort=one.last_resort,
            payload=one.payload,
            handed_out=None,
        )
    )


@router.get("")
async def own(caller: SignedIn, house: House) -> Response:
    return reply(await house.readers.read(lambda db: _own(db, caller, now_ms())))


def _own(database: Connection, caller: Caller, now: int) -> http.OwnKeyPackages:
    rows = database.execute(
        select(KEY_PACKAGES.c.ref, KEY_PACKAGES.c.last_resort, KEY_PACKAGES.c.handed_out)
        .where(KEY_PACKAGES.c.device == caller.device, KEY_PACKAGES.c.payload.isnot(None))
        .where(KEY_PACKAGES.c.not_after > now)
        .order_by(KEY_PACKAGES.c.not_after, KEY_PACKAGES.c.ref)
    ).all()
    last = next((row for row in rows if row.last_resort), None)
    return http.OwnKeyPackages(
        available=[row.ref for row in rows if not row.last_resort],
        last_resort=None if last is None else last.ref,
        last_resort_handed_out=None if last is None else last.handed_out,
    )


@router.post("/claim")
async def claim(body: http.KeyPackageClaim, caller: SignedIn, house: House) -> Response:
    """One KeyPackage for each device that has one, and that the caller may add.

    A device that does not exist, that has none, and that is of nobody in a room with the caller, all look the
    same (THREATS 39, 40), and count the same.
    """
    if len(set(body.devices)) < len(body.devices):
        raise MalformedError
    factor = house.settings.rate_factor

    def run(database: Connection, _ledger: Ledger) -> http.ClaimedKeyPackages:
        now = now_ms()
        hour = now // HOUR_MS
        if _counted(database, caller.account, hour) + len(body.devices) > CLAIMS_OF_ACCOUNT * factor:
            raise TooManyError(int(HOUR_MS - now % HOUR_MS) // 1000 + 1)
        _count(database, caller.account, hour, len(body.devices))
        found = []
        for device in body.devices:
            if not _may_claim(database, caller, device):
                continue
            spent = _counted(database, device, hour) >= CLAIMS_FROM_DEVICE * factor
            row = _next(database, device, now, last_resort=spent)
            if row is not None:
                _hand_out(database, row, now)
                _count(database, device, hour, 1)
                found.append(
                    http.ClaimedKeyPackage(device_id=device, payload=row.payload, last_resort=row.last_resort)
                )
        return http.ClaimedKeyPackages(key_packages=found)

    return reply(await house.hub.change(run))


def _may_claim(database: Connection, caller: Caller, device: bytes) -> bool:
    """Whether the device is another one, of an account that is served in a room with the calling device."""
    here, there = MEMBERS.alias(), MEMBERS.alias()
    wanted, served = DEVICES.alias(), DEVICES.alias()
    return device != caller.device and (
        database.execute(
            select(there.c.room)
            .join(here, here.c.room == there.c.room)
            .join(served, served.c.id == there.c.device)
            .join(wanted, wanted.c.account == served.c.account)
            .where(here.c.device == caller.device, here.c.until.is_(None), there.c.until.is_(None))
            .where(wanted.c.id == device, wanted.c.gone.is_(False), served.c.gone.is_(False))
            .limit(1)
        ).first()
        is not None
    )


def _next(database: Connection, device: bytes, now: int, last_resort: bool) -> "Row[Any] | None":
    """The one that runs out first, and the one of last resort where there is no other."""
    query = (
        select(KEY_PACKAGES)
        .where(KEY_PACKAGES.c.device == device, KEY_PACKAGES.c.payload.isnot(None))
        .where(KEY_PACKAGES.c.not_after > now)
        .order_by(KEY_PACKAGES.c.last_resort, KEY_PACKAGES.c.not_after, KEY_PACKAGES.c.ref)
        .limit(1)
    )
    if last_resort:
        query = query.where(KEY_PACKAGES.c.last_resort.is_(True))
    return database.execute(query).one_or_none()


def _hand_out(database: Connection, row: Any, now: int) -> None:
    """In the transaction that answers: what was handed out is not there any more (RFC 9420 §16.8)."""
    this = update(KEY_PACKAGES).where(KEY_PACKAGES.c.device == row.device, KEY_PACKAGES.c.ref == row.ref)
    if not row.last_resort:
        database.execute(this.values(payload=None, handed_out=now))
    elif row.handed_out is None:
        database.execute(this.values(handed_out=now))


def _single() -> Any:
    return KEY_PACKAGES.c.last_resort.is_(False)


def _unclaimed() -> Any:
    return KEY_PACKAGES.c.payload.isnot(None)


def _counted(database: Connection, subject: bytes, hour: int) -> int:
    """Claims of an account, or from a device, in 24 hours. In the database: a restart frees nobody."""
    counted = select(func.coalesce(func.sum(CLAIM_COUNTS.c.count), 0)).where(
        CLAIM_COUNTS.c.subject == subject, CLAIM_COUNTS.c.hour > hour - CLAIM_HOURS
    )
    return int(database.execute(counted).scalar_one())


def _count(database: Connection, subject: bytes, hour: int, more: int) -> None:
    # By whole hours, and never both names in one row: the disk does not say who claimed whose.
    row = upsert(CLAIM_COUNTS).values(subject=subject, hour=hour, count=more)
    database.execute(
        row.on_conflict_do_update(
            index_elements=[CLAIM_COUNTS.c.subject, CLAIM_COUNTS.c.hour],
            set_={"count": CLAIM_COUNTS.c.count + more},
        )
    )


def forget_device(database: Connection, device: bytes) -> None:
    """Of a device that is removed from its account."""
    database.execute(delete(KEY_PACKAGES).where(KEY_PACKAGES.c.device == device))
