"""What partners over HTTP need: the names of their requests, what they proved themselves with, and their refusals."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hub.io.store.schema import Moment, Words

revision = "0004"
down_revision = "0003"

_COUNTER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _requests()
    _proofs()
    _refusals()


def _requests() -> None:
    op.create_table(
        "requests",
        sa.Column("feed", sa.String(length=64), nullable=False),
        sa.Column("request_id", sa.String(length=36), nullable=False, comment="X-Request-ID"),
        sa.Column("digest", sa.String(length=64), nullable=False, comment="SHA-256 of the bytes that came with it"),
        sa.Column("journal_seq", _COUNTER, nullable=False),
        sa.Column("reply_seq", _COUNTER, nullable=False),
        sa.ForeignKeyConstraint(["journal_seq"], ["journal.seq"], name=op.f("fk_requests_journal_seq")),
        sa.ForeignKeyConstraint(["reply_seq"], ["replies.seq"], name=op.f("fk_requests_reply_seq")),
        sa.PrimaryKeyConstraint("feed", "request_id", name=op.f("pk_requests")),
        sqlite_with_rowid=False,
    )


def _proofs() -> None:
    op.create_table(
        "assertions",
        sa.Column("feed", sa.String(length=64), nullable=False),
        sa.Column(
            "jti", sa.String(length=64), nullable=False, comment="SHA-256 of the name the sender gave its assertion"
        ),
        sa.Column("expires_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("feed", "jti", name=op.f("pk_assertions")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_assertions_expires_at"), "assertions", ["expires_at"], unique=False)
    op.create_table(
        "token_keys",
        sa.Column("key_id", sa.String(length=36), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_token_keys")),
    )


def _refusals() -> None:
    op.create_table(
        "refusals",
        sa.Column("seq", _COUNTER, autoincrement=True, nullable=False),
        sa.Column("feed", sa.String(length=64), nullable=False),
        sa.Column("result_id", sa.String(length=36), nullable=False),
        sa.Column("journal_seq", _COUNTER, nullable=False),
        sa.Column("position", sa.String(length=16), nullable=False),
        sa.Column("control_id", Words(), nullable=False),
        sa.Column("slide_number", Words(), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=False, comment="why a clerk had to look at it"),
        sa.Column("refused_at", Moment(), nullable=False),
        sa.Column("withdrawn_at", Moment(), nullable=True, comment="when the refusal was taken back"),
        sa.Column("told_at", Moment(), nullable=True, comment="when a message about it was last wished"),
        sa.Column("taken_at", Moment(), nullable=True, comment="when the laboratory said that it has it, as it stands"),
        sa.Column("taken_by", Words(), nullable=False),
        sa.ForeignKeyConstraint(["journal_seq"], ["journal.seq"], name=op.f("fk_refusals_journal_seq")),
        sa.ForeignKeyConstraint(["result_id"], ["results.result_id"], name=op.f("fk_refusals_result_id")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_refusals")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_refusals_feed_seq"), "refusals", ["feed", "seq"], unique=False)
    op.create_index(op.f("ix_refusals_result_id"), "refusals", ["result_id"], unique=False)
    op.create_index(
        "ix_refusals_not_taken",
        "refusals",
        ["feed", "seq"],
        unique=False,
        sqlite_where=sa.text("taken_at IS NULL"),
        postgresql_where=sa.text("taken_at IS NULL"),
    )
