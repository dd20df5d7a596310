"""E39: everything stored is sealed, opens by passphrase or recovery code alone, and is never overwritten
unseen.
"""

import asyncio
import os
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from client.vault.sqlite import APPLICATION_ID, sqlite_storage
from client.vault.storage import (
    DamagedRowError,
    OpenStorage,
    StorageChange,
    StorageConflictError,
    StorageRefusedError,
    WrongOpenerError,
)
from client.vault.vault import Vault, stored_wraps
from client.vault.wraps import Opener, Passphrase, RecoveryKey, open_row, row_keys, seal_row, unwrap, wrap
from tests.client.memory_storage import MemoryStorage
from tests.house_server import ROOT, run

RNG = Random(39).randbytes
CODE = RecoveryKey(bytes([9]) * 32)
ROWS = {"account": b"Anna", "list": b"123"}


def made(open_storage: OpenStorage) -> Awaitable[Vault]:
    return Vault.create(open_storage, [CODE], ROWS, RNG)


# Wraps


@pytest.mark.parametrize("wrong", [RecoveryKey(bytes(32)), Passphrase("no passphrase")])
def test_e39_a_wrap_opens_with_its_own_opener_alone(wrong: Opener) -> None:
    key = bytes([1]) * 32
    wrapped = wrap(key, CODE, RNG)
    assert unwrap(wrapped, CODE) == key
    with pytest.raises(WrongOpenerError):
        unwrap(wrapped, wrong)


def test_e39_a_passphrase_is_the_same_on_every_keyboard() -> None:
    key = bytes([1]) * 32
    wrapped = wrap(key, Passphrase("Z\u00fcrich 2024 \u00e9t\u00e9"), RNG)
    assert unwrap(wrapped, Passphrase("Zu\u0308rich 2024 e\u0301te\u0301")) == key
    with pytest.raises(WrongOpenerError) as refused:
        unwrap(wrapped, Passphrase("Zurich 2024 ete"))
    assert refused.value.code == "wrong_opener"


def test_every_wrap_draws_a_new_salt_since_its_zero_nonce_seals_one_message() -> None:
    one, two = wrap(bytes(32), CODE, RNG), wrap(bytes(32), CODE, RNG)
    assert one.salt != two.salt
    assert one.sealed != two.sealed


# Rows


def test_a_row_opens_under_its_own_name_alone_and_any_changed_byte_shows() -> None:
    keys = row_keys(bytes([3]) * 32)
    assert keys.seal != keys.name
    seal = AESGCM(keys.seal)
    row = seal_row(seal, "account", b"secret", RNG)
    assert open_row(seal, "account", row) == b"secret"
    spoilt = [bytes(b ^ (at == i) for i, b in enumerate(row)) for at in range(len(row))]
    for name, data in [("rooms", row), *(("account", one) for one in spoilt), ("account", b"abc")]:
        with pytest.raises(DamagedRowError):
            open_row(seal, name, data)


# The vault, over memory and over SQLite

Opened = Callable[[Path], OpenStorage]


def in_memory(_: Path) -> OpenStorage:
    return MemoryStorage().open


def on_disk(folder: Path) -> OpenStorage:
    return sqlite_storage(folder / "store.sqlite")


@pytest.fixture(params=[in_memory, on_disk])
def open_storage(request: pytest.FixtureRequest, tmp_path: Path) -> OpenStorage:
    found: OpenStorage = request.param(tmp_path)
    return found


def test_a_vault_comes_with_its_first_rows_and_is_read_again(open_storage: OpenStorage) -> None:
    async def work() -> None:
        vault = await made(open_storage)
        await vault.close()
        again = await Vault.unlock(open_storage, CODE, RNG)
        assert await again.get_all(["list", "absent", "account"]) == [b"123", None, b"Anna"]
        await again.close()

    run(work())


def test_there_is_one_vault_on_a_device(open_storage: OpenStorage) -> None:
    async def work() -> None:
        await (await made(open_storage)).close()
        with pytest.raises(StorageConflictError):
            await made(open_storage)
        assert [one.kind for one in await stored_wraps(open_storage)] == ["recovery"]

    run(work())


