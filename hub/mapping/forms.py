"""The forms in which facts are written, read strictly: a text that is not of its form is None, never a guess."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, timezone, tzinfo

_TIME = re.compile(r"([0-9]{8})([0-9]{2})([0-9]{2})(?:([0-9]{2})(?:\.[0-9]{1,4})?)?(?:([+-])([0-9]{2})([0-9]{2}))?")
_DAY = re.compile(r"[0-9]{8}")
_UK = re.compile(r"([0-9]{2})/([0-9]{2})/([0-9]{4})")
_ISO = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
# Nobody living was born earlier; and a time this far from the ends of the calendar can be put into any zone.
_FIRST_YEAR, _LAST_YEAR = 1850, 2199
_NUMBER = re.compile(r"[0-9]{1,3}")


def read_date(text: str, form: str, zone: tzinfo) -> date | None:
    """The calendar day `text` names in `form` (one of `hub.mapping.feeds.DateForm`), or None.

    A time of day is first put into `zone`: half past eleven at night UTC in July is the next day in London.
    """
    if form == "DD/MM/YYYY":
        found = _UK.fullmatch(text)
        return _day(found[3], found[2], found[1]) if found else None
    if form == "YYYY-MM-DD":
        found = _ISO.fullmatch(text)
        return _day(found[1], found[2], found[3]) if found else None
    if form != "YYYYMMDDHHMM[SS]" and _DAY.fullmatch(text):
        return _day(text[:4], text[4:6], text[6:])
    at = read_time(text, zone) if form in ("YYYYMMDDHHMM[SS]", "HL7") else None
    return at.astimezone(zone).date() if at else None


def read_time(text: str, zone: tzinfo) -> datetime | None:
    """An HL7 timestamp to the minute or finer, aware; without an offset it is read in `zone`. None if it is not one.

    In the hour that an autumn night has twice, a time without an offset is read as the first of the two.
    """
    found = _TIME.fullmatch(text)
    on = _day(found[1][:4], found[1][4:6], found[1][6:]) if found else None
    if found is None or on is None:
        return None
    try:
        offset = _offset(found[5], found[6], found[7]) if found[5] else zone
        return datetime(on.year, on.month, on.day, int(found[2]), int(found[3]), int(found[4] or 0), tzinfo=offset)
    except ValueError:
        return None


def read_number(text: str) -> int | None:
    """A whole number of one to three digits, or None."""
    return int(text) if _NUMBER.fullmatch(text) else None


def _day(year: str, month: str, day: str) -> date | None:
    if not _FIRST_YEAR <= int(year) <= _LAST_YEAR:
        return None
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


def _offset(sign: str, hours: str, minutes: str) -> timezone:
    """Raises ValueError for an offset of a day or more."""
    away = timedelta(hours=int(hours), minutes=int(minutes))
    return timezone(-away if sign == "-" else away)
