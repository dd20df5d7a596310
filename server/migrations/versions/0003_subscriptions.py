"""Where push services take the wakes of devices."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "subscriptions",
        sa.Column("device", sa.LargeBinary(), sa.ForeignKey("devices.id"), primary_key=True, nullable=False),
        sa.Column("endpoint", sa.String(), nullable=False),
    )
