"""Outbox and inbox: how events leave a transaction, and how each consumer knows what it has handled."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, func, or_, select, update

from hub.contract import Envelope
from hub.flow.ports.events import FOREVER
from hub.io.store.prepared import Prepared
from hub.io.store.room import Room
from hub.io.store.schema import inbox, outbox
from hub.io.store.statements import Several, insert_all_and_notify, insert_new

_UNCONFIRMED = Prepared(
    select(outbox)
    .where(outbox.c.confirmed_at.is_(None), outbox.c.seq > bindparam("after"))
    .order_by(outbox.c.seq)
    .limit(bindparam("size"))
    .with_for_update(skip_locked=True)  # what another relay is just publishing (SQLite knows no such thing)
)
_LOST = (
    outbox.c.finished_at.is_(None),
    outbox.c.confirmed_at.is_not(None),
    or_(outbox.c.confirmed_at <= bindparam("before"), outbox.c.confirmed_at > bindparam("ahead")),
)
_UNFINISHED = Prepared(
    select(outbox.c.seq)
    .where(*_LOST, outbox.c.seq > bindparam("after"))
    .order_by(outbox.c.seq)
    .limit(bindparam("size"))
    .with_for_update(skip_locked=True)
)
_COUNT_UNFINISHED = Prepared(select(func.count()).select_from(outbox).where(*_LOST))
_AGAIN = Several(update(outbox).values(confirmed_at=None), outbox.c.seq)
_REVIVE = Prepared(
    update(outbox).where(outbox.c.event_id == bindparam("event")).values(confirmed_at=None, finished_at=None)
)
_FORGET = Prepared(delete(inbox).where(inbox.c.event_id == bindparam("event"), inbox.c.consumer == bindparam("who")))
_OLDEST = (
    select(outbox.c.occurred_at).where(outbox.c.confirmed_at.is_(None)).order_by(outbox.c.seq).limit(1),
    select(outbox.c.occurred_at).where(outbox.c.finished_at.is_(None)).order_by(outbox.c.seq).limit(1),
)
_AFTER = Prepared(
    select(outbox).where(outbox.c.seq > bindparam("after")).order_by(outbox.c.seq).limit(bindparam("size"))
)
_FIND = Prepared(select(outbox).where(outbox.c.event_id == bindparam("event")))
_CONFIRM = Several(
    update(outbox).where(outbox.c.confirmed_at.is_(None)).values(confirmed_at=bindparam("at")), outbox.c.seq
)
_CONSUMERS = Prepared(select(func.count()).select_from(inbox).where(inbox.c.event_id == bindparam("event")))
_FINISH = Several(update(outbox).values(finished_at=bindparam("at")), outbox.c.event_id)


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


def _values(envelope: Envelope, consumed: bool) -> dict[str, Any]:
    return {
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


class SqlEvents(Room):
    """See `hub.flow.ports.events.Events`."""

    def __init__(self, connection: Connection, write_everything: Callable[[], None]) -> None:
        super().__init__(connection, write_everything)
        self._new: list[dict[str, Any]] = []
        self._finished: dict[str, datetime] = {}
        self.were_let_go = False
        """Whether events go again, of which the relays must be told."""

    @property
    def keeps_back(self) -> bool:
        return bool(self._new or self._finished)

    def write_down(self) -> None:
        """Nothing in a transaction depends on its own events, so they are written together when it ends."""
        new, self._new = self._new, []
        insert_all_and_notify(self._bare, outbox, new)
        finished, self._finished = self._finished, {}
        if finished:
            _FINISH.change(self._bare, list(finished), {"at": max(finished.values())})

    def put(self, envelope: Envelope, *, consumed: bool) -> None:
        """Into the outbox, unless the very same event has been put there before. What nobody of ours consumes is
        finished from the start."""
        self._new.append(_values(envelope, consumed))

    def claim(self, after: int, limit: int) -> list[tuple[int, Envelope]]:
        """The oldest events that are not on the conveyor and that no other relay has claimed; kept from the others
        until the transaction ends."""
        rows = _UNCONFIRMED.rows(self._connection, {"after": after, "size": limit})
        return [(row.seq, _envelope(row)) for row in rows]

    def confirm(self, rows: Sequence[int], at: datetime) -> None:
        """Mark as confirmed: the conveyor has them safely."""
        _CONFIRM.change(self._connection, rows, {"at": at})

    def unfinished(self, before: datetime, ahead: datetime = FOREVER) -> int:
        """How many events were confirmed up to then, or as it seems after `ahead`, and are not finished."""
        count: int = _COUNT_UNFINISHED.rows(self._connection, {"before": before, "ahead": ahead})[0][0]
        return count

    def relay_again(self, before: datetime, ahead: datetime, after: int, limit: int) -> tuple[int, int]:
        """Let the relays hand over again what was confirmed up to then, or as it seems after `ahead`, and is not
        finished, the oldest first; returns how many, and the last one's number to go on after."""
        values = {"before": before, "ahead": ahead, "after": after, "size": limit}
        rows = _UNFINISHED.rows(self._connection, values)
        self.were_let_go = self.were_let_go or bool(rows)
        _AGAIN.change(self._connection, [row.seq for row in rows], {})
        return len(rows), rows[-1].seq if rows else after

    def revive(self, event_id: str, consumer: str) -> None:
        """Let a consumer handle once more what it has in its inbox."""
        self.were_let_go = True
        _FORGET.change(self._connection, {"event": event_id, "who": consumer})
        _REVIVE.change(self._connection, {"event": event_id})

    def take(self, event_ids: Collection[str], consumer: str, at: datetime) -> set[str]:
        """Into the consumer's inbox; returns those that it did not hold already."""
        rows = [{"event_id": event_id, "consumer": consumer, "handled_at": at} for event_id in sorted(event_ids)]
        return {row.event_id for row in insert_new(self._bare, inbox, rows, ("event_id",))}

    def finish(self, event_id: str, wanted: int, at: datetime) -> None:
        """The event is finished if `wanted` consumers have it in their inbox."""
        if wanted == 1 or _CONSUMERS.rows(self._connection, {"event": event_id})[0][0] >= wanted:
            self._finished[event_id] = at

    def about(self, subjects: Sequence[str]) -> list[tuple[Envelope, datetime | None, datetime | None]]:
        return self._listed(outbox.c.subject.in_(subjects))

    def _listed(self, condition: Any) -> list[tuple[Envelope, datetime | None, datetime | None]]:
        rows = self._connection.execute(select(outbox).where(condition).order_by(outbox.c.seq))
        return [(_envelope(row), row.confirmed_at, row.finished_at) for row in rows]

    def after(self, seq: int, limit: int) -> list[tuple[int, Envelope]]:
        """The events with higher numbers, in order."""
        rows = _AFTER.rows(self._connection, {"after": seq, "size": limit})
        return [(row.seq, _envelope(row)) for row in rows]

    def last(self) -> int:
        """The highest number of an event."""
        return self._connection.execute(select(func.max(outbox.c.seq))).scalar_one() or 0

    def oldest(self) -> tuple[datetime | None, datetime | None]:
        """When the oldest event occurred that is not on the conveyor, and the oldest that is not finished."""
        waiting, unfinished = (self._connection.execute(query).scalar() for query in _OLDEST)
        return waiting, unfinished

    def find(self, event_id: str) -> Envelope | None:
        row = _FIND.first(self._connection, {"event": event_id})
        return _envelope(row) if row else None

    def backlog(self) -> dict[str, int]:
        """How many events wait for the conveyor, and how many for their consumers."""
        unconfirmed = select(func.count()).select_from(outbox).where(outbox.c.confirmed_at.is_(None))
        unfinished = select(func.count()).select_from(outbox).where(outbox.c.finished_at.is_(None))
        return {
            "unconfirmed": self._connection.execute(unconfirmed).scalar_one(),
            "unfinished": self._connection.execute(unfinished).scalar_one(),
        }
