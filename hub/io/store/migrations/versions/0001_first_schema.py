"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hub.io.store.schema import Moment, Words

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "inbox",
        sa.Column("event_id", sa.String(length=36), nullable=False),
        sa.Column("consumer", sa.String(length=32), nullable=False),
        sa.Column("handled_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("event_id", "consumer", name=op.f("pk_inbox")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "journal",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column(
            "feed", sa.String(length=64), nullable=False, comment="id of the feed; empty where the sender is unknown"
        ),
        sa.Column("digest", sa.String(length=64), nullable=False, comment="SHA-256 of the bytes received"),
        sa.Column("door", sa.String(length=16), nullable=False),
        sa.Column("peer", Words(), nullable=False),
        sa.Column("received_at", Moment(), nullable=False),
        sa.Column("control_id", Words(), nullable=False),
        sa.Column("message_type", Words(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False, comment="accepted, partly, refused, acknowledgement"),
        sa.Column("results", sa.Integer(), nullable=False, comment="how many results were taken from it"),
        sa.Column("notes", sa.Text(), nullable=False, comment="JSON list: charset, line ends and the like"),
        sa.Column("traceparent", sa.String(length=64), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_journal")),
        sa.UniqueConstraint("digest", "feed", name=op.f("uq_journal_digest_feed")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_journal_control_id"), "journal", ["control_id"], unique=False)
    op.create_table(
        "outbox",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("event_id", sa.String(length=36), nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("feed", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("position", sa.String(length=16), nullable=False),
        sa.Column("supersedes", sa.String(length=36), nullable=False),
        sa.Column("traceparent", sa.String(length=64), nullable=False),
        sa.Column("occurred_at", Moment(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("confirmed_at", Moment(), nullable=True, comment="when the conveyor had it safely"),
        sa.Column("finished_at", Moment(), nullable=True, comment="when every consumer had handled it"),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_outbox")),
        sa.UniqueConstraint("event_id", name=op.f("uq_outbox_event_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_outbox_subject"), "outbox", ["subject"], unique=False)
    op.create_index(
        "ix_outbox_unconfirmed",
        "outbox",
        ["seq"],
        unique=False,
        sqlite_where=sa.text("confirmed_at IS NULL"),
        postgresql_where=sa.text("confirmed_at IS NULL"),
    )
    op.create_index(
        "ix_outbox_unfinished",
        "outbox",
        ["seq"],
        unique=False,
        sqlite_where=sa.text("finished_at IS NULL"),
        postgresql_where=sa.text("finished_at IS NULL"),
    )
    op.create_table(
        "participants",
        sa.Column("participant_id", sa.String(length=36), nullable=False),
        sa.Column("nhs_number", Words(), nullable=False),
        sa.Column("family_name", Words(), nullable=False),
        sa.Column("given_names", Words(), nullable=False, comment="JSON list"),
        sa.Column("former_family_names", Words(), nullable=False, comment="JSON list"),
        sa.Column("date_of_birth", sa.Date(), nullable=False),
        sa.Column("gender", Words(), nullable=True),
        sa.Column("address_lines", Words(), nullable=False, comment="JSON list"),
        sa.Column("postcode", Words(), nullable=True),
        sa.Column("practice_code", Words(), nullable=True),
        sa.Column(
            "entry_next_test_due_on",
            sa.Date(),
            nullable=True,
            comment="the date she came into the cohort with; results move it on",
        ),
        sa.Column("changed_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("participant_id", name=op.f("pk_participants")),
        sa.UniqueConstraint("nhs_number", name=op.f("uq_participants_nhs_number")),
    )
    op.create_table(
        "facts",
        sa.Column("fact_id", sa.String(length=36), nullable=False),
        sa.Column("participant_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("recorded_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["participant_id"], ["participants.participant_id"], name=op.f("fk_facts_participant_id")
        ),
        sa.PrimaryKeyConstraint("fact_id", name=op.f("pk_facts")),
    )
    op.create_index(op.f("ix_facts_participant_id"), "facts", ["participant_id"], unique=False)
    op.create_table(
        "participant_keys",
        sa.Column("key", Words(), nullable=False),
        sa.Column("participant_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(
            ["participant_id"], ["participants.participant_id"], name=op.f("fk_participant_keys_participant_id")
        ),
        sa.PrimaryKeyConstraint("key", "participant_id", name=op.f("pk_participant_keys")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_participant_keys_participant_id"), "participant_keys", ["participant_id"], unique=False)
    op.create_table(
        "records",
        sa.Column("participant_id", sa.String(length=36), nullable=False),
        sa.Column("recall_type", sa.String(length=32), nullable=False),
        sa.Column("next_test_due_on", sa.Date(), nullable=True),
        sa.Column("policy", sa.String(length=64), nullable=False),
        sa.Column(
            "data", sa.LargeBinary(), nullable=False, comment="the fold's outcome as JSON: results, alerts, because"
        ),
        sa.Column("folded_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["participant_id"], ["participants.participant_id"], name=op.f("fk_records_participant_id")
        ),
        sa.PrimaryKeyConstraint("participant_id", name=op.f("pk_records")),
    )
    op.create_index(op.f("ix_records_next_test_due_on"), "records", ["next_test_due_on"], unique=False)
    op.create_table(
        "repeats",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("journal_seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("received_at", Moment(), nullable=False),
        sa.Column("peer", Words(), nullable=False),
        sa.ForeignKeyConstraint(["journal_seq"], ["journal.seq"], name=op.f("fk_repeats_journal_seq")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_repeats")),
    )
    op.create_index(op.f("ix_repeats_journal_seq"), "repeats", ["journal_seq"], unique=False)
    op.create_table(
        "replies",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("journal_seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("answered_at", Moment(), nullable=False),
        sa.Column(
            "code", sa.String(length=2), nullable=False, comment="AA, AE, AR; empty where nothing is to be answered"
        ),
        sa.Column("reason", sa.String(length=64), nullable=False),
        sa.Column("place", Words(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("then", sa.LargeBinary(), nullable=True, comment="the application acknowledgement, a second message"),
        sa.Column("state", sa.String(length=16), nullable=False, comment="owed, sent, undelivered"),
        sa.ForeignKeyConstraint(["journal_seq"], ["journal.seq"], name=op.f("fk_replies_journal_seq")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_replies")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_replies_journal_seq"), "replies", ["journal_seq"], unique=False)
    op.create_table(
        "results",
        sa.Column("result_id", sa.String(length=36), nullable=False),
        sa.Column("journal_seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("feed", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("position", sa.String(length=16), nullable=False),
        sa.Column("event_id", sa.String(length=36), nullable=False, comment="the newest event read from that place"),
        sa.Column("type", sa.String(length=64), nullable=False, comment="ResultReported or ReportParked"),
        sa.Column("laboratory_code", Words(), nullable=False),
        sa.Column("slide_number", Words(), nullable=False),
        sa.Column("version", sa.String(length=16), nullable=False),
        sa.Column("authorised_at", Moment(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False, comment="recorded, waiting, refused, superseded"),
        sa.Column("data", sa.LargeBinary(), nullable=False, comment="the event as JSON"),
        sa.ForeignKeyConstraint(["journal_seq"], ["journal.seq"], name=op.f("fk_results_journal_seq")),
        sa.PrimaryKeyConstraint("result_id", name=op.f("pk_results")),
        sa.UniqueConstraint("feed", "digest", "position", name=op.f("uq_results_feed_digest_position")),
    )
    op.create_index(op.f("ix_results_journal_seq"), "results", ["journal_seq"], unique=False)
    op.create_index(
        op.f("ix_results_slide_number_laboratory_code"), "results", ["slide_number", "laboratory_code"], unique=False
    )
    op.create_table(
        "letters",
        sa.Column("letter_id", sa.String(length=36), nullable=False),
        sa.Column("participant_id", sa.String(length=36), nullable=False),
        sa.Column("result_id", sa.String(length=36), nullable=False),
        sa.Column("code", sa.String(length=8), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False, comment="wished, waiting, cancelled"),
        sa.Column("why", Words(), nullable=False),
        sa.Column("changed_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["participant_id"], ["participants.participant_id"], name=op.f("fk_letters_participant_id")
        ),
        sa.ForeignKeyConstraint(["result_id"], ["results.result_id"], name=op.f("fk_letters_result_id")),
        sa.PrimaryKeyConstraint("letter_id", name=op.f("pk_letters")),
    )
    op.create_index(op.f("ix_letters_participant_id"), "letters", ["participant_id"], unique=False)
    op.create_table(
        "matches",
        sa.Column("match_id", sa.String(length=36), nullable=False),
        sa.Column("result_id", sa.String(length=36), nullable=False),
        sa.Column("participant_id", sa.String(length=36), nullable=False),
        sa.Column("how", sa.String(length=16), nullable=False, comment="automatic or clerk"),
        sa.Column("by", Words(), nullable=False),
        sa.Column("why", Words(), nullable=False),
        sa.Column("matched_at", Moment(), nullable=False),
        sa.Column("undone_at", Moment(), nullable=True),
        sa.Column("undone_by", Words(), nullable=False),
        sa.ForeignKeyConstraint(
            ["participant_id"], ["participants.participant_id"], name=op.f("fk_matches_participant_id")
        ),
        sa.ForeignKeyConstraint(["result_id"], ["results.result_id"], name=op.f("fk_matches_result_id")),
        sa.PrimaryKeyConstraint("match_id", name=op.f("pk_matches")),
    )
    op.create_index(op.f("ix_matches_participant_id"), "matches", ["participant_id"], unique=False)
    op.create_index(
        "uq_matches_live_result",
        "matches",
        ["result_id"],
        unique=True,
        sqlite_where=sa.text("undone_at IS NULL"),
        postgresql_where=sa.text("undone_at IS NULL"),
    )
    op.create_table(
        "tasks",
        sa.Column("task_id", sa.String(length=36), nullable=False),
        sa.Column("result_id", sa.String(length=36), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False, comment="open, queried, closed"),
        sa.Column("outcome", sa.String(length=32), nullable=False),
        sa.Column("note", Words(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False, comment="smaller is sooner"),
        sa.Column("due_on", sa.Date(), nullable=False, comment="14 days after the test"),
        sa.Column(
            "participant_id",
            sa.String(length=36),
            nullable=True,
            comment="set where the person is certain and the rules are not",
        ),
        sa.Column(
            "person_key",
            sa.String(length=64),
            nullable=False,
            comment="the same for all results that claim the same person",
        ),
        sa.Column("data", sa.LargeBinary(), nullable=False, comment="candidates, place and hint as JSON"),
        sa.Column("opened_at", Moment(), nullable=False),
        sa.Column("closed_at", Moment(), nullable=True),
        sa.Column("closed_by", Words(), nullable=False),
        sa.ForeignKeyConstraint(["result_id"], ["results.result_id"], name=op.f("fk_tasks_result_id")),
        sa.PrimaryKeyConstraint("task_id", name=op.f("pk_tasks")),
    )
    op.create_index(op.f("ix_tasks_participant_id"), "tasks", ["participant_id"], unique=False)
    op.create_index(op.f("ix_tasks_result_id"), "tasks", ["result_id"], unique=False)
    op.create_index("ix_tasks_worklist", "tasks", ["state", "priority", "due_on", "opened_at"], unique=False)
    op.create_index(
        "uq_tasks_open_result",
        "tasks",
        ["result_id"],
        unique=True,
        sqlite_where=sa.text("state <> 'closed'"),
        postgresql_where=sa.text("state <> 'closed'"),
    )
    op.create_table(
        "decisions",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("task_id", sa.String(length=36), nullable=False),
        sa.Column("action", sa.String(length=16), nullable=False, comment="match, reject, query, undo, close"),
        sa.Column("by", Words(), nullable=False),
        sa.Column("why", Words(), nullable=False),
        sa.Column("decided_at", Moment(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False, comment="what is needed to undo it, as JSON"),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.task_id"], name=op.f("fk_decisions_task_id")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_decisions")),
    )
    op.create_index(op.f("ix_decisions_task_id"), "decisions", ["task_id"], unique=False)
    op.create_table(
        "task_keys",
        sa.Column("key", Words(), nullable=False),
        sa.Column("task_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.task_id"], name=op.f("fk_task_keys_task_id")),
        sa.PrimaryKeyConstraint("key", "task_id", name=op.f("pk_task_keys")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_task_keys_task_id"), "task_keys", ["task_id"], unique=False)
