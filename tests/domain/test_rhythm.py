"""A feed's silence is noticed against its own rhythm, whatever that is, and nothing else is taken for one."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain.bank_holidays import bank_holidays
from hub.domain.rhythm import LEAST_WEEKS, WEEKS, silence

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(weeks=1)
AUTUMN = datetime(2026, 10, 26, tzinfo=UTC)
"""The Monday after summer time ended."""


def weekdays(hours: tuple[int, ...], until: datetime, weeks: int = WEEKS + 1) -> list[datetime]:
    """Hours of every day from Monday to Friday in the weeks before `until`."""
    days = [until - number * DAY for number in range(1, weeks * 7 + 1)]
    return [day.replace(hour=0) + hour * HOUR for day in days if day.weekday() < 5 for hour in hours]


BUSY = weekdays(tuple(range(8, 18)), MONDAY)


def test_a_busy_feed_is_silent_after_a_whole_hour() -> None:
    last = MONDAY + 9 * HOUR + timedelta(minutes=50)
    assert silence([*BUSY, last], last, MONDAY + 10 * HOUR + timedelta(minutes=59)) is None
    found = silence([*BUSY, last], last, MONDAY + 11 * HOUR)
    assert found is not None
    assert (found.usual, found.weeks, found.last_at) == (8, 8, last)
    assert found.sentence == "In 8 of 8 weeks more had come by this time of the week."


def test_nights_and_weekends_are_no_silence() -> None:
    friday = MONDAY - 3 * DAY + 17 * HOUR
    assert silence(BUSY, friday, MONDAY + 8 * HOUR) is None
    assert silence(BUSY, friday, MONDAY + 9 * HOUR) is not None


def test_one_file_a_day_may_come_an_hour_later() -> None:
    hours = [hour + (number % 3) * HOUR for number, hour in enumerate(weekdays((9,), MONDAY))]
    last = max(hours)
    assert silence(hours, last, MONDAY + 9 * HOUR) is None
    assert silence(hours, last, MONDAY + 10 * HOUR) is None
    assert silence(hours, last, MONDAY + 12 * HOUR) is not None


def test_one_file_a_day_that_came_late_the_last_time() -> None:
    """It lay outside the same hours of the other weeks, but for the hours before that count as well."""
    hours = [*weekdays((9,), MONDAY - 3 * DAY), MONDAY - 3 * DAY + 11 * HOUR]
    assert silence(hours, max(hours), MONDAY + 9 * HOUR) is None
    assert silence(hours, max(hours), MONDAY + 10 * HOUR) is not None


def test_one_file_a_week() -> None:
    fridays = [MONDAY - 3 * DAY - back * WEEK + 15 * HOUR for back in range(WEEKS + 1)]
    assert silence(fridays, fridays[0], fridays[0] + WEEK) is None
    assert silence(fridays, fridays[0], fridays[0] + WEEK + HOUR) is not None


def test_two_weeks_off_are_outvoted() -> None:
    hours = [hour for hour in BUSY if not MONDAY - 4 * WEEK <= hour < MONDAY - 2 * WEEK]
    assert silence(hours, max(hours), MONDAY + 13 * HOUR) is not None


def test_a_bank_holiday_is_no_silence() -> None:
    monday = datetime(2026, 5, 4, tzinfo=UTC)  # early May
    hours = weekdays(tuple(range(8, 16)), monday)
    assert silence(hours, max(hours), monday + 20 * HOUR) is None
    assert silence(hours, max(hours), monday + DAY + 8 * HOUR) is None
    assert silence(hours, max(hours), monday + DAY + 9 * HOUR) is not None


def test_the_clock_is_the_one_on_the_wall() -> None:
    """At nine in England all summer; in the week after, at nine again, which is an hour later in UTC."""
    hours = [hour - HOUR for hour in weekdays((9,), AUTUMN)]
    assert silence(hours, max(hours), AUTUMN + 9 * HOUR) is None
    assert silence(hours, max(hours), AUTUMN + 9 * HOUR) is None
    assert silence(hours, max(hours), AUTUMN + 10 * HOUR) is not None


def test_of_a_new_feed_nothing_is_said() -> None:
    new = [hour for hour in BUSY if hour >= MONDAY - LEAST_WEEKS * WEEK + DAY]
    assert silence(new, max(new), MONDAY + 20 * HOUR) is None
    assert silence([], MONDAY, MONDAY + WEEK) is None


@given(st.integers(min_value=0, max_value=24 * 7 * 30))
def test_a_silence_does_not_end_by_lasting(hours_more: int) -> None:
    last = MONDAY + 9 * HOUR
    assert silence([*BUSY, last], last, MONDAY + 11 * HOUR + hours_more * HOUR) is not None


@given(st.sets(st.integers(min_value=0, max_value=24 * 7 * 10), max_size=60), st.integers(0, 24 * 20))
def test_whoever_keeps_to_its_rhythm_is_never_silent(hours_ago: set[int], into: int) -> None:
    """The same hours each week, and heard whenever it was due."""
    pattern = {hour % 168 for hour in hours_ago}
    now = MONDAY + into * HOUR
    came = [MONDAY - 10 * WEEK + number * HOUR for number in range(168 * 13) if number % 168 in pattern]
    heard = [hour for hour in came if hour < now]
    if heard:
        assert silence(heard, max(heard), now + timedelta(minutes=59)) is None


@given(st.lists(st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31)), max_size=40), st.integers(0, 5000))
def test_whatever_came_when_a_silence_has_its_reasons(moments: list[datetime], hours: int) -> None:
    came = [moment.replace(tzinfo=UTC) for moment in moments]
    last = max(came, default=MONDAY)
    found = silence(came, last, last + hours * HOUR)
    if found:
        assert LEAST_WEEKS <= found.weeks <= WEEKS
        assert 0.75 * found.weeks <= found.usual <= found.weeks


@pytest.mark.parametrize(
    ("year", "days"),
    [
        (2025, ["01-01", "04-18", "04-21", "05-05", "05-26", "08-25", "12-25", "12-26"]),
        (2026, ["01-01", "04-03", "04-06", "05-04", "05-25", "08-31", "12-25", "12-28"]),
        (2027, ["01-01", "03-26", "03-29", "05-03", "05-31", "08-30", "12-27", "12-28"]),
        (2028, ["01-03", "04-14", "04-17", "05-01", "05-29", "08-28", "12-25", "12-26"]),
    ],
)
def test_bank_holidays(year: int, days: list[str]) -> None:
    assert sorted(bank_holidays(year)) == [date.fromisoformat(f"{year}-{day}") for day in days]
