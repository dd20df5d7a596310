"""KeyPackages that devices leave for others to add them with."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "key_packages",
        sa.Column("device", sa.LargeBinary(), sa.ForeignKey("devices.id"), primary_key=True, nullable=False),
        sa.Column("ref", sa.LargeBinary(), primary_key=True, nullable=False),
        sa.Column("not_after", BIG, nullable=False),
        sa.Column("last_resort", sa.Boolean(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=True),
        sa.Column("handed_out", BIG, nullable=True),
    )
    op.create_index("ix_key_packages_not_after", "key_packages", ["not_after"])
    op.create_table(
        "claim_counts",
        sa.Column("subject", sa.LargeBinary(), primary_key=True, nullable=False),
        sa.Column("hour", BIG, primary_key=True, nullable=False),
        sa.Column("count", BIG, nullable=False),
    )
