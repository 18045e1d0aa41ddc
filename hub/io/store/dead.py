"""Dead letters: what a consumer could not handle, kept until somebody has looked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, func, select

from hub.flow.ports.events import DeadLetter
from hub.io.store.room import Room
from hub.io.store.schema import dead_letters
from hub.io.store.statements import insert_or_replace


def _letter(row: Row[Any]) -> DeadLetter:
    return DeadLetter(
        event_id=row.event_id,
        consumer=row.consumer,
        type=row.type,
        subject=row.subject,
        why=row.why,
        died_at=row.died_at,
        body=bytes(row.body) if row.body is not None else None,
    )


class SqlDead(Room):
    """See `hub.flow.ports.events.Dead`."""

    def put(self, letter: DeadLetter) -> None:
        values = {
            "event_id": letter.event_id,
            "consumer": letter.consumer,
            "type": letter.type,
            "subject": letter.subject,
            "why": letter.why,
            "died_at": letter.died_at,
            "body": letter.body,
        }
        insert_or_replace(self._connection, dead_letters, values)

    def page(self, limit: int) -> list[DeadLetter]:
        """The oldest first."""
        query = select(dead_letters).order_by(dead_letters.c.died_at, dead_letters.c.event_id).limit(limit)
        return [_letter(row) for row in self._connection.execute(query)]

    def find(self, prefix: str) -> list[DeadLetter]:
        """Those whose event id begins so: nobody types a whole UUID."""
        named = dead_letters.c.event_id.startswith(prefix, autoescape=True)
        return [_letter(row) for row in self._connection.execute(select(dead_letters).where(named).limit(10))]

    def take_away(self, event_ids: Sequence[str]) -> None:
        self._connection.execute(delete(dead_letters).where(self._among(event_ids)))

    @staticmethod
    def _among(event_ids: Sequence[str]) -> ColumnElement[bool]:
        return dead_letters.c.event_id.in_(event_ids)

    def count(self) -> int:
        return self._connection.execute(select(func.count()).select_from(dead_letters)).scalar_one()
