"""The figures of a stretch of time, for reports: read from the journal and what stands beside it, by row numbers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Integer, cast, extract, func, select

from hub.flow.ports.feeds import AnswerCount, RefusedLater
from hub.io.store.room import Room
from hub.io.store.schema import journal, outbox, replies, results, tasks
from hub.io.store.spans import Span

_ANSWERS = replies.join(journal, journal.c.seq == replies.c.journal_seq)
_NEVER = datetime.max.replace(tzinfo=UTC, year=9000)
_LARGEST = 65536
"""Bytes of a message that is looked into for the sender's clock: a longer one is a file, and says it no better."""


def _milliseconds(connection: Connection) -> ColumnElement[int]:
    """From receipt until the answer was on its way."""
    first, last = replies.c.answered_at, replies.c.sent_at
    if connection.dialect.name == "sqlite":
        days: Any = func.julianday(last, type_=None) - func.julianday(first, type_=None)
        return cast(func.round(days * 86_400_000), Integer)
    return cast(func.round(extract("epoch", last - first) * 1000), Integer)


class SqlFigures(Room):
    """See `hub.flow.ports.feeds.Figures`."""

    def answers(self, since: datetime, until: datetime) -> list[AnswerCount]:
        connection = self._connection
        by = (journal.c.feed, replies.c.code, replies.c.reason, replies.c.place)
        query = (
            select(*by, func.count(), func.max(journal.c.seq))
            .select_from(_ANSWERS)
            .where(Span(replies, replies.c.answered_at, since, until).on(connection))
            .group_by(*by)
        )
        return [AnswerCount(*row) for row in connection.execute(query)]

    def waits(self, since: datetime, until: datetime) -> dict[str, Mapping[int, int]]:
        """How many answers went out after so many milliseconds, by feed."""
        connection = self._connection
        waited = _milliseconds(connection).label("waited")
        query = (
            select(journal.c.feed, waited, func.count())
            .select_from(_ANSWERS)
            .where(Span(replies, replies.c.answered_at, since, until).on(connection), replies.c.sent_at.is_not(None))
            .group_by(journal.c.feed, "waited")
        )
        found: defaultdict[str, dict[int, int]] = defaultdict(dict)
        for feed, milliseconds, count in connection.execute(query):
            found[feed][max(0, milliseconds)] = found[feed].get(max(0, milliseconds), 0) + count
        return dict(found)

    def needing_a_clerk(self, since: datetime, until: datetime) -> dict[str, tuple[int, int]]:
        """By feed: the results received, and those of them that became a clerk's task."""
        connection = self._connection
        asked = select(tasks.c.task_id).where(tasks.c.result_id == results.c.result_id).exists()
        query = (
            select(results.c.feed, func.count(), func.count().filter(asked))
            .join(journal, journal.c.seq == results.c.journal_seq)
            .where(Span(journal, journal.c.received_at, since, until).on(connection))
            .group_by(results.c.feed)
        )
        return {feed: (count, with_task) for feed, count, with_task in connection.execute(query)}

    def control_ids_reused(self, feed: str, since: datetime, until: datetime, limit: int) -> list[str]:
        """Control ids that came again with other bytes, in the order received."""
        connection = self._connection
        span = Span(journal, journal.c.received_at, since, until).on(connection)
        noted = journal.c.notes.contains("control id seen before")
        query = select(journal.c.control_id).where(journal.c.feed == feed, noted, span).order_by(journal.c.seq)
        return list(connection.execute(query.limit(limit)).scalars())

    def refused_later(self, feed: str, since: datetime, until: datetime) -> list[RefusedLater]:
        """Results that were taken and then refused in this stretch of time."""
        query = (
            select(results.c.slide_number, tasks.c.reason, tasks.c.closed_at, results.c.journal_seq)
            .join(tasks, tasks.c.result_id == results.c.result_id)
            .where(results.c.feed == feed, results.c.state == "refused", tasks.c.outcome == "rejected")
            .where(tasks.c.closed_at >= since, tasks.c.closed_at < until)
            .order_by(tasks.c.closed_at, results.c.slide_number)
        )
        return [RefusedLater(*row) for row in self._connection.execute(query)]

    def oldest_owed(self, since: datetime, until: datetime) -> dict[str, datetime]:
        """By feed the oldest answer of which nobody knows whether it went out."""
        connection = self._connection
        query = (
            select(journal.c.feed, func.min(replies.c.answered_at))
            .select_from(_ANSWERS)
            .where(Span(replies, replies.c.answered_at, since, until).on(connection), replies.c.state == "owed")
            .group_by(journal.c.feed)
        )
        return dict(connection.execute(query).all())

    def oldest_unfinished(self) -> dict[str, datetime]:
        """By feed the oldest event that was read from its messages and is not handled yet."""
        query = (
            select(outbox.c.feed, func.min(outbox.c.occurred_at))
            .where(outbox.c.finished_at.is_(None), outbox.c.feed != "")
            .group_by(outbox.c.feed)
        )
        return dict(self._connection.execute(query).all())

    def newest_bytes(self, feed: str, since: datetime, limit: int) -> list[tuple[datetime, bytes]]:
        """The newest messages of a feed with the time of their receipt, the newest first."""
        connection = self._connection
        query = (
            select(journal.c.received_at, journal.c.raw)
            .where(Span(journal, journal.c.received_at, since, _NEVER).on(connection))
            .where(journal.c.feed == feed, func.length(journal.c.raw) <= _LARGEST)
            .order_by(journal.c.seq.desc())
            .limit(limit)
        )
        return [(at, bytes(raw)) for at, raw in connection.execute(query)]
