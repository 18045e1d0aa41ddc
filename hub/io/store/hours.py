"""How many answers each feed got in each hour: counted by the schedule, so that nobody walks through the journal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, select

from hub.flow.ports.feeds import HourCount
from hub.io.store.room import Room
from hub.io.store.schema import feed_hours, journal, replies
from hub.io.store.spans import Span
from hub.io.store.statements import insert_all_or_replace


class SqlHours(Room):
    """See `hub.flow.ports.feeds.Hours`."""

    def count(self, since: datetime, until: datetime) -> list[HourCount]:
        """Count afresh what was answered in a stretch of time."""
        connection = self._connection
        at = replies.c.answered_at
        # SQLite keeps moments as text of fixed width: its first thirteen characters are the hour.
        is_text = connection.dialect.name == "sqlite"
        hour = func.substr(at, 1, 13, type_=None) if is_text else func.date_trunc("hour", at, "UTC")
        query = (
            select(journal.c.feed, hour.label("hour"), replies.c.code, func.count(), func.max(at))
            .join(journal, journal.c.seq == replies.c.journal_seq)
            .where(Span(replies, at, since, until).on(connection))
            .group_by(journal.c.feed, "hour", replies.c.code)
        )
        return [
            HourCount(feed, _moment(hour, ":00:00+00:00"), code, count, _moment(last))
            for feed, hour, code, count, last in connection.execute(query)
        ]

    def put(self, hours: Sequence[HourCount]) -> None:
        """What was counted of an hour before is replaced."""
        rows = [{name: getattr(hour, name) for name in HourCount.__slots__} for hour in hours]
        insert_all_or_replace(self._connection, feed_hours, rows)

    def since(self, since: datetime, feed: str | None = None) -> list[HourCount]:
        """In the order of time."""
        query = select(feed_hours).where(feed_hours.c.hour_at >= since).order_by(feed_hours.c.hour_at)
        if feed is not None:
            query = query.where(feed_hours.c.feed == feed)
        return [HourCount(**row._mapping) for row in self._connection.execute(query)]

    def newest(self) -> datetime | None:
        """The last hour that was counted."""
        return self._connection.execute(select(func.max(feed_hours.c.hour_at))).scalar()

    def last_of(self, feed: str) -> datetime | None:
        """When a feed was last answered, as far as it is counted."""
        of_feed = feed_hours.c.feed == feed
        newest = select(func.max(feed_hours.c.hour_at)).where(of_feed).scalar_subquery()
        query = select(func.max(feed_hours.c.last_at)).where(of_feed, feed_hours.c.hour_at == newest)
        return self._connection.execute(query).scalar()


def _moment(value: Any, rest: str = "") -> datetime:
    return datetime.fromisoformat(value + rest) if isinstance(value, str) else value.astimezone(UTC)
