"""How often partners are asked."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hub.io.store.schema import Moment

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "pace",
        sa.Column("partner", sa.String(length=32), nullable=False),
        sa.Column("next_at", Moment(), nullable=False, comment="the next free turn"),
        sa.PrimaryKeyConstraint("partner", name=op.f("pk_pace")),
    )
