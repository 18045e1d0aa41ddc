"""The forms in which facts are written, read strictly: a text that is not of its form is None, never a guess."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo

_TIME = re.compile(r"([0-9]{8})([0-9]{2})([0-9]{2})(?:([0-9]{2})(?:\.[0-9]{1,4})?)?(?:([+-])([0-9]{2})([0-9]{2}))?")
_DAY = re.compile(r"[0-9]{8}")
_ISO_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})T([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.[0-9]{1,9})?)?(?:Z|([+-])([0-9]{2}):([0-9]{2}))?"
)
_UK_TIME = re.compile(r"([0-9]{2}/[0-9]{2}/[0-9]{4}) ([0-9]{2}):([0-9]{2})(?::([0-9]{2}))?")
_UK = re.compile(r"([0-9]{2})/([0-9]{2})/([0-9]{4})")
_ISO = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
# Nobody living was born earlier; and a time this far from the ends of the calendar can be put into any zone.
_FIRST_YEAR, _LAST_YEAR = 1850, 2199
_NUMBER = re.compile(r"[0-9]{1,3}")
_SEQUENCE = re.compile(r"[0-9]{1,9}")


FORM_OF_TIMES = {
    "YYYYMMDDHHMM[SS]": "YYYYMMDDHHMM[SS][+ZZZZ]",
    "HL7": "YYYYMMDDHHMM[SS][+ZZZZ]",
    "ISO": "YYYY-MM-DDThh:mm[:ss][+zz:zz]",
    "DD/MM/YYYY hh:mm": "DD/MM/YYYY hh:mm[:ss]",
}
"""The forms that hold a time of day, as people are told to write them."""


def read_date(text: str, form: str, zone: tzinfo) -> date | None:
    """The calendar day `text` names in `form` (one of `hub.mapping.feed_table.DateForm`), or None.

    A time of day is first put into `zone`: half past eleven at night UTC in July is the next day in London.
    """
    if form == "DD/MM/YYYY":
        return _day_of(_UK, "321", text)
    if form in ("YYYY-MM-DD", "ISO") and (day := _day_of(_ISO, "123", text)):
        return day
    if form in ("YYYYMMDD", "HL7") and _DAY.fullmatch(text):
        return _day(text[:4], text[4:6], text[6:])
    at = read_time(text, zone, form)
    return at.astimezone(zone).date() if at else None


def read_time(text: str, zone: tzinfo, form: str = "HL7") -> datetime | None:
    """A time of day in `form`, to the minute or finer, aware; without an offset it is read in `zone`. None if the text
    is none, or the form is one of days alone.

    In the hour that an autumn night has twice, a time without an offset is read as the first of the two.
    """
    if form == "ISO":
        return _time(_ISO_TIME.fullmatch(text), zone, text.endswith("Z"), lambda day: _day_of(_ISO, "123", day))
    if form == "DD/MM/YYYY hh:mm":
        return _time(_UK_TIME.fullmatch(text), zone, False, lambda day: _day_of(_UK, "321", day))
    if form in ("HL7", "YYYYMMDDHHMM[SS]"):
        return _time(_TIME.fullmatch(text), zone, False, lambda day: _day(day[:4], day[4:6], day[6:]))
    return None


def _time(
    found: re.Match[str] | None, zone: tzinfo, is_utc: bool, day: Callable[[str], date | None]
) -> datetime | None:
    on = day(found[1]) if found else None
    if found is None or on is None:
        return None
    signed = found.groups()[4:]
    try:
        offset = UTC if is_utc else _offset(*signed) if signed and signed[0] else zone
        return datetime(on.year, on.month, on.day, int(found[2]), int(found[3]), int(found[4] or 0), tzinfo=offset)
    except ValueError:
        return None


def _day_of(form: re.Pattern[str], order: str, text: str) -> date | None:
    """`order` says which groups of the form are year, month and day."""
    found = form.fullmatch(text)
    return _day(*(found[int(group)] for group in order)) if found else None


def read_number(text: str) -> int | None:
    """A whole number of one to three digits, or None."""
    return int(text) if _NUMBER.fullmatch(text) else None


def read_sequence(text: str) -> int | None:
    """The number that a sender gave its file: one to nine digits and nothing else, or None."""
    return int(text) if _SEQUENCE.fullmatch(text) else None


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
