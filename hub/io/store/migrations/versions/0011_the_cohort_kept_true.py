"""The cohort kept true: death, removal, workgroup, merges; how far a file of the cohort was taken."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hub.io.store.schema import Moment, Words

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    for column in _of_participants():
        op.add_column("participants", column)
    why = sa.Column("why", sa.String(32), nullable=False, server_default="", comment="why she is to be reviewed")
    op.add_column("notifications", why)
    op.create_table(
        "merges",
        sa.Column("merge_id", sa.String(length=36), nullable=False),
        sa.Column("gone_id", sa.String(length=36), nullable=False),
        sa.Column("kept_id", sa.String(length=36), nullable=False),
        sa.Column("merged_at", Moment(), nullable=False),
        sa.Column("by", Words(), nullable=False),
        sa.Column("why", Words(), nullable=False),
        sa.Column("moved", sa.Text(), nullable=False, comment="JSON: by table, the rows that were hers"),
        sa.Column("undone_at", Moment(), nullable=True),
        sa.Column("undone_by", Words(), nullable=False),
        sa.ForeignKeyConstraint(["gone_id"], ["participants.participant_id"], name=op.f("fk_merges_gone_id")),
        sa.ForeignKeyConstraint(["kept_id"], ["participants.participant_id"], name=op.f("fk_merges_kept_id")),
        sa.PrimaryKeyConstraint("merge_id", name=op.f("pk_merges")),
    )
    op.create_index(op.f("ix_merges_gone_id"), "merges", ["gone_id"], unique=False)
    op.create_index(op.f("ix_merges_kept_id"), "merges", ["kept_id"], unique=False)
    op.create_table(
        "cohort_files",
        sa.Column("digest", sa.String(length=64), nullable=False, comment="SHA-256 of the file"),
        sa.Column("line", sa.Integer(), nullable=False, comment="the last line of which what became is written down"),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("begun_at", Moment(), nullable=False),
        sa.Column("ended_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_cohort_files")),
    )


def _of_participants() -> list[sa.Column[object]]:
    return [
        sa.Column("deceased", sa.String(16), nullable=False, server_default="", comment="formal, informal"),
        sa.Column("died_on", sa.Date()),
        sa.Column(
            "removal", sa.String(16), nullable=False, server_default="", comment="why no practice's list holds her"
        ),
        sa.Column("removed_on", sa.Date()),
        sa.Column(
            "restricted",
            sa.Integer(),
            nullable=False,
            server_default="0",
            comment="1: address and practice are withheld",
        ),
        sa.Column(
            "workgroup", sa.String(32), nullable=False, server_default="cervicalscreening", comment="who may see her"
        ),
        sa.Column("pds_version", sa.Integer(), nullable=False, server_default="0", comment="of what PDS told last"),
        sa.Column(
            "merged_into",
            sa.String(36),
            nullable=False,
            server_default="",
            comment="the participant with her history",
        ),
    ]
