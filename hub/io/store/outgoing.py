"""Messages to laboratories: written down with what caused them, carried later, each once."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, insert, select, update

from hub.flow.ports import OutgoingRow
from hub.io.store.room import Room
from hub.io.store.schema import outgoing


def _message(row: Row[Any]) -> OutgoingRow:
    values = {name: value for name, value in row._mapping.items() if name != "seq"}
    return OutgoingRow(**{**values, "body": bytes(values["body"])})


class SqlOutgoing(Room):
    """See `hub.flow.ports.Outgoing`."""

    def put(self, message: OutgoingRow) -> None:
        values = {name: getattr(message, name) for name in OutgoingRow.__slots__}
        self._connection.execute(insert(outgoing), {**values, "changed_at": message.changed_at or message.wished_at})

    def knows(self, local_id: str) -> bool:
        found = self._connection.execute(select(outgoing.c.seq).where(outgoing.c.local_id == local_id)).first()
        return found is not None

    def in_state(self, state: str, limit: int) -> list[OutgoingRow]:
        """The oldest first."""
        return self._listed(select(outgoing).where(outgoing.c.state == state).order_by(outgoing.c.seq).limit(limit))

    def settle(self, local_id: str, state: str, at: datetime, message_id: str = "", why: str = "") -> None:
        changed = {"state": state, "changed_at": at, "why": why} | ({"message_id": message_id} if message_id else {})
        self._connection.execute(update(outgoing).where(outgoing.c.local_id == local_id).values(changed))

    def of_feed(self, feed: str, limit: int) -> list[OutgoingRow]:
        """The newest first."""
        query = select(outgoing).where(outgoing.c.feed == feed).order_by(outgoing.c.seq.desc()).limit(limit)
        return self._listed(query)

    def _listed(self, query: Select[Any]) -> list[OutgoingRow]:
        return [_message(row) for row in self._connection.execute(query)]
