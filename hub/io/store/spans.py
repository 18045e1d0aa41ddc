"""A stretch of time as a stretch of row numbers.

The journal has no index of times: it would cost every message something, for questions asked a few times a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Table, and_, func, select

_OUT_OF_ORDER = timedelta(minutes=10)
"""Rows are numbered as they come, but for those that were written side by side, and small corrections of the clock."""


@dataclass(frozen=True, slots=True)
class Span:
    """The rows of a table whose time lies from `since` up to `until`."""

    table: Table
    moment: Column[Any]
    since: datetime
    until: datetime

    def on(self, connection: Connection) -> ColumnElement[bool]:
        """The condition: by number, so that little is read, and then by time."""
        number = self.table.c.seq
        first = _first_from(connection, self.table, self.moment, self.since - _OUT_OF_ORDER)
        behind = _first_from(connection, self.table, self.moment, self.until + _OUT_OF_ORDER)
        exactly = and_(self.moment >= self.since, self.moment < self.until)
        return and_(number >= first, number < behind, exactly)


def _first_from(connection: Connection, table: Table, moment: Column[Any], at: datetime) -> int:
    """The number from which rows are of `at` or later, by halving: some twenty looks into a million rows."""
    number = table.c.seq
    low, high = connection.execute(select(func.min(number), func.max(number))).one()
    if low is None:
        return 0
    high += 1  # all rows before `low` are too early, those from `high` on late enough
    while low < high:
        middle = (low + high) // 2
        row = connection.execute(select(number, moment).where(number >= middle).order_by(number).limit(1)).first()
        if row is None or row[1] >= at:
            high = middle
        else:
            low = row[0] + 1
    return int(low)
