"""The slides of every message, written with its receipt: by them a laboratory asks where its result is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, select

from hub.flow.ports.feeds import SlideRow
from hub.io.store.prepared import Prepared
from hub.io.store.results import kept_number
from hub.io.store.room import Room
from hub.io.store.schema import as_kept, journal, slides
from hub.io.store.spans import Span
from hub.io.store.statements import Several, insert_all_or_replace

_OF_SLIDE = Prepared(
    select(slides.c.journal_seq)
    .where(slides.c.feed == bindparam("feed"), slides.c.slide_number == bindparam("slide"))
    .distinct()
    .order_by(slides.c.journal_seq.desc())
    .limit(bindparam("most"))
)
_OF_CONTROL_ID = Prepared(
    select(journal.c.seq)
    .where(journal.c.control_id == bindparam("name"), journal.c.feed == bindparam("feed"))
    .order_by(journal.c.seq.desc())
    .limit(bindparam("most"))
)
_NEWEST = Several(select(slides).where(slides.c.feed == bindparam("feed")), slides.c.slide_number)


def _slide(row: Row[Any]) -> SlideRow:
    return SlideRow(row.journal_seq, row.position, row.feed, row.slide_number, row.reason, row.place)


class SqlSlides(Room):
    """See `hub.flow.ports.feeds.Slides`."""

    def put(self, rows: Sequence[SlideRow]) -> None:
        """One row for each place of a message, the first that is given; read anew, it says what it says now."""
        once = {(row.journal_seq, row.position): row for row in reversed(rows)}
        insert_all_or_replace(self._connection, slides, [_values(row) for row in once.values()])

    def messages_of_slide(self, feed: str, slide_number: str, limit: int) -> list[int]:
        """Their numbers, the newest first."""
        values = {"feed": feed, "slide": kept_number(as_kept(slide_number)), "most": limit}
        return [row.journal_seq for row in _OF_SLIDE.rows(self._connection, values)]

    def messages_of_control_id(self, feed: str, control_id: str, limit: int) -> list[int]:
        """Their numbers, the newest first."""
        values = {"feed": feed, "name": as_kept(control_id), "most": limit}
        return [row.seq for row in _OF_CONTROL_ID.rows(self._connection, values)]

    def of_message(self, journal_seq: int) -> list[SlideRow]:
        query = select(slides).where(slides.c.journal_seq == journal_seq).order_by(slides.c.position)
        return [_slide(row) for row in self._connection.execute(query)]

    def received(self, feed: str, since: datetime, until: datetime) -> list[SlideRow]:
        """What came from a feed in a stretch of time, in the order received."""
        connection = self._connection
        span = Span(journal, journal.c.received_at, since, until).on(connection)
        query = select(slides).join(journal, journal.c.seq == slides.c.journal_seq).where(slides.c.feed == feed, span)
        return [_slide(row) for row in connection.execute(query.order_by(slides.c.journal_seq, slides.c.position))]

    def newest_of(self, feed: str, slide_numbers: Sequence[str]) -> dict[str, SlideRow]:
        """Of each slide the newest time that it came, whenever that was."""
        asked = {number: kept_number(as_kept(number)) for number in slide_numbers}
        found: dict[str, SlideRow] = {}
        for row in _NEWEST.rows(self._connection, list(asked.values()), feed=feed):
            if row.slide_number not in found or found[row.slide_number].journal_seq < row.journal_seq:
                found[row.slide_number] = _slide(row)
        return {number: found[kept] for number, kept in asked.items() if kept in found}


def _values(row: SlideRow) -> dict[str, Any]:
    return {
        "feed": row.feed,
        "slide_number": kept_number(row.slide_number),
        "journal_seq": row.journal_seq,
        "position": row.position,
        "reason": row.reason,
        "place": row.place,
    }
