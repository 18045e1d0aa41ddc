"""The bank holidays of England and Wales, by their rules. A day proclaimed for once (a coronation) is unknown here."""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache

_MONDAY, _SATURDAY = 0, 5


@lru_cache(maxsize=64)
def bank_holidays(year: int) -> frozenset[date]:
    """Those of a year. One that falls on a weekend is kept on the next working day that is none itself."""
    easter = _easter(year)
    days = {
        easter - timedelta(days=2),
        easter + timedelta(days=1),
        _monday(date(year, 5, 1)),
        _monday(date(year, 5, 25)),
        _monday(date(year, 8, 25)),
    }
    for fixed in (date(year, 1, 1), date(year, 12, 25), date(year, 12, 26)):
        kept = fixed
        while kept.weekday() >= _SATURDAY or kept in days:
            kept += timedelta(days=1)
        days.add(kept)
    return frozenset(days)


def is_bank_holiday(day: date) -> bool:
    return day in bank_holidays(day.year)


def _monday(first: date) -> date:
    """The first Monday from a day on."""
    return first + timedelta(days=(_MONDAY - first.weekday()) % 7)


def _easter(year: int) -> date:
    """Easter Sunday (Gregorian calendar; Meeus, Jones and Butcher)."""
    a, (b, c) = year % 19, divmod(year, 100)
    (d, e), g = divmod(b, 4), (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    weekday = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 22 * weekday) // 451
    month, day = divmod(h + weekday - 7 * m + 114, 31)
    return date(year, month, day + 1)
