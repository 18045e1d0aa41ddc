"""Since when somebody has been under colposcopy: the day of the test that referred her, as her record tells it."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"

_RECORDS = sa.table(
    "records",
    sa.column("participant_id", sa.String),
    sa.column("recall_type", sa.String),
    sa.column("data", sa.LargeBinary),
    sa.column("referred_on", sa.Date),
)


def upgrade() -> None:
    comment = "day of the test for which she is under colposcopy"
    op.add_column("records", sa.Column("referred_on", sa.Date(), nullable=True, comment=comment))
    bind, known = op.get_bind(), _RECORDS.c
    suspended = sa.select(known.participant_id, known.data).where(known.recall_type == "Suspended")
    for participant_id, data in bind.execute(suspended).all():
        ours = _RECORDS.update().where(known.participant_id == participant_id)
        bind.execute(ours.values(referred_on=_referred_on(json.loads(bytes(data)))))


def _referred_on(folded: dict[str, Any]) -> date | None:
    """Of her results, oldest first, the newest that referred her."""
    days = [each["test_on"] for each in folded["results"] if each["combination"].endswith("S")]
    return date.fromisoformat(days[-1]) if days else None
