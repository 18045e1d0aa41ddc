"""Events leaving a transaction, and which consumer has handled which; what the schedules did last; whom to ask when."""

from __future__ import annotations

from sqlalchemy import (
    Column,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    text,
)

from hub.io.store.schema.types import Moment, Words, metadata, number

outbox = Table(
    "outbox",
    metadata,
    number(),
    Column("event_id", String(36), nullable=False, unique=True),
    Column("type", String(64), nullable=False),
    Column("subject", String(64), nullable=False),
    Column("feed", String(64), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("position", String(16), nullable=False),
    Column("supersedes", String(36), nullable=False),
    Column("traceparent", String(64), nullable=False),
    Column("occurred_at", Moment, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("confirmed_at", Moment, comment="when the conveyor had it safely"),
    Column("finished_at", Moment, comment="when every consumer had handled it"),
    Index(
        "ix_outbox_unconfirmed",
        "seq",
        sqlite_where=text("confirmed_at IS NULL"),
        postgresql_where=text("confirmed_at IS NULL"),
    ),
    Index(
        "ix_outbox_unfinished",
        "seq",
        sqlite_where=text("finished_at IS NULL"),
        postgresql_where=text("finished_at IS NULL"),
    ),
    Index(None, "subject"),
    sqlite_autoincrement=True,
)


inbox = Table(
    "inbox",
    metadata,
    Column("event_id", String(36), primary_key=True),
    Column("consumer", String(32), primary_key=True),
    Column("handled_at", Moment, nullable=False),
    sqlite_with_rowid=False,
)


dead_letters = Table(
    "dead_letters",
    metadata,
    Column("event_id", String(64), primary_key=True),
    Column("consumer", String(64), primary_key=True),
    Column("type", Words, nullable=False),
    Column("subject", Words, nullable=False),
    Column("why", Words, nullable=False),
    Column("died_at", Moment, nullable=False),
    Column("body", LargeBinary, comment="of what came from the broker and is no event of ours"),
    Index(None, "died_at"),
)


duties = Table(
    "duties",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("done_at", Moment, nullable=False, comment="when one of the schedules last began it"),
)


pace = Table(
    "pace",
    metadata,
    Column("partner", String(32), primary_key=True),
    Column("next_at", Moment, nullable=False, comment="the next free turn"),
)


questions = Table(
    "questions",
    metadata,
    number(),
    Column("kind", String(16), nullable=False, comment="claim, clerk, person"),
    Column("subject", Words, nullable=False, comment="a task's id; of a person, her NHS number"),
    Column("by", Words, nullable=False, comment="the hub, an event, or the clerk who asked"),
    Column("opened_at", Moment, nullable=False),
    Column("next_at", Moment, nullable=False, comment="not asked before"),
    Column("tries", Integer, nullable=False),
    Column("why", Words, nullable=False, comment="why it has no answer yet"),
    Column("state", String(16), nullable=False, comment="waiting, settled"),
    Column("outcome", String(32), nullable=False),
    Column("version", Integer, comment="the version of her record that was taken over"),
    Column("settled_at", Moment),
    # However many hints come about one person, she is asked about once.
    Index(
        "uq_questions_waiting",
        "kind",
        "subject",
        unique=True,
        sqlite_where=text("state = 'waiting'"),
        postgresql_where=text("state = 'waiting'"),
    ),
    Index(
        "ix_questions_next",
        "kind",
        "next_at",
        sqlite_where=text("state = 'waiting'"),
        postgresql_where=text("state = 'waiting'"),
    ),
    Index(None, "subject"),
    sqlite_autoincrement=True,
)
