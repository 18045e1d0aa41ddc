"""What was decided about people: put off, ceased, reinstated, discharged; by whom and why."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, Select, select

from hub.flow.ports.recall import ActionRow
from hub.io.store.room import Room
from hub.io.store.schema import actions
from hub.io.store.statements import insert_or_replace


def _action(row: Row[Any]) -> ActionRow:
    return ActionRow(**row._mapping)


class SqlActions(Room):
    """See `hub.flow.ports.recall.PersonActions`."""

    def put(self, row: ActionRow) -> None:
        insert_or_replace(self._connection, actions, {name: getattr(row, name) for name in ActionRow.__slots__})

    def get(self, action_id: str) -> ActionRow | None:
        rows = self._rows(select(actions).where(actions.c.action_id == action_id))
        return rows[0] if rows else None

    def of(self, participant_id: str) -> list[ActionRow]:
        """The newest first."""
        return self._rows(
            select(actions).where(actions.c.participant_id == participant_id).order_by(actions.c.decided_at.desc())
        )

    def _rows(self, query: Select[Any]) -> list[ActionRow]:
        return [_action(row) for row in self._connection.execute(query)]
