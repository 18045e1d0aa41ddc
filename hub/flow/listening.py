"""How much came from every feed in each hour, which the schedule keeps, and whether one has fallen silent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from hub.domain.rhythm import WEEKS, Silence, silence
from hub.flow.feed_ports import HourCount
from hub.flow.ports import Clock, Store, Transaction

_BACK = timedelta(weeks=WEEKS + 1)
_HOUR = _STILL_COMING = timedelta(hours=1)
"""A transaction that began in an hour may end in the next: the last hour that was counted is counted again."""


async def count_hours(store: Store, clock: Clock) -> None:
    """Count the newest hours afresh."""
    now = clock()
    counted = await store.read(lambda tx: tx.hours.count(_uncounted_since(tx, now), now))
    await store.write(lambda tx: tx.hours.put(counted))


def silences(tx: Transaction, now: datetime, feeds: Iterable[str]) -> dict[str, Silence]:
    """Those of these feeds that are silent against their own rhythm. A feed never heard has none."""
    last_of = last_heard(tx, now)
    found = {feed: _silence(tx, feed, last_of[feed], now) for feed in feeds if feed in last_of}
    return {feed: one for feed, one in found.items() if one}


def _silence(tx: Transaction, feed: str, last_at: datetime, now: datetime) -> Silence | None:
    if now - last_at < _HOUR:  # not one whole hour has gone by: no need to look anything up
        return None
    return silence({hour.hour_at for hour in tx.hours.since(last_at - _BACK, feed)}, last_at, now)


def last_heard(tx: Transaction, now: datetime) -> dict[str, datetime]:
    """When each feed was last answered, the moments included that nobody has counted yet."""
    last_of = tx.hours.last_of_feeds()
    for hour in tx.hours.count(_uncounted_since(tx, now), now):
        last_of[hour.feed] = max(hour.last_at, last_of.get(hour.feed, hour.last_at))
    return last_of


def hours_until(tx: Transaction, since: datetime, now: datetime, feed: str | None = None) -> list[HourCount]:
    """What came in each hour up to now: as it was counted, and counted afresh where it was not yet."""
    uncounted = _uncounted_since(tx, now)
    fresh = [hour for hour in tx.hours.count(uncounted, now) if feed is None or hour.feed == feed]
    kept = [hour for hour in tx.hours.since(since, feed) if hour.hour_at < uncounted]
    return [*kept, *fresh]


def _uncounted_since(tx: Transaction, now: datetime) -> datetime:
    """From here on the counts may lack something; whole hours, as they are replaced as a whole. A clock that was put
    back has left hours that lie ahead: they are counted again."""
    newest = tx.hours.newest()
    since = now - _BACK if newest is None else min(newest, now) - _STILL_COMING
    return since.replace(minute=0, second=0, microsecond=0)


def answers_since(hours: Iterable[HourCount], since: datetime) -> dict[str, Mapping[str, int]]:
    """Answers by code, of each feed."""
    found: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for hour in hours:
        if hour.hour_at >= since and hour.code:
            found[hour.feed][hour.code] = found[hour.feed].get(hour.code, 0) + hour.count
    return dict(found)
