"""Dead letters, and what the schedules did last."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hub.io.store.schema import Moment, Words

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        # Room on the page for the one change each reply sees, which then touches no index.
        op.execute("ALTER TABLE replies SET (fillfactor = 80)")
        # Each row of the outbox dies twice (confirmed, finished) and its partial indexes are read all day.
        op.execute("ALTER TABLE outbox SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000)")
    op.create_table(
        "dead_letters",
        sa.Column("event_id", sa.String(length=64), nullable=False),
        sa.Column("consumer", sa.String(length=64), nullable=False),
        sa.Column("type", Words(), nullable=False),
        sa.Column("subject", Words(), nullable=False),
        sa.Column("why", Words(), nullable=False),
        sa.Column("died_at", Moment(), nullable=False),
        sa.Column(
            "body", sa.LargeBinary(), nullable=True, comment="of what came from the broker and is no event of ours"
        ),
        sa.PrimaryKeyConstraint("event_id", "consumer", name=op.f("pk_dead_letters")),
    )
    op.create_index(op.f("ix_dead_letters_died_at"), "dead_letters", ["died_at"], unique=False)
    op.create_table(
        "duties",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("done_at", Moment(), nullable=False, comment="when one of the schedules last began it"),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_duties")),
    )
