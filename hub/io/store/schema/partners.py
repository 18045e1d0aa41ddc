"""What partners have asked and proven over HTTP, and what was refused of theirs after AA."""

from __future__ import annotations

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Table,
    text,
)

from hub.io.store.schema.types import Moment, Words, _Counter, metadata, number

requests = Table(
    "requests",
    metadata,
    Column("feed", String(64), primary_key=True),
    Column("request_id", String(36), primary_key=True, comment="X-Request-ID"),
    Column("digest", String(64), nullable=False, comment="SHA-256 of the bytes that came with it"),
    Column("journal_seq", _Counter, ForeignKey("journal.seq"), nullable=False),
    Column("reply_seq", _Counter, ForeignKey("replies.seq"), nullable=False),
    sqlite_with_rowid=False,
)


assertions = Table(
    "assertions",
    metadata,
    Column("feed", String(64), primary_key=True),
    Column("jti", String(64), primary_key=True, comment="SHA-256 of the name the sender gave its assertion"),
    Column("expires_at", Moment, nullable=False, index=True),
    sqlite_with_rowid=False,
)


token_keys = Table(
    "token_keys",
    metadata,
    Column("key_id", String(36), primary_key=True),
    Column("secret", LargeBinary, nullable=False),
    Column("made_at", Moment, nullable=False),
)


refusals = Table(
    "refusals",
    metadata,
    number(),
    Column("feed", String(64), nullable=False),
    Column("result_id", String(36), ForeignKey("results.result_id"), nullable=False, index=True),
    Column("journal_seq", _Counter, ForeignKey("journal.seq"), nullable=False),
    Column("position", String(16), nullable=False),
    Column("control_id", Words, nullable=False),
    Column("slide_number", Words, nullable=False),
    Column("reason", String(64), nullable=False, comment="why a clerk had to look at it"),
    Column("refused_at", Moment, nullable=False),
    Column("withdrawn_at", Moment, comment="when the refusal was taken back"),
    Column("told_at", Moment, comment="when a message about it was last wished"),
    Column("taken_at", Moment, comment="when the laboratory said that it has it, as it stands"),
    Column("taken_by", Words, nullable=False),
    Index(None, "feed", "seq"),
    Index(
        "ix_refusals_not_taken",
        "feed",
        "seq",
        sqlite_where=text("taken_at IS NULL"),
        postgresql_where=text("taken_at IS NULL"),
    ),
    sqlite_autoincrement=True,
)
