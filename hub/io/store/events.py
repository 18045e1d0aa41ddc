"""Outbox and inbox: how events leave a transaction, and how each consumer knows what it has handled."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, select, update

from hub.contract import Envelope
from hub.io.store.prepared import Prepared
from hub.io.store.schema import inbox, outbox
from hub.io.store.statements import insert_or_leave

_UNCONFIRMED = Prepared(
    select(outbox)
    .where(outbox.c.confirmed_at.is_(None), outbox.c.seq > bindparam("after"))
    .order_by(outbox.c.seq)
    .limit(bindparam("size"))
)
_UNFINISHED = Prepared(
    select(outbox)
    .where(
        outbox.c.finished_at.is_(None),
        outbox.c.confirmed_at.is_not(None),
        outbox.c.confirmed_at <= bindparam("before"),
        outbox.c.seq > bindparam("after"),
    )
    .order_by(outbox.c.seq)
    .limit(bindparam("size"))
)
_CONFIRM = Prepared(
    update(outbox)
    .where(outbox.c.seq == bindparam("row"), outbox.c.confirmed_at.is_(None))
    .values(confirmed_at=bindparam("at"))
)
_CONSUMERS = Prepared(select(func.count()).select_from(inbox).where(inbox.c.event_id == bindparam("event")))
_FINISH = Prepared(update(outbox).where(outbox.c.event_id == bindparam("event")).values(finished_at=bindparam("at")))


def _envelope(row: Row[Any]) -> Envelope:
    return Envelope(
        event_id=row.event_id,
        type=row.type,
        subject=row.subject,
        occurred_at=row.occurred_at,
        data=bytes(row.data),
        feed=row.feed,
        digest=row.digest,
        position=row.position,
        traceparent=row.traceparent,
        supersedes=row.supersedes,
    )


class SqlEvents:
    """See `hub.flow.ports.Events`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put(self, envelope: Envelope, *, consumed: bool) -> bool:
        """Into the outbox; False where the very same event has been put there before. What nobody of ours consumes is
        finished from the start."""
        values = {
            "event_id": envelope.event_id,
            "type": envelope.type,
            "subject": envelope.subject,
            "feed": envelope.feed,
            "digest": envelope.digest,
            "position": envelope.position,
            "supersedes": envelope.supersedes,
            "traceparent": envelope.traceparent,
            "occurred_at": envelope.occurred_at,
            "data": envelope.data,
            "confirmed_at": None,
            "finished_at": None if consumed else envelope.occurred_at,
        }
        return insert_or_leave(self._connection, outbox, values)

    def unconfirmed(self, after: int, limit: int) -> list[tuple[int, Envelope]]:
        rows = _UNCONFIRMED.rows(self._connection, {"after": after, "size": limit})
        return [(row.seq, _envelope(row)) for row in rows]

    def confirm(self, rows: Sequence[int], at: datetime) -> None:
        """Mark as confirmed: the conveyor has them safely."""
        _CONFIRM.change_all(self._connection, [{"row": seq, "at": at} for seq in rows])

    def unfinished(self, before: datetime, after: int, limit: int) -> list[tuple[int, Envelope]]:
        rows = _UNFINISHED.rows(self._connection, {"before": before, "after": after, "size": limit})
        return [(row.seq, _envelope(row)) for row in rows]

    def take(self, event_id: str, consumer: str, at: datetime) -> bool:
        """Into the consumer's inbox; False where it holds the event already."""
        values = {"event_id": event_id, "consumer": consumer, "handled_at": at}
        return insert_or_leave(self._connection, inbox, values)

    def finish(self, event_id: str, wanted: int, at: datetime) -> None:
        """The event is finished if `wanted` consumers have it in their inbox."""
        if wanted == 1 or _CONSUMERS.rows(self._connection, {"event": event_id})[0][0] >= wanted:
            _FINISH.change(self._connection, {"event": event_id, "at": at})

    def about(self, subjects: Sequence[str]) -> list[tuple[Envelope, datetime | None, datetime | None]]:
        return self._listed(outbox.c.subject.in_(subjects))

    def _listed(self, condition: Any) -> list[tuple[Envelope, datetime | None, datetime | None]]:
        rows = self._connection.execute(select(outbox).where(condition).order_by(outbox.c.seq))
        return [(_envelope(row), row.confirmed_at, row.finished_at) for row in rows]

    def backlog(self) -> dict[str, int]:
        """How many events wait for the conveyor, and how many for their consumers."""
        unconfirmed = select(func.count()).select_from(outbox).where(outbox.c.confirmed_at.is_(None))
        unfinished = select(func.count()).select_from(outbox).where(outbox.c.finished_at.is_(None))
        return {
            "unconfirmed": self._connection.execute(unconfirmed).scalar_one(),
            "unfinished": self._connection.execute(unfinished).scalar_one(),
        }
