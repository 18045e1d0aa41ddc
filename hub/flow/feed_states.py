"""How each feed is: when it last spoke, what it was answered, and what about it needs somebody."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from hub.contract import Adapter
from hub.domain.dates import ENGLAND
from hub.domain.rhythm import Silence
from hub.flow.listening import Heard, answers_since
from hub.flow.ports.store import Transaction
from hub.mapping import FeedTable
from hub.mapping.forms import read_time

_WEEK = timedelta(days=7)
_A_DAY = timedelta(days=1)
_ON_ITS_WAY = timedelta(minutes=1)
"""So long an answer may be under way, and its going out not be written down yet."""
CLOCKS = 50
"""Messages whose sender's clock is compared with ours."""


@dataclass(frozen=True, slots=True)
class FeedState:
    """One feed as it is now. Answers are counted by code (AA, AE, AR) since midnight in England, and in seven days.

    `clock_seconds`: how far the sender's clock is ahead of ours (behind: negative), the median of the newest messages,
    their way to us included; None where nothing tells. `oldest_owed_at`: the oldest answer of the last day that perhaps
    never went out. `oldest_underway_at`: the oldest result that is not on a record or with a clerk yet.
    """

    feed: str
    name: str
    dialect: str
    status: str
    last_at: datetime | None
    silence: Silence | None
    today: Mapping[str, int]
    week: Mapping[str, int]
    missing_files: int
    corrupt_files: int
    oldest_owed_at: datetime | None
    oldest_underway_at: datetime | None
    clock_seconds: float | None = field(default=None)

    @property
    def refused_week(self) -> int:
        return self.week.get("AE", 0) + self.week.get("AR", 0)

    @property
    def concerns(self) -> list[str]:
        """What about it needs somebody, in sentences; none where all is well."""
        return [sentence for applies, sentence in self._concerns() if applies]

    def _concerns(self) -> Iterable[tuple[bool, str]]:
        skew = self.clock_seconds or 0.0
        yield self.silence is not None, f"Silent. {self.silence.sentence if self.silence else ''}"
        yield self.missing_files > 0, f"{self.missing_files} possible missing files: see hub files."
        yield self.corrupt_files > 0, f"{self.corrupt_files} corrupt files: see hub files."
        yield abs(skew) > 300, f"Its clock is {abs(skew):.0f} seconds {'ahead of' if skew > 0 else 'behind'} ours."
        yield self.oldest_owed_at is not None, "An answer perhaps never went out; the laboratory sends again if so."

    def as_json(self) -> dict[str, Any]:
        values = asdict(self)
        silence = values.pop("silence")
        times = {name: value.isoformat() for name, value in values.items() if isinstance(value, datetime)}
        silent = {**silence, "last_at": silence["last_at"].isoformat()} if silence else None
        return {**values, **times, "silent": silent, "concerns": self.concerns}


def feed_states(
    tx: Transaction, tables: Iterable[FeedTable], adapters: Mapping[str, Adapter], now: datetime, *, clocks: bool = True
) -> list[FeedState]:
    """Of these feeds. Comparing clocks opens some messages of each: `clocks` says whether it is worth that."""
    tables = list(tables)
    midnight = now.astimezone(ENGLAND).replace(hour=0, minute=0, second=0, microsecond=0)
    heard = Heard.by(tx, now)
    hours = heard.hours(now - _WEEK)
    today, week = answers_since(hours, midnight), answers_since(hours, now - _WEEK)
    last_of = {table.feed: heard.last(table.feed) for table in tables}
    silent = heard.silences([table.feed for table in tables if table.status == "live"])
    faults = tx.file_faults.unresolved()
    owed, underway = tx.figures.oldest_owed(now - _A_DAY, now - _ON_ITS_WAY), tx.figures.oldest_unfinished()
    return [
        FeedState(
            feed=table.feed,
            name=table.name,
            dialect=table.dialect,
            status=table.status,
            last_at=last_of[table.feed],
            silence=silent.get(table.feed),
            today=today.get(table.feed, {}),
            week=week.get(table.feed, {}),
            missing_files=faults.get((table.feed, "missing"), 0),
            corrupt_files=faults.get((table.feed, "corrupt"), 0),
            oldest_owed_at=owed.get(table.feed),
            oldest_underway_at=underway.get(table.feed),
            clock_seconds=clock_ahead(tx, table, adapters[table.dialect], last_of[table.feed]) if clocks else None,
        )
        for table in tables
    ]


def clock_ahead(tx: Transaction, table: FeedTable, adapter: Adapter, last_at: datetime | None) -> float | None:
    """Seconds by which a sender's clock is ahead of ours, by the messages of the week before its last. None where there
    are none, or they do not say when they were sent.

    A file may have lain with whoever carries it: that it comes late says nothing of a clock. That it comes before it
    was written does."""
    ahead = []
    for received_at, raw in tx.figures.newest_bytes(table.feed, last_at - _WEEK, CLOCKS) if last_at else ():
        opened = adapter.open(raw)
        sent_at = read_time(opened.sent, table.zone) or read_time(opened.sent, table.zone, "ISO")
        if sent_at and (sent_at > received_at or not opened.is_batch):
            ahead.append((sent_at - received_at).total_seconds())
    return round(median(ahead), 1) if ahead else None
