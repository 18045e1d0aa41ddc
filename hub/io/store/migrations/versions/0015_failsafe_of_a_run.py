"""Each run of call and recall ends with the failsafe: who and what waits silently."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    comment = "JSON: who and what waited silently then"
    op.add_column("recall_runs", sa.Column("silent", sa.Text(), nullable=False, server_default="{}", comment=comment))
