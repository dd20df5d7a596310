"""From nothing, or from a closed store, to an account that the server knows and a vault that is open."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from client.engine.auth import Auth, enrol
from client.engine.draft import Opened, room_prefix
from client.engine.enrol import Code, checked_name, new_account, new_code, read_link, recovered
from client.engine.http import Http, may_pass
from client.engine.records import (
    RECORD_ROWS,
    BackupErrand,
    Records,
    Recover,
    Register,
    read_records,
    record_rows,
    with_errand,
)
from client.engine.world import World
from client.errors import CollegiumError, ServerError
from client.room.core import CORE_ROW, RoomState, load_room, room_rows, row_names
from client.vault.storage import DamagedRowError, StorageConflictError
from client.vault.vault import Vault
from client.vault.wraps import Opener, RecoveryKey
from crypto.mls.errors import StorageError
from wire.bounds import from_base64url


@dataclass(frozen=True, slots=True)
class Begun:
    """An open vault whose account the server has perhaps not taken yet: the next try goes on with the same
    keys.
    """

    vault: Vault
    opened: Opened


async def unlock(world: World, opener: Opener) -> Begun:
    """Raises VaultError."""
    vault = await Vault.unlock(world.storage, opener, world.rng)
    try:
        return Begun(vault, await load(vault))
    except BaseException:
        await vault.close()
        raise


async def load(vault: Vault) -> Opened:
    """Everything that an open vault holds. Raises DamagedRowError and StorageRefusedError."""
    records = read_records(await vault.get_all(RECORD_ROWS))
    return Opened(records, {room_id: await _load_room(vault, room_id) for room_id in records.rooms})


async def _load_room(vault: Vault, room_id: bytes) -> RoomState:
    prefix = room_prefix(room_id)
    core = await vault.get(prefix + CORE_ROW)
    if core is None:
        raise DamagedRowError(prefix)
    try:
        names = row_names(core)
        values = await vault.get_all([prefix + name for name in names])
        rows = {name: value for name, value in zip(names, values, strict=True) if value is not None}
        return load_room({CORE_ROW: core, **rows})
    except StorageError as error:
        raise DamagedRowError(prefix) from error


async def create(world: World, http: Http, text: str, name: str, way: Opener) -> Begun:
    """A new account, stored before anybody hears of it. Raises CollegiumError."""
    name, link = checked_name(name), read_link(text, http.origin)
    code = new_code(world.rng)
    return await _begin(world, code, way, Opened(await new_account(world, http, code, link, text, name), {}))


async def recover(world: World, http: Http, code: Code, way: Opener) -> Begun:
    """The account of a recovery code, on a new device. Raises CollegiumError and BundleError."""
    return await _begin(world, code, way, await recovered(world, http, code))


async def unlock_with_code(world: World, code: Code, way: Opener) -> None:
    """The passphrase is forgotten: the recovery code opens this store, and another way takes its place.

    Raises VaultError.
    """
    vault = await Vault.unlock(world.storage, RecoveryKey(code.keys.vault_key), world.rng)
    try:
        await vault.protect(way)
    finally:
        await vault.close()


async def _begin(world: World, code: Code, way: Opener, opened: Opened) -> Begun:
    """Vault first: from here on a crash loses no key that the server may have taken."""
    ways = [way, RecoveryKey(code.keys.vault_key)]
    try:
        vault = await Vault.create(world.storage, ways, _all_rows(opened), world.rng)
    except StorageConflictError as error:
        raise CollegiumError("account_exists") from error
    return Begun(vault, opened)


def is_for(records: Records, origin: str, text: str) -> bool:
    """Whether an account that the server was not yet heard to take was begun with this link."""
    account = records.account
    if account.origin != origin or not isinstance(account.pending, Register):
        return False
    return account.pending.token == from_base64url(read_link(text, origin).token)


async def rename(begun: Begun, name: str) -> Begun:
    """The same account once more, under the name that was chosen this time."""
    before = begun.opened.records
    records = replace(before, account=replace(before.account, name=checked_name(name)))
    records = with_errand(records, BackupErrand(0))
    await begun.vault.write(record_rows(before, records))
    return Begun(begun.vault, replace(begun.opened, records=records))


async def finish(http: Http, begun: Begun) -> Opened:
    """Make the account or the device known to the server, if it is not yet.

    Raises CollegiumError. Where the server will never take these keys, nothing of them is worth keeping: the
    store is empty then.
    """
    opened = begun.opened
    records = opened.records
    if records.account.pending is None:
        return opened
    try:
        await enrol(http, records.account)
    except ServerError as error:
        if not await _known_already(http, records, error):
            if may_pass(error):
                raise
            await begun.vault.erase()
            if error.code != "not_found":
                raise
            raise CollegiumError("link_unknown") from error
    done = replace(records, account=replace(records.account, pending=None))
    await begun.vault.write(record_rows(records, done))
    return replace(opened, records=done)


async def _known_already(http: Http, records: Records, error: ServerError) -> bool:
    """The device is there, and only the answer was lost on its way (a recovery's grant counts once)."""
    if not isinstance(records.account.pending, Recover) or error.code not in ("grant", "device_exists"):
        return False
    try:
        await Auth(http, lambda: records.account).sign_in()
    except ServerError:
        return False  # then the first error is the one to tell
    return True


def _all_rows(opened: Opened) -> Mapping[str, bytes]:
    """Every row of what is open, for a vault that is new."""
    rows = record_rows(None, opened.records)
    for room_id, state in opened.rooms.items():
        prefix = room_prefix(room_id)
        rows.update({prefix + name: value for name, value in room_rows(None, state).put.items()})
    return rows
