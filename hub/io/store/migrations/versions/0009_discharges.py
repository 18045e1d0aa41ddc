"""Discharges from colposcopy, and tasks that are about one instead of a result."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hub.io.store.schema import Moment

revision = "0009"
down_revision = "0008"

_OPEN = sa.text("state <> 'closed'")


def upgrade() -> None:
    op.create_table(
        "discharges",
        sa.Column("discharge_id", sa.String(length=36), nullable=False),
        sa.Column("journal_seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("feed", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("position", sa.String(length=16), nullable=False),
        sa.Column("event_id", sa.String(length=36), nullable=False, comment="the newest event read from that place"),
        sa.Column("type", sa.String(length=64), nullable=False, comment="DischargeReported or DischargeUnread"),
        sa.Column(
            "said",
            sa.String(length=64),
            nullable=False,
            comment="the same for rows that say the same of the same person",
        ),
        sa.Column(
            "state", sa.String(length=16), nullable=False, comment="applied, waiting, refused, repeated, superseded"
        ),
        sa.Column("received_at", Moment(), nullable=False),
        sa.Column("participant_id", sa.String(length=36), nullable=True),
        sa.Column(
            "action_id", sa.String(length=36), nullable=True, comment="what was done about it, while it is applied"
        ),
        sa.Column("due_on", sa.Date(), nullable=True, comment="the date that counts, while it is applied"),
        sa.Column("data", sa.LargeBinary(), nullable=False, comment="the event as JSON"),
        sa.ForeignKeyConstraint(["journal_seq"], ["journal.seq"], name=op.f("fk_discharges_journal_seq")),
        sa.ForeignKeyConstraint(
            ["participant_id"], ["participants.participant_id"], name=op.f("fk_discharges_participant_id")
        ),
        sa.PrimaryKeyConstraint("discharge_id", name=op.f("pk_discharges")),
        sa.UniqueConstraint("feed", "digest", "position", name=op.f("uq_discharges_feed_digest_position")),
    )
    op.create_index(op.f("ix_discharges_journal_seq"), "discharges", ["journal_seq"], unique=False)
    op.create_index(op.f("ix_discharges_participant_id"), "discharges", ["participant_id"], unique=False)
    op.create_index(op.f("ix_discharges_said_feed"), "discharges", ["said", "feed"], unique=False)
    op.create_index("ix_discharges_list", "discharges", ["state", "feed", "received_at"], unique=False)
    with op.batch_alter_table("tasks") as tasks:
        tasks.alter_column(
            "result_id", existing_type=sa.String(36), nullable=True, comment="none: it is about a discharge"
        )
        tasks.add_column(sa.Column("discharge_id", sa.String(36), nullable=True, comment="none: it is about a result"))
        tasks.create_foreign_key(op.f("fk_tasks_discharge_id"), "discharges", ["discharge_id"], ["discharge_id"])
    op.create_index(op.f("ix_tasks_discharge_id"), "tasks", ["discharge_id"], unique=False)
    op.create_index(
        "uq_tasks_open_discharge", "tasks", ["discharge_id"], unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN
    )
