"""Questions to PDS: what waits to be asked, and what was asked by whom."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hub.io.store.schema import Moment, Words

revision = "0012"
down_revision = "0011"

_COUNTER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "questions",
        sa.Column("seq", _COUNTER, autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False, comment="claim, clerk, person"),
        sa.Column("subject", Words(), nullable=False, comment="a task's id; of a person, her NHS number"),
        sa.Column("by", Words(), nullable=False, comment="the hub, an event, or the clerk who asked"),
        sa.Column("opened_at", Moment(), nullable=False),
        sa.Column("next_at", Moment(), nullable=False, comment="not asked before"),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("why", Words(), nullable=False, comment="why it has no answer yet"),
        sa.Column("state", sa.String(length=16), nullable=False, comment="waiting, settled"),
        sa.Column("outcome", sa.String(length=32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=True, comment="the version of her record that was taken over"),
        sa.Column("settled_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_questions")),
        sqlite_autoincrement=True,
    )
    waiting = sa.text("state = 'waiting'")
    op.create_index(
        "uq_questions_waiting",
        "questions",
        ["kind", "subject"],
        unique=True,
        sqlite_where=waiting,
        postgresql_where=waiting,
    )
    op.create_index(
        "ix_questions_next", "questions", ["kind", "next_at"], sqlite_where=waiting, postgresql_where=waiting
    )
    op.create_index("ix_questions_subject", "questions", ["subject"])
