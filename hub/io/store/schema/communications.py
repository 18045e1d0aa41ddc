"""Telling people: what was handed to NHS Notify, under which reference, and what it has told of it."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, LargeBinary, String, Table, text

from hub.io.store.schema.types import Moment, Words, metadata, number

_CLAIMED, _TASK = text("state = 'claimed'"), text("task_at IS NOT NULL AND settled_at IS NULL")
_FOLLOWED = text("look_at IS NOT NULL")

communication_batches = Table(
    "communication_batches",
    metadata,
    Column("reference", String(36), primary_key=True),
    Column("plan", String(32), nullable=False, comment="a routing plan of letters.toml"),
    Column("single", Boolean, nullable=False, comment="one message by itself, which Notify takes by another road"),
    Column("begun_at", Moment, nullable=False),
    Column("look_at", Moment, nullable=False, comment="when others may take the claim over"),
    Column("tries", Integer, nullable=False),
    Column("why", Words, nullable=False, comment="what stood in its way at the last try"),
    Column("maybe", Boolean, nullable=False, comment="one of the tries may have arrived"),
    Column("state", String(16), nullable=False, comment="claimed, ended"),
    Index("ix_communication_batches_due", "look_at", sqlite_where=_CLAIMED, postgresql_where=_CLAIMED),
)


communications = Table(
    "communications",
    metadata,
    Column("reference", String(36), primary_key=True, comment="of the message: the letter's id, or drawn from it"),
    Column("letter_id", String(36), ForeignKey("letters.letter_id"), nullable=False, index=True),
    Column("code", String(8), nullable=False),
    Column("plan", String(32), nullable=False),
    Column("batch_reference", String(36), nullable=False, index=True),
    Column("priority", Integer, nullable=False, comment="smaller is sooner: referrals first"),
    Column("wished_at", Moment, nullable=False),
    Column("claimed_at", Moment, nullable=False),
    Column("state", String(16), nullable=False, comment="claimed, sent, delivered, failed, withdrawn"),
    Column("sent_at", Moment),
    Column("look_at", Moment, comment="when Notify is asked, if nothing was heard"),
    Column("message_id", Words, nullable=False, index=True, comment="Notify's own"),
    Column("channel", String(16), nullable=False, comment="the furthest that has begun"),
    Column("why", Words, nullable=False, comment="of a failure: a code"),
    Column("description", Words, nullable=False, comment="Notify's words for it"),
    Column("ended_at", Moment),
    Column("task_at", Moment, comment="since when somebody must act"),
    Column("settled_at", Moment),
    Column("settlement", String(16), nullable=False, comment="told, retried"),
    Index("ix_communications_look", "look_at", sqlite_where=_FOLLOWED, postgresql_where=_FOLLOWED),
    Index("ix_communications_task", "priority", "task_at", sqlite_where=_TASK, postgresql_where=_TASK),
)


communication_news = Table(
    "communication_news",
    metadata,
    Column("key", Words, primary_key=True, comment="the same news has the same"),
    Column("reference", Words, nullable=False, index=True),
    Column("message_id", Words, nullable=False, index=True),
    Column("kind", String(16), nullable=False, comment="message, channel"),
    Column("data", LargeBinary, nullable=False, comment="the news as JSON"),
    Column("heard_at", Moment, nullable=False),
)


communication_decisions = Table(
    "communication_decisions",
    metadata,
    number(),
    Column("reference", String(36), ForeignKey("communications.reference"), nullable=False, index=True),
    Column("action", String(16), nullable=False, comment="settle, retry, undo"),
    Column("by", Words, nullable=False),
    Column("why", Words, nullable=False),
    Column("decided_at", Moment, nullable=False),
    sqlite_autoincrement=True,
)
