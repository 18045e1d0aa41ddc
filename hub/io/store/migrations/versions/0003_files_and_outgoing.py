"""Files with their numbers, and messages to laboratories."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hub.io.store.schema import Moment, Words

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "files",
        sa.Column(
            "journal_seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("feed", sa.String(length=64), nullable=False),
        sa.Column("name", Words(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=True, comment="the number its sender gave it"),
        sa.Column("state", sa.String(length=16), nullable=False, comment="read, corrupt"),
        sa.Column("received_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["journal_seq"], ["journal.seq"], name=op.f("fk_files_journal_seq")),
        sa.PrimaryKeyConstraint("journal_seq", name=op.f("pk_files")),
    )
    op.create_index(op.f("ix_files_feed_sequence"), "files", ["feed", "sequence"], unique=False)
    op.create_table(
        "outgoing",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("local_id", sa.String(length=64), nullable=False, comment="names it to whoever carries it"),
        sa.Column("feed", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False, comment="confirmation, refusals"),
        sa.Column(
            "journal_seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=True,
            comment="what it confirms",
        ),
        sa.Column("mailbox", Words(), nullable=False),
        sa.Column("workflow", Words(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False, comment="wished, sending, sent, taken, failed"),
        sa.Column("message_id", Words(), nullable=False, comment="the carrier's own name for it"),
        sa.Column("why", Words(), nullable=False),
        sa.Column("wished_at", Moment(), nullable=False),
        sa.Column("changed_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["journal_seq"], ["journal.seq"], name=op.f("fk_outgoing_journal_seq")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_outgoing")),
        sa.UniqueConstraint("local_id", name=op.f("uq_outgoing_local_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_outgoing_feed"), "outgoing", ["feed"], unique=False)
    op.create_index("ix_outgoing_state", "outgoing", ["state", "seq"], unique=False)
