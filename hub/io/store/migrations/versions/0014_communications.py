"""Telling people: what was handed to NHS Notify, what it has told, and what somebody did about one that failed."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from hub.io.store.schema import Moment, Words

revision = "0014"
down_revision = "0013"

_COUNTER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _of_letters()
    _batches()
    _communications()
    _news()
    _decisions()


def _where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def _of_letters() -> None:
    op.create_index("ix_letters_wished", "letters", ["code", "changed_at"], **_where("state = 'wished'"))
    if op.get_bind().dialect.name == "postgresql":  # SQLite keeps no comments
        comment = "wished, waiting, cancelled, withheld; sent, delivered, failed"
        op.alter_column("letters", "state", existing_type=sa.String(16), existing_nullable=False, comment=comment)


def _batches() -> None:
    op.create_table(
        "communication_batches",
        sa.Column("reference", sa.String(length=36), nullable=False),
        sa.Column("plan", sa.String(length=32), nullable=False, comment="a routing plan of letters.toml"),
        sa.Column(
            "single",
            sa.Boolean(),
            nullable=False,
            comment="one message by itself, which Notify takes by another road",
        ),
        sa.Column("begun_at", Moment(), nullable=False),
        sa.Column("look_at", Moment(), nullable=False, comment="when others may take the claim over"),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("why", Words(), nullable=False, comment="what stood in its way at the last try"),
        sa.Column("maybe", sa.Boolean(), nullable=False, comment="one of the tries may have arrived"),
        sa.Column("state", sa.String(length=16), nullable=False, comment="claimed, ended"),
        sa.PrimaryKeyConstraint("reference", name=op.f("pk_communication_batches")),
    )
    op.create_index("ix_communication_batches_due", "communication_batches", ["look_at"], **_where("state = 'claimed'"))


def _communications() -> None:
    what = "of the message: the letter's id, or drawn from it"
    op.create_table(
        "communications",
        sa.Column("reference", sa.String(length=36), nullable=False, comment=what),
        sa.Column("letter_id", sa.String(length=36), nullable=False),
        sa.Column("code", sa.String(length=8), nullable=False),
        sa.Column("plan", sa.String(length=32), nullable=False),
        sa.Column("batch_reference", sa.String(length=36), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False, comment="smaller is sooner: referrals first"),
        sa.Column("wished_at", Moment(), nullable=False),
        sa.Column("claimed_at", Moment(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False, comment="claimed, sent, delivered, failed, withdrawn"),
        sa.Column("sent_at", Moment(), nullable=True),
        sa.Column("look_at", Moment(), nullable=True, comment="when Notify is asked, if nothing was heard"),
        sa.Column("message_id", Words(), nullable=False, comment="Notify's own"),
        sa.Column("channel", sa.String(length=16), nullable=False, comment="the furthest that has begun"),
        sa.Column("why", Words(), nullable=False, comment="of a failure: a code"),
        sa.Column("description", Words(), nullable=False, comment="Notify's words for it"),
        sa.Column("ended_at", Moment(), nullable=True),
        sa.Column("task_at", Moment(), nullable=True, comment="since when somebody must act"),
        sa.Column("settled_at", Moment(), nullable=True),
        sa.Column("settlement", sa.String(length=16), nullable=False, comment="told, retried"),
        sa.ForeignKeyConstraint(["letter_id"], ["letters.letter_id"], name=op.f("fk_communications_letter_id")),
        sa.PrimaryKeyConstraint("reference", name=op.f("pk_communications")),
    )
    for column in ("letter_id", "batch_reference", "message_id"):
        op.create_index(op.f(f"ix_communications_{column}"), "communications", [column])
    op.create_index("ix_communications_look", "communications", ["look_at"], **_where("look_at IS NOT NULL"))
    task = "task_at IS NOT NULL AND settled_at IS NULL"
    op.create_index("ix_communications_task", "communications", ["priority", "task_at"], **_where(task))


def _news() -> None:
    op.create_table(
        "communication_news",
        sa.Column("key", Words(), nullable=False, comment="the same news has the same"),
        sa.Column("reference", Words(), nullable=False),
        sa.Column("message_id", Words(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False, comment="message, channel"),
        sa.Column("data", sa.LargeBinary(), nullable=False, comment="the news as JSON"),
        sa.Column("heard_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_communication_news")),
    )
    for column in ("reference", "message_id"):
        op.create_index(op.f(f"ix_communication_news_{column}"), "communication_news", [column])


def _decisions() -> None:
    op.create_table(
        "communication_decisions",
        sa.Column("seq", _COUNTER, autoincrement=True, nullable=False),
        sa.Column("reference", sa.String(length=36), nullable=False),
        sa.Column("action", sa.String(length=16), nullable=False, comment="settle, retry, undo"),
        sa.Column("by", Words(), nullable=False),
        sa.Column("why", Words(), nullable=False),
        sa.Column("decided_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["reference"], ["communications.reference"], name=op.f("fk_communication_decisions_reference")
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_communication_decisions")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_communication_decisions_reference"), "communication_decisions", ["reference"])
