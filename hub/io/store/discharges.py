"""Discharges as clinics reported them: one row per place of a message, whatever became of it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, Select, func, select

from hub.contract import event_from_json, event_to_json
from hub.domain.events import DischargeReported, DischargeUnread
from hub.flow.ports.results import DischargeRow
from hub.io.store.room import Room
from hub.io.store.schema import discharges
from hub.io.store.statements import insert_or_replace

_MOST_ALIKE = 100


def _row(row: Row[Any]) -> DischargeRow:
    values = dict(row._mapping)
    event = event_from_json(values.pop("type"), bytes(values.pop("data")))
    assert isinstance(event, DischargeReported | DischargeUnread)
    return DischargeRow(event=event, **values)


class SqlDischarges(Room):
    """See `hub.flow.ports.results.Discharges`."""

    def get(self, discharge_id: str) -> DischargeRow | None:
        return next(iter(self._rows(select(discharges).where(discharges.c.discharge_id == discharge_id))), None)

    def put(self, row: DischargeRow) -> None:
        values = {name: getattr(row, name) for name in DischargeRow.__slots__ if name != "event"}
        values |= {"type": type(row.event).__name__, "data": event_to_json(row.event)}
        insert_or_replace(self._connection, discharges, values)

    def saying(self, said: str, feed: str) -> list[DischargeRow]:
        """Those of a feed that say the same of the same person, the oldest first."""
        query = select(discharges).where(discharges.c.said == said, discharges.c.feed == feed)
        return self._rows(query.order_by(discharges.c.received_at).limit(_MOST_ALIKE))

    def of_message(self, journal_seq: int) -> list[DischargeRow]:
        query = select(discharges).where(discharges.c.journal_seq == journal_seq)
        return self._rows(query.order_by(discharges.c.position))

    def find(self, prefix: str) -> list[DischargeRow]:
        """Those whose id begins so: nobody types a whole UUID."""
        return self._rows(
            select(discharges).where(discharges.c.discharge_id.startswith(prefix, autoescape=True)).limit(10)
        )

    def newest(self, limit: int, state: str, feed: str | None = None) -> list[DischargeRow]:
        query = select(discharges).where(discharges.c.state == state)
        if feed:
            query = query.where(discharges.c.feed == feed)
        order = (discharges.c.received_at.desc(), discharges.c.discharge_id)
        return self._rows(query.order_by(*order).limit(limit))

    def counts(self, feed: str | None = None) -> dict[str, int]:
        """By state."""
        query = select(discharges.c.state, func.count()).group_by(discharges.c.state).order_by(discharges.c.state)
        if feed:
            query = query.where(discharges.c.feed == feed)
        return {row[0]: row[1] for row in self._connection.execute(query)}

    def _rows(self, query: Select[Any]) -> list[DischargeRow]:
        return [_row(row) for row in self._connection.execute(query)]
