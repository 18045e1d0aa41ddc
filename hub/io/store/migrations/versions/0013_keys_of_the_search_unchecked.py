"""The keys by which people are found are made of the people themselves: nothing checks that any more."""

from __future__ import annotations

from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    with op.batch_alter_table("participant_keys", table_kwargs={"sqlite_with_rowid": False}) as keys:
        keys.drop_constraint("fk_participant_keys_participant_id", type_="foreignkey")
