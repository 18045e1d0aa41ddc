"""Answers that a rehearsal kept back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hub.io.store.schema import Moment

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "withheld",
        sa.Column(
            "reply_seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("withheld_at", Moment(), nullable=False, comment="when a rehearsal kept the answer back"),
        sa.ForeignKeyConstraint(["reply_seq"], ["replies.seq"], name=op.f("fk_withheld_reply_seq")),
        sa.PrimaryKeyConstraint("reply_seq", name=op.f("pk_withheld")),
    )
