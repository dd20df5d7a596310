"""The tables. All ids are bytes; times are milliseconds since the epoch. Nothing here can be read by the
server's owner beyond what `PROTOCOL.md` lists: there is no column for a name, an address, or a plaintext.
"""

from sqlalchemy import BigInteger, Index, Integer, LargeBinary, UniqueConstraint
from sqlmodel import Field, SQLModel

BIG = BigInteger().with_variant(Integer, "sqlite")  # SQLite's rowid must be INTEGER


class Meta(SQLModel, table=True):
    """Facts of this deployment."""

    __tablename__ = "meta"
    name: str = Field(primary_key=True)
    value: bytes = Field(sa_type=LargeBinary)


class Account(SQLModel, table=True):
    __tablename__ = "accounts"
    id: bytes = Field(sa_type=LargeBinary, primary_key=True)
    root_key: bytes = Field(sa_type=LargeBinary)
    recovery_key: bytes = Field(sa_type=LargeBinary)
    backup: bytes = Field(sa_type=LargeBinary)  # sealed to the recovery code
    user_handle: bytes = Field(sa_type=LargeBinary)  # for passkeys: random, tied to nothing
    created: int = Field(sa_type=BIG)


class Device(SQLModel, table=True):
    __tablename__ = "devices"
    id: bytes = Field(sa_type=LargeBinary, primary_key=True)
    account: bytes = Field(sa_type=LargeBinary, foreign_key="accounts.id", index=True)
    sign_in_key: bytes = Field(sa_type=LargeBinary)
    created: int = Field(sa_type=BIG)
    seen: int = Field(sa_type=BIG)
    gone: bool = False


class Session(SQLModel, table=True):
    """Signed in; the token itself is not stored."""

    __tablename__ = "sessions"
    hash: bytes = Field(sa_type=LargeBinary, primary_key=True)
    device: bytes = Field(sa_type=LargeBinary, foreign_key="devices.id", index=True)
    expires: int = Field(sa_type=BIG)
    confirmed_until: int = Field(default=0, sa_type=BIG)  # by a passkey


class Passkey(SQLModel, table=True):
    __tablename__ = "passkeys"
    id: bytes = Field(sa_type=LargeBinary, primary_key=True)
    account: bytes = Field(sa_type=LargeBinary, foreign_key="accounts.id", index=True)
    public_key: bytes = Field(sa_type=LargeBinary)
    sign_count: int = Field(sa_type=BIG)
    created: int = Field(sa_type=BIG)


class Token(SQLModel, table=True):
    """A one-use registration token (E27). Without a room it founds this server."""

    __tablename__ = "tokens"
    hash: bytes = Field(sa_type=LargeBinary, primary_key=True)
    room: int | None = Field(default=None, sa_type=BIG, foreign_key="rooms.key", index=True)
    invite: bytes | None = Field(default=None, sa_type=LargeBinary)
    minted_by: bytes | None = Field(default=None, sa_type=LargeBinary, index=True)  # account
    not_after: int = Field(sa_type=BIG)
    used_by: bytes | None = Field(default=None, sa_type=LargeBinary)  # account
    request: bytes | None = Field(default=None, sa_type=LargeBinary)  # the join request posted with it


class RoomRow(SQLModel, table=True):
    """A room. `last` may lag behind the log's highest position, which counts."""

    __tablename__ = "rooms"
    key: int | None = Field(default=None, sa_type=BIG, primary_key=True)
    id: bytes = Field(sa_type=LargeBinary, unique=True)
    created: int = Field(sa_type=BIG)
    last: int = Field(sa_type=BIG)
    after: int = Field(sa_type=BIG)
    time: int = Field(sa_type=BIG)
    routing: bytes = Field(sa_type=LargeBinary)


class Member(SQLModel, table=True):
    """A device that is, or was, served in a room: entries above `since`, up to `until` when that is set."""

    __tablename__ = "members"
    room: int = Field(sa_type=BIG, foreign_key="rooms.key", primary_key=True)
    device: bytes = Field(sa_type=LargeBinary, foreign_key="devices.id", primary_key=True, index=True)
    since: int = Field(sa_type=BIG)
    cursor: int = Field(sa_type=BIG)
    until: int | None = Field(default=None, sa_type=BIG)


