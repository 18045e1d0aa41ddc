"""The tables, in the field's words: one schema for SQLite and PostgreSQL. Migrations build it; a test compares the two.

journal ──< replies        what arrived, byte for byte, and what was answered
   │  │       └─ withheld  answers that a rehearsal kept back
   │  ├──< repeats         the same bytes again
   │  ├──< requests        what a partner called its request over HTTP, and which reply it got
   │  ├──< files           what came as a file, with the number its sender gave it
   │  ├──< slides          the results of each message as they were at receipt, taken or refused
   │  └──< outgoing        messages to laboratories: confirmations of files, refusals
   └──< results ──< matches >── participants ──< facts, records, letters
   │       ├──< tasks ──< decisions
   │       └──< refusals        what a clerk refused after AA, and whether its laboratory has taken note
   └──< discharges ──< tasks    what colposcopy clinics report; the person on whose record one was put stands in its row
notifications, actions     call and recall: the practices' lists, what was decided about a person
recall_runs                what each day's run did
outbox, inbox              events leaving a transaction, and which consumer has handled which
assertions, token_keys     what partners have proven themselves with over HTTP, and what their tokens are signed with
dead_letters, duties       events that could not be handled; what the schedules did last
merges, cohort_files       two participants who were one person; how far each file of the cohort was taken
feed_hours                 answers to each feed by the hour
file_faults ──< file_notes files that are missing or corrupt, and what was done about each
pace                       when a partner may be asked next
questions                  what PDS is to be asked, and what it was asked by whom
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.types import BigInteger, DateTime, TypeDecorator, TypeEngine

from hub.domain.people import EVERYBODY

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


@lru_cache(maxsize=64)  # one step writes the same moment into a dozen rows
def _as_text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


class Moment(TypeDecorator[datetime]):
    """An aware moment. SQLite knows none, so it is kept there as sortable UTC text of fixed width."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        kind: TypeEngine[Any] = String(32) if dialect.name == "sqlite" else DateTime(timezone=True)
        return dialect.type_descriptor(kind)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None or dialect.name != "sqlite":
            return value
        return _as_text(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        return datetime.fromisoformat(value) if isinstance(value, str) else value


class Words(TypeDecorator[str]):
    """Text from outside, of whatever length. PostgreSQL takes neither a NUL nor half a surrogate pair, and nothing may
    be lost for one: each gets a visible stand-in here, on both databases alike. The bytes received are in the journal.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else as_kept(value)


def as_kept(text: str) -> str:
    """Text from outside as the database gives it back."""
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "\N{SYMBOL FOR NULL}").encode("utf-8", "replace").decode("utf-8")


# SQLite counts by itself only in a column that is INTEGER PRIMARY KEY.
_Counter = BigInteger().with_variant(Integer, "sqlite")


def _number() -> Column[int]:
    return Column("seq", _Counter, primary_key=True, autoincrement=True)


journal = Table(
    "journal",
    metadata,
    _number(),
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
    _number(),
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
    _number(),
    Column("journal_seq", _Counter, ForeignKey("journal.seq"), nullable=False, index=True),
    Column("received_at", Moment, nullable=False),
    Column("peer", Words, nullable=False),
)

outbox = Table(
    "outbox",
    metadata,
    _number(),
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
    _number(),
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
    _number(),
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
    _number(),
    Column("fault_id", String(36), ForeignKey("file_faults.fault_id"), nullable=False, index=True),
    Column("written_at", Moment, nullable=False),
    Column("by", Words, nullable=False),
    Column("what", String(16), nullable=False, comment="found, informed, noted, resolved"),
    Column("text", Words, nullable=False),
    sqlite_autoincrement=True,
)

participants = Table(
    "participants",
    metadata,
    Column("participant_id", String(36), primary_key=True),
    Column("nhs_number", Words, nullable=False, unique=True),
    Column("family_name", Words, nullable=False),
    Column("given_names", Words, nullable=False, comment="JSON list"),
    Column("former_family_names", Words, nullable=False, comment="JSON list"),
    Column("date_of_birth", Date, nullable=False),
    Column("gender", Words),
    Column("address_lines", Words, nullable=False, comment="JSON list"),
    Column("postcode", Words),
    Column("practice_code", Words),
    Column("entry_next_test_due_on", Date, comment="the date she came into the cohort with; results move it on"),
    Column("changed_at", Moment, nullable=False),
    Column("joined_on", Date, comment="the day she came into the cohort"),
    Column("deceased", String(16), nullable=False, server_default="", comment="formal, informal"),
    Column("died_on", Date),
    Column("removal", String(16), nullable=False, server_default="", comment="why no practice's list holds her"),
    Column("removed_on", Date),
    Column("restricted", Integer, nullable=False, server_default="0", comment="1: address and practice are withheld"),
    Column("workgroup", String(32), nullable=False, server_default=EVERYBODY, comment="who may see her"),
    Column("pds_version", Integer, nullable=False, server_default="0", comment="of what PDS told last"),
    Column("merged_into", String(36), nullable=False, server_default="", comment="the participant with her history"),
)

merges = Table(
    "merges",
    metadata,
    Column("merge_id", String(36), primary_key=True),
    Column("gone_id", String(36), ForeignKey("participants.participant_id"), nullable=False, index=True),
    Column("kept_id", String(36), ForeignKey("participants.participant_id"), nullable=False, index=True),
    Column("merged_at", Moment, nullable=False),
    Column("by", Words, nullable=False),
    Column("why", Words, nullable=False),
    Column("moved", Text, nullable=False, comment="JSON: by table, the rows that were hers"),
    Column("undone_at", Moment),
    Column("undone_by", Words, nullable=False),
)

cohort_files = Table(
    "cohort_files",
    metadata,
    Column("digest", String(64), primary_key=True, comment="SHA-256 of the file"),
    Column("line", Integer, nullable=False, comment="the last line of which what became is written down"),
    Column("taken", Integer, nullable=False),
    Column("refused", Integer, nullable=False),
    Column("begun_at", Moment, nullable=False),
    Column("ended_at", Moment),
)

participant_keys = Table(
    "participant_keys",
    metadata,
    Column("key", Words, primary_key=True),
    Column("participant_id", String(36), ForeignKey("participants.participant_id"), primary_key=True, index=True),
    sqlite_with_rowid=False,
)

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

matches = Table(
    "matches",
    metadata,
    Column("match_id", String(36), primary_key=True),
    Column("result_id", String(36), ForeignKey("results.result_id"), nullable=False),
    Column("participant_id", String(36), ForeignKey("participants.participant_id"), nullable=False, index=True),
    Column("how", String(16), nullable=False, comment="automatic or clerk"),
    Column("by", Words, nullable=False),
    Column("why", Words, nullable=False),
    Column("matched_at", Moment, nullable=False),
    Column("undone_at", Moment),
    Column("undone_by", Words, nullable=False),
    Index(None, "result_id"),
    # One result on two people's records is the harm this table exists to prevent.
    Index(
        "uq_matches_live_result",
        "result_id",
        unique=True,
        sqlite_where=text("undone_at IS NULL"),
        postgresql_where=text("undone_at IS NULL"),
    ),
)

facts = Table(
    "facts",
    metadata,
    Column("fact_id", String(36), primary_key=True),
    Column("participant_id", String(36), ForeignKey("participants.participant_id"), nullable=False, index=True),
    Column("kind", String(32), nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("recorded_at", Moment, nullable=False),
)

records = Table(
    "records",
    metadata,
    Column("participant_id", String(36), ForeignKey("participants.participant_id"), primary_key=True),
    Column("recall_type", String(32), nullable=False),
    Column("next_test_due_on", Date, index=True),
    Column("recall_status", String(32), nullable=False, server_default="No action"),
    Column("ceased", String(32), nullable=False, server_default="", comment="the reason; empty while she is called"),
    Column("non_responses", Integer, nullable=False, server_default="0"),
    Column("next_step", String(16), comment="what call and recall does next about her"),
    Column("next_step_on", Date, comment="from which day on"),
    Column("last_step", String(16), comment="what call and recall did last about her date"),
    Column("last_step_on", Date),
    Column("gone", String(16), nullable=False, server_default="", comment="deceased, moved-away"),
    Column("policy", String(64), nullable=False),
    Column("data", LargeBinary, nullable=False, comment="the fold's outcome as JSON: results, alerts, because"),
    Column("folded_at", Moment, nullable=False),
    Index(None, "next_step_on", "participant_id"),
)

notifications = Table(
    "notifications",
    metadata,
    Column("notification_id", String(36), primary_key=True),
    Column("participant_id", String(36), ForeignKey("participants.participant_id"), nullable=False, index=True),
    Column("practice_code", Words, nullable=False),
    Column("list", String(16), nullable=False, comment="due, not-responded, to-review"),
    Column("about_due_on", Date, nullable=False),
    Column("listed_on", Date, nullable=False),
    Column("state", String(16), nullable=False, comment="open, answered, closed"),
    Column("answer", Words, nullable=False),
    Column("answered_at", Moment),
    Column("answered_by", Words, nullable=False),
    Column("why", String(32), nullable=False, server_default="", comment="why she is to be reviewed"),
    Index("ix_notifications_list", "practice_code", "list", "state", "listed_on"),
)

actions = Table(
    "actions",
    metadata,
    Column("action_id", String(36), primary_key=True, comment="that of its fact"),
    Column("participant_id", String(36), ForeignKey("participants.participant_id"), nullable=False, index=True),
    Column("action", String(16), nullable=False, comment="defer, cease, reinstate, discharge"),
    Column("reason", String(32), nullable=False),
    Column("due_on", Date),
    Column("decided_on", Date, nullable=False),
    Column("by", Words, nullable=False),
    Column("case_number", String(32), nullable=False, comment="CSAS's own, where a clerk decided"),
    Column("why", Words, nullable=False),
    Column("decided_at", Moment, nullable=False),
    Column("taken_back_at", Moment),
    Column("taken_back_by", Words, nullable=False),
)

recall_runs = Table(
    "recall_runs",
    metadata,
    Column("run_on", Date, primary_key=True),
    Column("begun_at", Moment, nullable=False),
    Column("ended_at", Moment),
    Column("counts", Text, nullable=False, comment="JSON: the steps taken"),
    Column("cohort", Text, nullable=False, server_default="{}", comment="JSON: where everybody stood at its end"),
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
    _number(),
    Column("task_id", String(36), ForeignKey("tasks.task_id"), nullable=False, index=True),
    Column("action", String(16), nullable=False, comment="match, reject, query, undo, close"),
    Column("by", Words, nullable=False),
    Column("why", Words, nullable=False),
    Column("decided_at", Moment, nullable=False),
    Column("data", LargeBinary, nullable=False, comment="what is needed to undo it, as JSON"),
)

letters = Table(
    "letters",
    metadata,
    Column("letter_id", String(36), primary_key=True),
    Column("participant_id", String(36), ForeignKey("participants.participant_id"), nullable=False, index=True),
    Column("result_id", String(36), ForeignKey("results.result_id"), comment="none: an invitation or a reminder"),
    Column("code", String(8), nullable=False),
    Column("state", String(16), nullable=False, comment="wished, waiting, cancelled; withheld: its result gets none"),
    Column("why", Words, nullable=False),
    Column("changed_at", Moment, nullable=False),
    Column("rule", String(16), nullable=False, server_default="", comment="why, for programs"),
)

refusals = Table(
    "refusals",
    metadata,
    _number(),
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
