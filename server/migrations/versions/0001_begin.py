"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def blob(name: str, **options: object) -> sa.Column:
    return sa.Column(name, sa.LargeBinary(), nullable=options.pop("nullable", False), **options)


def number(name: str, **options: object) -> sa.Column:
    return sa.Column(name, BIG, nullable=options.pop("nullable", False), **options)


def upgrade() -> None:
    op.create_table("meta", sa.Column("name", sa.String(), primary_key=True), blob("value"))
    op.create_table(
        "accounts",
        blob("id", primary_key=True),
        blob("root_key"),
        blob("recovery_key"),
        blob("backup"),
        blob("user_handle"),
        number("created"),
    )
    op.create_table(
        "devices",
        blob("id", primary_key=True),
        sa.Column("account", sa.LargeBinary(), sa.ForeignKey("accounts.id"), nullable=False),
        blob("sign_in_key"),
        number("created"),
        number("seen"),
        sa.Column("gone", sa.Boolean(), nullable=False),
    )
    op.create_index("ix_devices_account", "devices", ["account"])
    op.create_table(
        "sessions",
        blob("hash", primary_key=True),
        sa.Column("device", sa.LargeBinary(), sa.ForeignKey("devices.id"), nullable=False),
        number("expires"),
        number("confirmed_until"),
    )
    op.create_index("ix_sessions_device", "sessions", ["device"])
    op.create_table(
        "passkeys",
        blob("id", primary_key=True),
        sa.Column("account", sa.LargeBinary(), sa.ForeignKey("accounts.id"), nullable=False),
        blob("public_key"),
        number("sign_count"),
        number("created"),
    )
    op.create_index("ix_passkeys_account", "passkeys", ["account"])
    op.create_table(
        "rooms",
        number("key", primary_key=True),
        blob("id", unique=True),
        number("created"),
        number("last"),
        number("after"),
        number("time"),
        blob("routing"),
    )
    op.create_table(
        "tokens",
        blob("hash", primary_key=True),
        sa.Column("room", BIG, sa.ForeignKey("rooms.key"), nullable=True),
        blob("invite", nullable=True),
        blob("minted_by", nullable=True),
        number("not_after"),
        blob("used_by", nullable=True),
        blob("request", nullable=True),
    )
    op.create_index("ix_tokens_minted_by", "tokens", ["minted_by"])
    op.create_index("ix_tokens_room", "tokens", ["room"])
    op.create_table(
        "members",
        sa.Column("room", BIG, sa.ForeignKey("rooms.key"), primary_key=True),
        sa.Column("device", sa.LargeBinary(), sa.ForeignKey("devices.id"), primary_key=True),
        number("since"),
        number("cursor"),
        number("until", nullable=True),
    )
    op.create_index("ix_members_device", "members", ["device"])
    op.create_table(
        "log",
        number("key", primary_key=True),
        number("room"),
        number("n"),
        number("time"),
        sa.Column("kind", sa.Integer(), nullable=False),
        blob("message"),
        blob("frame"),
        sa.UniqueConstraint("room", "n", name="log_room_n"),
    )
    op.create_table(
        "gaps",
        number("room", primary_key=True),
        number("n", primary_key=True),
        number("time"),
        blob("hash"),
    )
    op.create_table(
        "welcomes",
        number("room", primary_key=True),
        blob("device", primary_key=True),
        number("n", primary_key=True),
        number("time"),
        blob("payload"),
    )
    op.create_table(
        "requests",
        blob("id", primary_key=True),
        sa.Column("room", BIG, sa.ForeignKey("rooms.key"), nullable=False),
        blob("device"),
        sa.Column("kind", sa.String(), nullable=False),
        number("time"),
        number("not_after"),
        blob("sealed"),
    )
    op.create_index("requests_room", "requests", ["room"])
