"""What laboratories and clinics report, and the tasks that clerks have with it."""

from __future__ import annotations

from sqlalchemy import (
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
    text,
)

from hub.io.store.schema.types import Moment, Words, _Counter, metadata, number

results = Table(
    "results",
    metadata,
    Column("result_id", String(36), primary_key=True),
    Column("journal_seq", _Counter, ForeignKey("journal.seq"), nullable=False, index=True),
    Column("feed", String(64), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("position", String(16), nullable=False),
    Column("event_id", String(36), nullable=False, comment="the newest event read from that place"),
    Column("type", String(64), nullable=False, comment="ResultReported or ReportParked"),
    Column("laboratory_code", Words, nullable=False),
    Column("slide_number", Words, nullable=False),
    Column("version", String(16), nullable=False),
    Column("authorised_at", Moment),
    Column("state", String(16), nullable=False, comment="recorded, waiting, refused, superseded"),
    Column("data", LargeBinary, nullable=False, comment="the event as JSON"),
    UniqueConstraint("feed", "digest", "position"),
    Index(None, "slide_number", "laboratory_code"),
)


discharges = Table(
    "discharges",
    metadata,
    Column("discharge_id", String(36), primary_key=True),
    Column("journal_seq", _Counter, ForeignKey("journal.seq"), nullable=False, index=True),
    Column("feed", String(64), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("position", String(16), nullable=False),
    Column("event_id", String(36), nullable=False, comment="the newest event read from that place"),
    Column("type", String(64), nullable=False, comment="DischargeReported or DischargeUnread"),
    Column("said", String(64), nullable=False, comment="the same for rows that say the same of the same person"),
    Column("state", String(16), nullable=False, comment="applied, waiting, refused, repeated, superseded"),
    Column("received_at", Moment, nullable=False),
    Column("participant_id", String(36), ForeignKey("participants.participant_id"), index=True),
    Column("action_id", String(36), comment="what was done about it, while it is applied"),
    Column("due_on", Date, comment="the date that counts, while it is applied"),
    Column("data", LargeBinary, nullable=False, comment="the event as JSON"),
    UniqueConstraint("feed", "digest", "position"),
    Index(None, "said", "feed"),
    Index("ix_discharges_list", "state", "feed", "received_at"),
)


tasks = Table(
    "tasks",
    metadata,
    Column("task_id", String(36), primary_key=True),
    Column("result_id", String(36), ForeignKey("results.result_id"), comment="none: it is about a discharge"),
    Column("discharge_id", String(36), ForeignKey("discharges.discharge_id"), comment="none: it is about a result"),
    Column("reason", String(64), nullable=False),
    Column("state", String(16), nullable=False, comment="open, queried, closed"),
    Column("outcome", String(32), nullable=False),
    Column("note", Words, nullable=False),
    Column("priority", Integer, nullable=False, comment="smaller is sooner"),
    Column("due_on", Date, nullable=False, comment="14 days after the test"),
    Column("participant_id", String(36), comment="set where the person is certain and the rules are not"),
    Column("person_key", String(64), nullable=False, comment="the same for all results that claim the same person"),
    Column("data", LargeBinary, nullable=False, comment="candidates, place and hint as JSON"),
    Column("opened_at", Moment, nullable=False),
    Column("closed_at", Moment),
    Column("closed_by", Words, nullable=False),
    Index("ix_tasks_worklist", "state", "priority", "due_on", "opened_at"),
    Index(None, "participant_id"),
    Index(
        "uq_tasks_open_result",
        "result_id",
        unique=True,
        sqlite_where=text("state <> 'closed'"),
        postgresql_where=text("state <> 'closed'"),
    ),
    Index(None, "result_id"),
    Index(
        "uq_tasks_open_discharge",
        "discharge_id",
        unique=True,
        sqlite_where=text("state <> 'closed'"),
        postgresql_where=text("state <> 'closed'"),
    ),
    Index(None, "discharge_id"),
)


task_keys = Table(
    "task_keys",
    metadata,
    Column("key", Words, primary_key=True),
    Column("task_id", String(36), ForeignKey("tasks.task_id"), primary_key=True, index=True),
    sqlite_with_rowid=False,
)


decisions = Table(
    "decisions",
    metadata,
    number(),
    Column("task_id", String(36), ForeignKey("tasks.task_id"), nullable=False, index=True),
    Column("action", String(16), nullable=False, comment="match, reject, query, undo, close"),
    Column("by", Words, nullable=False),
    Column("why", Words, nullable=False),
    Column("decided_at", Moment, nullable=False),
    Column("data", LargeBinary, nullable=False, comment="what is needed to undo it, as JSON"),
)
