"""Two participants who were one person: whose rows moved to whom."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Row, Table, bindparam, delete, select, update

from hub.flow.ports.cohort import MergeRow
from hub.io.store.room import Room
from hub.io.store.schema import actions, facts, letters, matches, merges, notifications, records, tasks
from hub.io.store.statements import Several, insert_or_replace

_HERS: tuple[Table, ...] = (facts, matches, tasks, letters, notifications, actions)
"""Every table that holds something of a person, besides what is drawn from these."""


def _key(table: Table) -> Any:
    (key,) = table.primary_key.columns
    return key


_MOVE_BACK = {
    table.name: Several(update(table).values(participant_id=bindparam("to_whom")), _key(table)) for table in _HERS
}


def _merge(row: Row[Any]) -> MergeRow:
    return MergeRow(**{**row._mapping, "moved": json.loads(row.moved)})


class SqlMerges(Room):
    """See `hub.flow.ports.cohort.Merges`."""

    def move(self, gone_id: str, kept_id: str) -> dict[str, list[str]]:
        """All that is hers becomes the other's; returns the keys of the rows, by table."""
        moved = {}
        for table in _HERS:
            key, hers = _key(table), table.c.participant_id == gone_id
            moved[table.name] = sorted(self._connection.execute(select(key).where(hers)).scalars())
            self._connection.execute(update(table).where(hers).values(participant_id=kept_id))
        self._connection.execute(delete(records).where(records.c.participant_id == gone_id))
        return moved

    def move_back(self, row: MergeRow) -> None:
        for table in _HERS:
            _MOVE_BACK[table.name].change(self._connection, row.moved[table.name], {"to_whom": row.gone_id})

    def put(self, row: MergeRow) -> None:
        values = {name: getattr(row, name) for name in MergeRow.__slots__}
        insert_or_replace(self._connection, merges, {**values, "moved": json.dumps(row.moved)})

    def get(self, merge_id: str) -> MergeRow | None:
        row = self._connection.execute(select(merges).where(merges.c.merge_id == merge_id)).first()
        return _merge(row) if row else None

    def of(self, participant_id: str) -> list[MergeRow]:
        """The merges she took part in, oldest first."""
        hers = (merges.c.gone_id == participant_id) | (merges.c.kept_id == participant_id)
        query = select(merges).where(hers).order_by(merges.c.merged_at, merges.c.merge_id)
        return [_merge(row) for row in self._connection.execute(query)]
