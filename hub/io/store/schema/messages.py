"""What arrived, byte for byte, and what was answered; files, messages to laboratories, and the account of the feeds."""

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
    Text,
    UniqueConstraint,
)
from sqlalchemy.types import BigInteger

from hub.io.store.schema.types import Moment, Words, _Counter, metadata, number

journal = Table(
    "journal",
    metadata,
    number(),
    Column("feed", String(64), nullable=False, comment="id of the feed; empty where the sender is unknown"),
    Column("digest", String(64), nullable=False, comment="SHA-256 of the bytes received"),
    Column("door", String(16), nullable=False),
    Column("peer", Words, nullable=False),
    Column("received_at", Moment, nullable=False),
    Column("control_id", Words, nullable=False),
    Column("message_type", Words, nullable=False),
    Column("state", String(16), nullable=False, comment="accepted, partly, refused, acknowledgement"),
    Column("results", Integer, nullable=False, comment="how many results were taken from it"),
    Column("notes", Text, nullable=False, comment="JSON list: charset, line ends and the like"),
    Column("traceparent", String(64), nullable=False),
    Column("raw", LargeBinary, nullable=False),
    UniqueConstraint("digest", "feed"),  # the digest first: a message is looked up by it, whole or in part
    Index(None, "control_id"),
    Index(None, "received_at", postgresql_using="brin"),  # small: rows lie in the order in which they came
    sqlite_autoincrement=True,
)


replies = Table(
    "replies",
    metadata,
    number(),
    Column("journal_seq", _Counter, ForeignKey("journal.seq"), nullable=False, index=True),
    Column("answered_at", Moment, nullable=False),
    Column("code", String(2), nullable=False, comment="AA, AE, AR; empty where nothing is to be answered"),
    Column("reason", String(64), nullable=False),
    Column("place", Words, nullable=False),
    Column("body", LargeBinary),
    Column("then", LargeBinary, comment="the application acknowledgement, a second message"),
    Column("state", String(16), nullable=False, comment="owed, sent, undelivered"),
    Column("sent_at", Moment, comment="when it was handed to the connection"),
    sqlite_autoincrement=True,
)


repeats = Table(
    "repeats",
    metadata,
    number(),
    Column("journal_seq", _Counter, ForeignKey("journal.seq"), nullable=False, index=True),
    Column("received_at", Moment, nullable=False),
    Column("peer", Words, nullable=False),
)


files = Table(
    "files",
    metadata,
    Column("journal_seq", _Counter, ForeignKey("journal.seq"), primary_key=True, autoincrement=False),
    Column("feed", String(64), nullable=False),
    Column("name", Words, nullable=False),
    Column("sequence", BigInteger, comment="the number its sender gave it"),
    Column("state", String(16), nullable=False, comment="read, corrupt"),
    Column("received_at", Moment, nullable=False),
    Index(None, "feed", "sequence"),
)


outgoing = Table(
    "outgoing",
    metadata,
    number(),
    Column("local_id", String(64), nullable=False, unique=True, comment="names it to whoever carries it"),
    Column("feed", String(64), nullable=False, index=True),
    Column("kind", String(16), nullable=False, comment="confirmation, refusals"),
    Column("journal_seq", _Counter, ForeignKey("journal.seq"), comment="what it confirms"),
    Column("mailbox", Words, nullable=False),
    Column("workflow", Words, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("state", String(16), nullable=False, comment="wished, sending, sent, taken, failed"),
    Column("message_id", Words, nullable=False, comment="the carrier's own name for it"),
    Column("why", Words, nullable=False),
    Column("wished_at", Moment, nullable=False),
    Column("changed_at", Moment, nullable=False),
    Index("ix_outgoing_state", "state", "seq"),
    sqlite_autoincrement=True,
)


withheld = Table(
    "withheld",
    metadata,
    Column("reply_seq", _Counter, ForeignKey("replies.seq"), primary_key=True, autoincrement=False),
    Column("withheld_at", Moment, nullable=False, comment="when a rehearsal kept the answer back"),
)


slides = Table(
    "slides",
    metadata,
    Column("journal_seq", _Counter, ForeignKey("journal.seq"), primary_key=True, autoincrement=False),
    Column("position", String(16), primary_key=True),
    Column("feed", String(64), nullable=False),
    Column("slide_number", Words, nullable=False, comment="empty where it could not be read"),
    Column("reason", String(64), nullable=False, comment="why it was refused; empty where it was taken"),
    Column("place", Words, nullable=False),
    Index(None, "slide_number", "feed"),
    sqlite_with_rowid=False,
)


feed_hours = Table(
    "feed_hours",
    metadata,
    Column("feed", String(64), primary_key=True),
    Column("hour_at", Moment, primary_key=True),
    Column("code", String(2), primary_key=True),
    Column("count", Integer, nullable=False),
    Column("last_at", Moment, nullable=False),
    Index(None, "hour_at"),
    sqlite_with_rowid=False,
)


file_faults = Table(
    "file_faults",
    metadata,
    Column("fault_id", String(36), primary_key=True),
    Column("feed", String(64), nullable=False, index=True),
    Column("kind", String(16), nullable=False, comment="missing, corrupt"),
    Column("state", String(16), nullable=False, comment="open, informed, resolved"),
    Column("first", BigInteger, comment="the number under which nothing came, or the first of several"),
    Column("last", BigInteger),
    Column("journal_seq", _Counter, ForeignKey("journal.seq"), index=True, comment="the corrupt file"),
    Column("name", Words, nullable=False),
    Column("due_on", Date, comment="of a missing file that a person added"),
    Column("added_by", Words, nullable=False),
    Column("found_at", Moment, nullable=False),
    Column("informed_on", Date),
    Column("informed_who", Words, nullable=False, comment="who of the laboratory was told"),
    Column("changed_at", Moment, nullable=False),
)


file_notes = Table(
    "file_notes",
    metadata,
    number(),
    Column("fault_id", String(36), ForeignKey("file_faults.fault_id"), nullable=False, index=True),
    Column("written_at", Moment, nullable=False),
    Column("by", Words, nullable=False),
    Column("what", String(16), nullable=False, comment="found, informed, noted, resolved"),
    Column("text", Words, nullable=False),
    sqlite_autoincrement=True,
)