def test_a_write_is_whole_or_nothing_and_drops_what_it_says(open_storage: OpenStorage) -> None:
    async def work() -> None:
        vault = await made(open_storage)
        await vault.write({"account": b"Berta", "new": b"x"}, ["list"])
        assert await vault.get_all(["account", "new", "list"]) == [b"Berta", b"x", None]
        await vault.close()

    run(work())


def test_e39_a_row_that_changed_under_this_engine_makes_the_whole_write_fail() -> None:
    async def work() -> None:
        disk = MemoryStorage()
        one, two = await made(disk.open), await Vault.unlock(disk.open, CODE, RNG)
        assert await two.get("account") == b"Anna"
        await one.write({"account": b"one"})
        with pytest.raises(StorageConflictError):
            await two.write({"account": b"two", "list": b"two"})
        assert await one.get_all(["account", "list"]) == [b"one", b"123"]

    run(work())


@pytest.mark.parametrize("change", ["put", "drop"])
def test_e39_a_row_that_was_absent_and_is_there_now_is_a_conflict_too(change: str) -> None:
    async def work() -> None:
        disk = MemoryStorage()
        one, two = await made(disk.open), await Vault.unlock(disk.open, CODE, RNG)
        assert await two.get("room") is None
        await one.write({"room": b"one"})
        with pytest.raises(StorageConflictError):
            await (two.write({"room": b"two"}) if change == "put" else two.write({}, ["room"]))

    run(work())


@pytest.mark.parametrize(
    "seen", [(b"key", None), (b"key", b"other nonce!"), (b"absent", b"some nonce.."), (b"key", b"nonce 12")]
)
def test_e39_a_storage_changes_nothing_when_a_row_is_not_as_it_was_seen(
    open_storage: OpenStorage, seen: tuple[bytes, bytes | None]
) -> None:
    async def work() -> None:
        storage = await open_storage()
        first = StorageChange(put={b"key": b"nonce of 12b, and the rest"})
        assert await storage.change(first)
        change = StorageChange(expect=[seen], put={b"key": b"changed", b"new": b"x"}, drop=[b"key"])
        assert not await storage.change(change)
        assert await storage.rows([b"key", b"new"]) == [b"nonce of 12b, and the rest", None]
        right = StorageChange(expect=[(b"key", b"nonce of 12b"), (b"new", None)], drop=[b"key"])
        assert await storage.change(right)
        assert await storage.rows([b"key"]) == [None]
        await storage.close()

    run(work())


def test_a_new_passphrase_takes_the_place_of_the_old_and_the_code_stays(open_storage: OpenStorage) -> None:
    async def work() -> None:
        vault = await Vault.create(open_storage, [Passphrase("first of them"), CODE], ROWS, RNG)
        await vault.protect(Passphrase("second of them"))
        await vault.close()
        with pytest.raises(WrongOpenerError):
            await Vault.unlock(open_storage, Passphrase("first of them"), RNG)
        for way in (Passphrase("second of them"), CODE):
            again = await Vault.unlock(open_storage, way, RNG)
            assert await again.get("account") == b"Anna"
            await again.close()

    run(work())


def test_a_disk_that_refuses_says_so_and_changes_nothing() -> None:
    async def work() -> None:
        disk = MemoryStorage()
        vault = await made(disk.open)
        disk.refuse = "storage_full"
        with pytest.raises(StorageRefusedError) as refused:
            await vault.write({"account": b"more"})
        assert refused.value.code == "storage_full"
        disk.refuse = None
        assert await vault.get("account") == b"Anna"
        await vault.write({"account": b"more"})

    run(work())


# The file


def test_nothing_readable_lies_in_the_file_and_nobody_else_may_open_it(tmp_path: Path) -> None:
    canary = b"canary-in-a-coal-mine"
    path = tmp_path / "deep" / "store.sqlite"

    async def work() -> None:
        vault = await Vault.create(sqlite_storage(path), [CODE], {"room/canary-name": canary}, RNG)
        await vault.write({"more": canary * 100})
        assert all(canary not in file.read_bytes() for file in path.parent.iterdir())
        assert all(b"canary-name" not in file.read_bytes() for file in path.parent.iterdir())
        await vault.close()

    run(work())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert canary not in path.read_bytes()


