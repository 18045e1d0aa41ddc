"""Letters: the rule by which one waits or there is none. Call and recall: the last step, who is gone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.create_index(op.f("ix_journal_received_at"), "journal", ["received_at"], unique=False, postgresql_using="brin")
    for column in (
        sa.Column("last_step", sa.String(16), comment="what call and recall did last about her date"),
        sa.Column("last_step_on", sa.Date()),
        sa.Column("gone", sa.String(16), nullable=False, server_default="", comment="deceased, moved-away"),
    ):
        op.add_column("records", column)
    where = "JSON: where everybody stood at its end"
    op.add_column("recall_runs", sa.Column("cohort", sa.Text(), nullable=False, server_default="{}", comment=where))
    op.add_column(
        "letters", sa.Column("rule", sa.String(16), nullable=False, server_default="", comment="why, for programs")
    )
    if op.get_bind().dialect.name == "postgresql":  # SQLite keeps no comments
        _comment(
            "letters", sa.Column("state", sa.String(16)), "wished, waiting, cancelled; withheld: its result gets none"
        )
        _comment("recall_runs", sa.Column("counts", sa.Text()), "JSON: the steps taken")
    # What waited or was cancelled before there were rules.
    op.execute("UPDATE letters SET rule = 'paused' WHERE state = 'waiting'")
    op.execute("UPDATE letters SET rule = 'record-changed' WHERE state = 'cancelled'")


def _comment(table: str, column: sa.Column[str], comment: str) -> None:
    op.alter_column(table, column.name, existing_type=column.type, existing_nullable=False, comment=comment)
