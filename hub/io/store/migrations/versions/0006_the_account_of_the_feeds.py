"""Where a result is, what each feed sent by the hour, and files that need looking after."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hub.io.store.schema import Moment, Words

revision = "0006"
down_revision = "0005"


def _counter() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column(
        "replies", sa.Column("sent_at", Moment(), nullable=True, comment="when it was handed to the connection")
    )
    op.create_index(op.f("ix_matches_result_id"), "matches", ["result_id"], unique=False)
    _slides()
    op.create_table(
        "feed_hours",
        sa.Column("feed", sa.String(length=64), nullable=False),
        sa.Column("hour_at", Moment(), nullable=False),
        sa.Column("code", sa.String(length=2), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("last_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("feed", "hour_at", "code", name=op.f("pk_feed_hours")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_feed_hours_hour_at"), "feed_hours", ["hour_at"], unique=False)
    _file_faults()


def _slides() -> None:
    op.create_table(
        "slides",
        sa.Column("journal_seq", _counter(), autoincrement=False, nullable=False),
        sa.Column("position", sa.String(length=16), nullable=False),
        sa.Column("feed", sa.String(length=64), nullable=False),
        sa.Column("slide_number", Words(), nullable=False, comment="empty where it could not be read"),
        sa.Column(
            "reason", sa.String(length=64), nullable=False, comment="why it was refused; empty where it was taken"
        ),
        sa.Column("place", Words(), nullable=False),
        sa.ForeignKeyConstraint(["journal_seq"], ["journal.seq"], name=op.f("fk_slides_journal_seq")),
        sa.PrimaryKeyConstraint("journal_seq", "position", name=op.f("pk_slides")),
        sqlite_with_rowid=False,
    )
    # What was taken before this table is there too; what was refused before is found by its control id.
    op.execute(
        "INSERT INTO slides (journal_seq, position, feed, slide_number, reason, place) "
        "SELECT journal_seq, position, feed, slide_number, '', '' FROM results"
    )
    op.create_index(op.f("ix_slides_slide_number_feed"), "slides", ["slide_number", "feed"], unique=False)


def _file_faults() -> None:
    op.create_table(
        "file_faults",
        sa.Column("fault_id", sa.String(length=36), nullable=False),
        sa.Column("feed", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False, comment="missing, corrupt"),
        sa.Column("state", sa.String(length=16), nullable=False, comment="open, informed, resolved"),
        sa.Column(
            "first",
            sa.BigInteger(),
            nullable=True,
            comment="the number under which nothing came, or the first of several",
        ),
        sa.Column("last", sa.BigInteger(), nullable=True),
        sa.Column("journal_seq", _counter(), nullable=True, comment="the corrupt file"),
        sa.Column("name", Words(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True, comment="of a missing file that a person added"),
        sa.Column("added_by", Words(), nullable=False),
        sa.Column("found_at", Moment(), nullable=False),
        sa.Column("informed_on", sa.Date(), nullable=True),
        sa.Column("informed_who", Words(), nullable=False, comment="who of the laboratory was told"),
        sa.Column("changed_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["journal_seq"], ["journal.seq"], name=op.f("fk_file_faults_journal_seq")),
        sa.PrimaryKeyConstraint("fault_id", name=op.f("pk_file_faults")),
    )
    op.create_index(op.f("ix_file_faults_feed"), "file_faults", ["feed"], unique=False)
    op.create_index(op.f("ix_file_faults_journal_seq"), "file_faults", ["journal_seq"], unique=False)
    op.create_table(
        "file_notes",
        sa.Column("seq", _counter(), autoincrement=True, nullable=False),
        sa.Column("fault_id", sa.String(length=36), nullable=False),
        sa.Column("written_at", Moment(), nullable=False),
        sa.Column("by", Words(), nullable=False),
        sa.Column("what", sa.String(length=16), nullable=False, comment="found, informed, noted, resolved"),
        sa.Column("text", Words(), nullable=False),
        sa.ForeignKeyConstraint(["fault_id"], ["file_faults.fault_id"], name=op.f("fk_file_notes_fault_id")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_file_notes")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_file_notes_fault_id"), "file_notes", ["fault_id"], unique=False)
