"""Settings that would be unsafe are refused with a reason; the tables are what the migrations make."""

from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlmodel import SQLModel

from server.database import FILE, HEAD, MIGRATIONS, FolderLock, connect, migrate
from server.errors import StartError
from server.logs import only_allowed
from server.rates import Bucket, Limiter
from server.settings import Settings, check
from tests.house_server import HouseServer


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"host": "0.0.0.0"}, "without TLS"),
        ({"host": "192.0.2.1"}, "without TLS"),
        ({"tls_cert": Path(__file__)}, "belong together"),
        ({"tls_cert": Path("/absent"), "tls_key": Path("/absent")}, "does not exist"),
        ({"host": "0.0.0.0", "tls_cert": Path(__file__), "tls_key": Path(__file__)}, "COLLEGIUM_ORIGIN"),
        ({"origin": "http://group.example.org"}, "like https://"),
        ({"origin": "https://group.example.org/path"}, "like https://"),
        ({"origin": "group.example.org"}, "like https://"),
    ],
)
def test_unsafe_settings_are_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(StartError, match=words):
        check(Settings(**change))


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"host": "::1"},
        {"host": "localhost"},
        {"host": "0.0.0.0", "origin": "https://group.example.org"},
        {"origin": "http://localhost:9000"},
    ],
)
def test_safe_settings(change: dict[str, Any]) -> None:
    check(Settings(**change))


def test_a_setting_that_makes_no_sense_is_named(tmp_path: Path) -> None:
    house = HouseServer(tmp_path, rate_factor="many")
    done = house.run("serve")
    assert done.returncode != 0
    assert "COLLEGIUM_RATE_FACTOR" in done.stderr
    house.close()


def test_passkeys_belong_to_a_name() -> None:
    assert Settings().rp_id == "localhost"
    assert Settings(origin="https://group.example.org").rp_id == "group.example.org"


def test_migrations_make_the_tables(tmp_path: Path) -> None:
    engine = connect(tmp_path / FILE, writer=True)
    migrate(engine)
    migrate(engine)  # nothing left to do
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), SQLModel.metadata) == []
        assert connection.execute(text("PRAGMA journal_mode")).scalar_one() == "wal"
        assert connection.execute(text("PRAGMA synchronous")).scalar_one() == 2
    engine.dispose()


def test_the_newest_migration_is_the_one_expected() -> None:
    assert ScriptDirectory(str(MIGRATIONS)).get_current_head() == HEAD


def test_a_newer_database_is_refused(tmp_path: Path) -> None:
    engine = connect(tmp_path / FILE, writer=True)
    migrate(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StartError, match="newer version"):
        migrate(engine)
    engine.dispose()


def test_a_damaged_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"not a database at all" * 100)
    with pytest.raises(StartError, match="cannot be opened"):
        migrate(connect(tmp_path / FILE, writer=True))


def test_the_folder_has_one_owner(tmp_path: Path) -> None:
    lock = FolderLock(tmp_path)
    with pytest.raises(StartError, match="Another server"):
        FolderLock(tmp_path)
    lock.release()
    FolderLock(tmp_path).release()


def test_a_bucket_fills_with_time() -> None:
    bucket = Bucket(capacity=10, refill=2)
    assert bucket.take(10, now=100) == 0
    assert bucket.take(4, now=100) == 2
    assert bucket.take(0, now=102) == 0
    assert bucket.take(10, now=1000) == 0  # never more than its capacity
    assert bucket.take(1, now=1000) == 0.5


def test_a_limiter_forgets_who_was_idle_longest() -> None:
    limiter = Limiter(1, 0.1, callers=2)
    assert [limiter.refuse(who, 1.0) for who in "aab"] == [0, 10, 0]
    assert limiter.refuse("c", 1.0) == 0  # a is forgotten
    assert limiter.refuse("b", 1.0) == 10
    assert limiter.refuse("a", 1.0) == 0


def test_logs_keep_what_is_allowed() -> None:
    fields = {"event": "e", "body": "secret", "address": "192.0.2.1", "error": "x" * 500, "count": 3}
    assert only_allowed(None, "info", dict(fields)) == {"event": "e", "error": "x" * 80, "count": 3}
