"""Messages to laboratories: written down with what caused them, carried later, each once."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, and_, select, update

from hub.flow.ports.files import OutgoingRow
from hub.io.store.room import Room
from hub.io.store.schema import outgoing
from hub.io.store.statements import insert_or_leave


def _message(row: Row[Any]) -> OutgoingRow:
    values = {name: value for name, value in row._mapping.items() if name != "seq"}
    return OutgoingRow(**{**values, "body": bytes(values["body"])})


class SqlOutgoing(Room):
    """See `hub.flow.ports.files.Outgoing`."""

    def put(self, message: OutgoingRow) -> None:
        """Of one local id there is one message: the same wish again changes nothing."""
        values = {name: getattr(message, name) for name in OutgoingRow.__slots__}
        values["changed_at"] = message.changed_at or message.wished_at
        insert_or_leave(self._connection, outgoing, values)

    def knows(self, local_id: str) -> bool:
        found = self._connection.execute(select(outgoing.c.seq).where(outgoing.c.local_id == local_id)).first()
        return found is not None

    def in_state(self, state: str, limit: int) -> list[OutgoingRow]:
        """The oldest first."""
        return self._listed(select(outgoing).where(outgoing.c.state == state).order_by(outgoing.c.seq).limit(limit))

    def find(self, local_id: str, message_id: str) -> OutgoingRow | None:
        """By our name for it, or by the carrier's where it does not know ours."""
        named = outgoing.c.local_id == local_id
        carried = and_(outgoing.c.state == "sent", outgoing.c.message_id == message_id)
        return next(iter(self._listed(select(outgoing).where(named if local_id else carried).limit(1))), None)

    def claim(self, message: OutgoingRow, at: datetime) -> bool:
        """Begin to send it, unless somebody else has begun since it was read."""
        unchanged = [
            getattr(outgoing.c, name) == getattr(message, name) for name in ("local_id", "state", "changed_at")
        ]
        claimed = update(outgoing).where(*unchanged).values(state="sending", changed_at=at)
        return self._connection.execute(claimed).rowcount == 1

    def settle(self, local_id: str, state: str, at: datetime, message_id: str = "", why: str = "") -> None:
        changed = {"state": state, "changed_at": at, "why": why} | ({"message_id": message_id} if message_id else {})
        self._connection.execute(update(outgoing).where(outgoing.c.local_id == local_id).values(changed))

    def of_feed(self, feed: str, limit: int) -> list[OutgoingRow]:
        """The newest first."""
        query = select(outgoing).where(outgoing.c.feed == feed).order_by(outgoing.c.seq.desc()).limit(limit)
        return self._listed(query)

    def about(self, feed: str, journal_seq: int) -> list[OutgoingRow]:
        """Of one message of the feed, the oldest first."""
        query = select(outgoing).where(outgoing.c.feed == feed, outgoing.c.journal_seq == journal_seq)
        return self._listed(query.order_by(outgoing.c.seq))

    def _listed(self, query: Select[Any]) -> list[OutgoingRow]:
        return [_message(row) for row in self._connection.execute(query)]