class LogEntry(SQLModel, table=True):
    """One entry: `frame` is the encoded `entry` frame, made once and sent to everyone as it is. Rows are
    appended in the order of the rowid and never changed, so inserts cost the same whatever the size.
    """

    __tablename__ = "log"
    __table_args__ = (UniqueConstraint("room", "n", name="log_room_n"),)
    key: int | None = Field(default=None, sa_type=BIG, primary_key=True)
    room: int = Field(sa_type=BIG)
    n: int = Field(sa_type=BIG)
    time: int = Field(sa_type=BIG)
    kind: int
    message: bytes = Field(sa_type=LargeBinary)
    frame: bytes = Field(sa_type=LargeBinary)


class GapRow(SQLModel, table=True):
    """What is kept of an entry that was deleted (E23)."""

    __tablename__ = "gaps"
    room: int = Field(sa_type=BIG, primary_key=True)
    n: int = Field(sa_type=BIG, primary_key=True)
    time: int = Field(sa_type=BIG)
    hash: bytes = Field(sa_type=LargeBinary)


class WelcomeRow(SQLModel, table=True):
    """A Welcome until its device's cursor has reached its Commit."""

    __tablename__ = "welcomes"
    room: int = Field(sa_type=BIG, primary_key=True)
    device: bytes = Field(sa_type=LargeBinary, primary_key=True)
    n: int = Field(sa_type=BIG, primary_key=True)
    time: int = Field(sa_type=BIG)
    payload: bytes = Field(sa_type=LargeBinary)


class RequestRow(SQLModel, table=True):
    """Somebody asks to be added; sealed to the members."""

    __tablename__ = "requests"
    __table_args__ = (Index("requests_room", "room"),)
    id: bytes = Field(sa_type=LargeBinary, primary_key=True)
    room: int = Field(sa_type=BIG, foreign_key="rooms.key")
    device: bytes = Field(sa_type=LargeBinary)
    kind: str
    time: int = Field(sa_type=BIG)
    not_after: int = Field(sa_type=BIG)
    sealed: bytes = Field(sa_type=LargeBinary)


class KeyPackageRow(SQLModel, table=True):
    """What a device leaves for others to add it with. `payload` is gone once it was handed out; the ref stays
    until it expires, so that the same upload brings nothing back. The one of last resort stays whole.
    """

    __tablename__ = "key_packages"
    device: bytes = Field(sa_type=LargeBinary, foreign_key="devices.id", primary_key=True)
    ref: bytes = Field(sa_type=LargeBinary, primary_key=True)
    not_after: int = Field(sa_type=BIG, index=True)
    last_resort: bool
    payload: bytes | None = Field(default=None, sa_type=LargeBinary)
    handed_out: int | None = Field(default=None, sa_type=BIG)  # for the first time


class ClaimCount(SQLModel, table=True):
    """How many KeyPackages an account has claimed, or were claimed from a device, in one hour."""

    __tablename__ = "claim_counts"
    subject: bytes = Field(sa_type=LargeBinary, primary_key=True)  # account or device
    hour: int = Field(sa_type=BIG, primary_key=True)  # since the epoch
    count: int = Field(sa_type=BIG)


class Subscription(SQLModel, table=True):
    """Where a push service takes the wakes of a device. A wake has no body, so there are no keys."""

    __tablename__ = "subscriptions"
    device: bytes = Field(sa_type=LargeBinary, primary_key=True, foreign_key="devices.id")
    endpoint: str


# For queries: Core tables, whose inserts in batches are far cheaper than the ORM's.
META = SQLModel.metadata.tables["meta"]
ACCOUNTS = SQLModel.metadata.tables["accounts"]
DEVICES = SQLModel.metadata.tables["devices"]
SESSIONS = SQLModel.metadata.tables["sessions"]
PASSKEYS = SQLModel.metadata.tables["passkeys"]
TOKENS = SQLModel.metadata.tables["tokens"]
ROOMS = SQLModel.metadata.tables["rooms"]
MEMBERS = SQLModel.metadata.tables["members"]
LOG = SQLModel.metadata.tables["log"]
GAPS = SQLModel.metadata.tables["gaps"]
WELCOMES = SQLModel.metadata.tables["welcomes"]
REQUESTS = SQLModel.metadata.tables["requests"]
KEY_PACKAGES = SQLModel.metadata.tables["key_packages"]
CLAIM_COUNTS = SQLModel.metadata.tables["claim_counts"]
SUBSCRIPTIONS = SQLModel.metadata.tables["subscriptions"]
