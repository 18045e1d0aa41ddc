"""A feed's own weekly rhythm, and whether it is silent against it.

Nothing is set by hand. Since the last message some hours have gone by. Together with the few before it they make a
stretch of the week, and in it something came in so many of the hours. In how many of the weeks before was that more, in
the same stretch? Where it nearly always was, the feed is silent. Whether a laboratory sends every minute, one file each
morning or one each Friday makes no difference, nor does a file that comes an hour or two earlier or later.

Hours are those of the clock in England, as the laboratories live. Weeks are those before the last message, so that a
long silence never becomes the rhythm. A week off (a holiday, a failure of ours) is one of several and outvoted; on a
bank holiday nothing is expected. Once noticed, a silence lasts until something comes.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from hub.domain.bank_holidays import is_bank_holiday
from hub.domain.dates import ENGLAND

WEEKS = 8
"""How far back the rhythm is looked for."""
LEAST_WEEKS = 4
"""Of a feed known for less nothing is said."""
_NEARLY_ALWAYS = 0.75
_BEFORE = 2
"""Hours before the last message that count as well: what came a little early must not be missed later."""
_HOUR, _WEEK = timedelta(hours=1), timedelta(weeks=1)


@dataclass(frozen=True, slots=True)
class Silence:
    """Nothing has come since `last_at`, though in `usual` of `weeks` weeks more had come by then."""

    last_at: datetime
    usual: int
    weeks: int

    @property
    def sentence(self) -> str:
        return f"In {self.usual} of {self.weeks} weeks more had come by this time of the week."


def silence(hours: Collection[datetime], last_at: datetime, now: datetime) -> Silence | None:
    """The silence of a feed, or None. `hours` are those in which something came (aware, any moment of the hour), back
    to `WEEKS` and one before `last_at`; all times are aware."""
    last = _hour(last_at)
    came = {last, *(hour for hour in map(_hour, hours) if hour <= last)}
    weeks = min(WEEKS, (last - min(came)) // _WEEK)
    if weeks < LEAST_WEEKS:
        return None
    stretch = [last - number * _HOUR for number in range(_BEFORE + 1)]
    ours = sum(hour in came for hour in stretch)
    theirs = [sum(hour - back * _WEEK in came for hour in stretch) for back in range(1, weeks + 1)]
    for hour in _between(last, _hour(now)):
        if is_bank_holiday(hour.date()):
            continue
        theirs = [count + (hour - back * _WEEK in came) for back, count in enumerate(theirs, start=1)]
        usual = sum(count > ours for count in theirs)
        if usual >= _NEARLY_ALWAYS * weeks:
            return Silence(last_at, usual, weeks)
    return None


def _hour(moment: datetime) -> datetime:
    """The hour on the clock in England; the clock goes on where summer time begins or ends."""
    return moment.astimezone(ENGLAND).replace(minute=0, second=0, microsecond=0, tzinfo=None)


def _between(last: datetime, now: datetime) -> list[datetime]:
    """The whole hours that have gone by between two, a week of them at most."""
    count = min((now - last) // _HOUR - 1, _WEEK // _HOUR)
    return [last + number * _HOUR for number in range(1, count + 1)]
