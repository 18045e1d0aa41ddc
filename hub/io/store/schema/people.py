"""The people of the cohort, their records and letters, and call and recall."""

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
    text,
)

from hub.domain.people import EVERYBODY
from hub.io.store.schema.types import Moment, Words, metadata

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
    # No foreign key: these rows are made of the participant's own, by `SqlCohort.put` alone and in its transaction, and
    # nobody is ever taken out of the cohort. To check nine of them was a third of what a newcomer cost PostgreSQL.
    Column("participant_id", String(36), primary_key=True, index=True),
    sqlite_with_rowid=False,
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
    Column("referred_on", Date, comment="day of the test for which she is under colposcopy"),
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
    Column("silent", Text, nullable=False, server_default="{}", comment="JSON: who and what waited silently then"),
)


letters = Table(
    "letters",
    metadata,
    Column("letter_id", String(36), primary_key=True),
    Column("participant_id", String(36), ForeignKey("participants.participant_id"), nullable=False, index=True),
    Column("result_id", String(36), ForeignKey("results.result_id"), comment="none: an invitation or a reminder"),
    Column("code", String(8), nullable=False),
    Column(
        "state",
        String(16),
        nullable=False,
        comment="wished, waiting, cancelled, withheld; sent, delivered, failed",
    ),
    Column("why", Words, nullable=False),
    Column("changed_at", Moment, nullable=False),
    Column("rule", String(16), nullable=False, server_default="", comment="why, for programs"),
    Index(
        "ix_letters_wished",
        "code",
        "changed_at",
        sqlite_where=text("state = 'wished'"),
        postgresql_where=text("state = 'wished'"),
    ),
)
