"""Call and recall: what is next about each record, the practices' lists, the daily runs; letters about no result."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hub.io.store.schema import Moment, Words

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("participants", sa.Column("joined_on", sa.Date(), comment="the day she came into the cohort"))
    with op.batch_alter_table("records") as records:
        records.add_column(sa.Column("recall_status", sa.String(32), nullable=False, server_default="No action"))
        records.add_column(
            sa.Column(
                "ceased",
                sa.String(32),
                nullable=False,
                server_default="",
                comment="the reason; empty while she is called",
            )
        )
        records.add_column(sa.Column("non_responses", sa.Integer(), nullable=False, server_default="0"))
        records.add_column(
            sa.Column("next_step", sa.String(16), nullable=True, comment="what call and recall does next about her")
        )
        records.add_column(sa.Column("next_step_on", sa.Date(), nullable=True, comment="from which day on"))
        records.create_index(
            op.f("ix_records_next_step_on_participant_id"), ["next_step_on", "participant_id"], unique=False
        )
    with op.batch_alter_table("letters") as letters:
        letters.alter_column(
            "result_id", existing_type=sa.String(36), nullable=True, comment="none: an invitation or a reminder"
        )
    op.create_table(
        "notifications",
        sa.Column("notification_id", sa.String(length=36), nullable=False),
        sa.Column("participant_id", sa.String(length=36), nullable=False),
        sa.Column("practice_code", Words(), nullable=False),
        sa.Column("list", sa.String(length=16), nullable=False, comment="due, not-responded, to-review"),
        sa.Column("about_due_on", sa.Date(), nullable=False),
        sa.Column("listed_on", sa.Date(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False, comment="open, answered, closed"),
        sa.Column("answer", Words(), nullable=False),
        sa.Column("answered_at", Moment(), nullable=True),
        sa.Column("answered_by", Words(), nullable=False),
        sa.ForeignKeyConstraint(
            ["participant_id"], ["participants.participant_id"], name=op.f("fk_notifications_participant_id")
        ),
        sa.PrimaryKeyConstraint("notification_id", name=op.f("pk_notifications")),
    )
    op.create_index(op.f("ix_notifications_participant_id"), "notifications", ["participant_id"], unique=False)
    op.create_index(
        "ix_notifications_list", "notifications", ["practice_code", "list", "state", "listed_on"], unique=False
    )
    op.create_table(
        "actions",
        sa.Column("action_id", sa.String(length=36), nullable=False, comment="that of its fact"),
        sa.Column("participant_id", sa.String(length=36), nullable=False),
        sa.Column("action", sa.String(length=16), nullable=False, comment="defer, cease, reinstate, discharge"),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("decided_on", sa.Date(), nullable=False),
        sa.Column("by", Words(), nullable=False),
        sa.Column("case_number", sa.String(length=32), nullable=False, comment="CSAS's own, where a clerk decided"),
        sa.Column("why", Words(), nullable=False),
        sa.Column("decided_at", Moment(), nullable=False),
        sa.Column("taken_back_at", Moment(), nullable=True),
        sa.Column("taken_back_by", Words(), nullable=False),
        sa.ForeignKeyConstraint(
            ["participant_id"], ["participants.participant_id"], name=op.f("fk_actions_participant_id")
        ),
        sa.PrimaryKeyConstraint("action_id", name=op.f("pk_actions")),
    )
    op.create_index(op.f("ix_actions_participant_id"), "actions", ["participant_id"], unique=False)
    op.create_table(
        "recall_runs",
        sa.Column("run_on", sa.Date(), nullable=False),
        sa.Column("begun_at", Moment(), nullable=False),
        sa.Column("ended_at", Moment(), nullable=True),
        sa.Column(
            "counts", sa.Text(), nullable=False, comment="JSON: each step taken, each reason for which one was not"
        ),
        sa.PrimaryKeyConstraint("run_on", name=op.f("pk_recall_runs")),
    )