def test_erased_means_that_no_old_row_is_left_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"

    async def work() -> None:
        vault = await made(sqlite_storage(path))
        await vault.write({"big": RNG(50_000)})
        size = path.stat().st_size
        await vault.erase()
        await vault.close()
        assert path.stat().st_size < max(size, 50_000)
        assert await stored_wraps(sqlite_storage(path)) == []

    run(work())


def test_e39_the_store_is_exclusively_locked_while_it_is_open(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"

    async def work() -> None:
        vault = await made(sqlite_storage(path))
        with pytest.raises(StorageRefusedError) as refused:
            await stored_wraps(sqlite_storage(path))
        assert refused.value.code == "storage_busy"
        # Not even to be read, by any other program.
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            sqlite3.connect(path, timeout=0).execute("SELECT * FROM rows")
        await vault.close()
        assert await stored_wraps(sqlite_storage(path))

    run(work())


HOLDER = """
import asyncio, secrets, sys
from pathlib import Path
from client.vault.sqlite import sqlite_storage
from client.vault.vault import Vault
from client.vault.wraps import RecoveryKey

async def main():
    code, store = RecoveryKey(bytes([9]) * 32), sqlite_storage(Path(sys.argv[1]))
    vault = await Vault.unlock(store, code, secrets.token_bytes)
    count = int(await vault.get("count") or b"0")
    print("open", flush=True)
    while True:
        count += 1
        await vault.write({"count": str(count).encode(), "same": str(count).encode()})
        print(count, flush=True)

asyncio.run(main())
"""


def test_what_was_written_survives_being_killed_and_the_lock_does_not(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"

    async def begin() -> None:
        await (await Vault.create(sqlite_storage(path), [CODE], {}, RNG)).close()

    run(begin())
    random = Random(1)
    for _ in range(5):
        holder = subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(path)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        said = 0
        for _ in range(random.randrange(1, 40)):
            said = int(holder.stdout.readline())
        holder.send_signal(signal.SIGKILL)
        rest = holder.stdout.read().split("\n")
        said = max([said, *(int(line) for line in rest[:-1])])
        holder.wait()

        async def look(said: int = said) -> None:
            vault = await Vault.unlock(sqlite_storage(path), CODE, RNG)
            count, same = await vault.get_all(["count", "same"])
            assert count == same
            # Whatever was said to be stored is; perhaps one more, of which nobody was told.
            assert int(count or b"0") in (said, said + 1)
            await vault.close()

        run(look())


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda path: path.write_bytes(b"not a database at all" * 100), "storage_damaged"),
        (lambda path: sqlite3.connect(path).execute("CREATE TABLE theirs (x)"), "storage_damaged"),
        (lambda path: sqlite3.connect(path).execute("PRAGMA user_version = 99"), "storage_newer"),
        (lambda path: path.mkdir(), "storage_denied"),
    ],
)
def test_what_is_not_a_store_of_ours_is_refused(
    tmp_path: Path, spoil: Callable[[Path], object], code: str
) -> None:
    path = tmp_path / "store.sqlite"
    spoil(path)
    with pytest.raises(StorageRefusedError) as refused:
        run(stored_wraps(sqlite_storage(path)))
    assert refused.value.code == code


def test_other_programs_can_tell_what_the_file_is(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    run(stored_wraps(sqlite_storage(path)))
    assert sqlite3.connect(path).execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)


def test_a_slow_disk_does_not_stop_the_event_loop(tmp_path: Path) -> None:
    """Statements run on a thread of their own."""

    async def work() -> None:
        vault = await made(sqlite_storage(tmp_path / "store.sqlite"))
        writing = asyncio.create_task(vault.write({"big": RNG(4_000_000)}))
        turns = 0
        while not writing.done():
            await asyncio.sleep(0)
            turns += 1
        await vault.close()
        assert turns > 10

    run(work())
