"""Months and ages of the calendar."""

from __future__ import annotations

import calendar
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

ENGLAND = ZoneInfo("Europe/London")


def add_months(day: date, months: int) -> date:
    """The same day `months` later (earlier if negative); the last day of the month where it has no such day.

    What would fall outside the calendar stays at its edge.
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if year < date.min.year:
        return date.min
    if year > date.max.year:
        return date.max
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def months_of_age(born_on: date, on: date) -> int:
    """Whole months of age on a day; negative before birth. An age is reached on the birthday itself.

    Whoever was born on a day that a month does not have (29 February) reaches it on the first day of the next month.
    """
    months = (on.year - born_on.year) * 12 + on.month - born_on.month
    return months - (on.day < born_on.day)


def reaches_age_on(born_on: date, months: int) -> date:
    """The first day of which `months_of_age` says so many."""
    day = add_months(born_on, months)
    return day if day.day == born_on.day else day + timedelta(days=1)


def day_in_england(moment: datetime) -> date:
    """The calendar day of an aware time where the programme lives."""
    return moment.astimezone(ENGLAND).date()


def spoken(day: date) -> str:
    """`3 March 2025`, the same on every platform and in every locale."""
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
