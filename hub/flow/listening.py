"""How much came from every feed in each hour, which the schedule keeps, and whether one has fallen silent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from hub.domain.rhythm import WEEKS, Silence, silence
from hub.flow.ports.feeds import HourCount
from hub.flow.ports.store import Clock, Store, Transaction

_BACK = timedelta(weeks=WEEKS + 1)
_HOUR = _STILL_COMING = timedelta(hours=1)
"""A transaction that began in an hour may end in the next: the last hour that was counted is counted again."""

_CLOCKS_APART = timedelta(minutes=1)
"""The clock of the machine that took a message may be a little ahead of ours."""


async def count_hours(store: Store, clock: Clock) -> None:
    """Count the newest hours afresh."""
    now = clock()
    counted = await store.read(lambda tx: Heard.by(tx, now).fresh)
    await store.write(lambda tx: tx.hours.put(counted))


@dataclass(frozen=True, slots=True)
class Heard:
    """What has been heard of the feeds up to now: as it was counted, and counted afresh where it was not yet."""

    tx: Transaction
    now: datetime
    uncounted_since: datetime
    fresh: list[HourCount]

    @classmethod
    def by(cls, tx: Transaction, now: datetime) -> Heard:
        since = _uncounted_since(tx, now)
        return cls(tx, now, since, tx.hours.count(since, now + _CLOCKS_APART))

    def hours(self, since: datetime, feed: str | None = None) -> list[HourCount]:
        """Of all feeds, or of one."""
        kept = [hour for hour in self.tx.hours.since(since, feed) if hour.hour_at < self.uncounted_since]
        return [*kept, *(hour for hour in self.fresh if feed is None or hour.feed == feed)]

    def last(self, feed: str) -> datetime | None:
        """When a feed was last answered."""
        counted = self.tx.hours.last_of(feed)
        moments = [hour.last_at for hour in self.fresh if hour.feed == feed]
        return max(moments + ([counted] if counted else []), default=None)

    def silences(self, feeds: Iterable[str]) -> dict[str, Silence]:
        """Those of these feeds that are silent against their own rhythm. A feed never heard has none."""
        last_of = {feed: self.last(feed) for feed in feeds}
        found = {feed: self._silence(feed, last_at) for feed, last_at in last_of.items() if last_at}
        return {feed: one for feed, one in found.items() if one}

    def _silence(self, feed: str, last_at: datetime) -> Silence | None:
        if self.now - last_at < _HOUR:  # not one whole hour has gone by: no need to look anything up
            return None
        return silence({hour.hour_at for hour in self.hours(last_at - _BACK, feed)}, last_at, self.now)


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
