"""Files of delimited rows, one result a row: CSV, pipe, tab, semicolon. What they may rely on:
`adapters/delimited_results.md`.

The file says nothing about its sender: the door that took it does. How it is written stands in `[file]` of the table.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime

from hub.contract import ANY_BYTES, Opened, Piece, Reading, Sourced
from hub.errors import Reason, Reject
from hub.formats.delimited import MOST_LINES, Sheet, read
from hub.mapping import Feeds, FeedTable
from hub.mapping.check import OF_RESULTS, Finding
from hub.mapping.guard import our_fault
from hub.mapping.report import Report
from hub.mapping.stated import stated_facts_missing
from hub.tabular import (
    Layout,
    charset_notes,
    confirmation,
    file_reading,
    laid_out,
    refused,
    rewritten,
    row_problems,
    sources_of,
)


class DelimitedResults:
    """The adapter (see `hub.contract.Adapter`)."""

    dialect = "delimited_results"
    needs = OF_RESULTS
    media_type = ANY_BYTES

    def open(self, raw: bytes) -> Opened:
        """The lines of the file; it does not name its sender. Never raises."""
        sheet = read(raw)
        return Opened(raw=raw, charset=sheet.charset, is_batch=True, notes=sheet.notes, inner=sheet)

    def decode(self, opened: Opened, feeds: Feeds, today: date) -> Reading:
        """The results of the file's rows, by the table of the feed whose door it came through. Never raises."""
        table = feeds(opened.application, opened.facility)
        if table is None:
            return refused("", 1, Reject(Reason.UNKNOWN_SENDER, None, "A file of rows does not name its sender."))
        if table.status == "deactivated":
            return refused(table.feed, 1, Reject(Reason.SENDER_DEACTIVATED))
        if _sheet(opened).is_too_long:
            return refused(table.feed, 1, Reject(Reason.TOO_LARGE, None, f"A file may have {MOST_LINES} lines."))
        notes = charset_notes(opened.raw, opened.charset, table)
        rows = list(_sheet(opened).rows())
        return file_reading(rows, table, lambda row: Report(row, table, today).outcomes(), our_fault, notes)

    def reply(self, opened: Opened, reading: Reading, at: datetime, reply_id: str) -> bytes | None:
        """The confirmation of receipt. `at` is aware."""
        return confirmation(sum(1 for _ in _sheet(opened).rows()), reading, at, reply_id)

    def application_reply(
        self, opened: Opened, reading: Reading, feeds: Feeds, at: datetime, reply_id: str
    ) -> bytes | None:
        """None: a file asks for no second answer."""
        return None

    def problems(self, table: FeedTable) -> Sequence[Finding]:
        """What in a feed's table cannot be read in such files."""
        return [*stated_facts_missing(table), *row_problems(table)]

    def sources(self, opened: Opened, feeds: Feeds) -> Sequence[Sourced]:
        """The rows that `decode` reads by the table."""
        table = feeds(opened.application, opened.facility)
        layout = _layout(opened, table)
        return sources_of(layout, table) if table and layout else []

    def rewritten(self, opened: Opened, feeds: Feeds, change: Callable[[Piece], str]) -> bytes:
        """The file, with each cell of its rows as `change` says."""
        table = feeds(opened.application, opened.facility)
        return rewritten(opened, _layout(opened, table), table.file if table else None, change)


def _sheet(opened: Opened) -> Sheet:
    assert isinstance(opened.inner, Sheet)  # made by `open`
    return opened.inner


def _layout(opened: Opened, table: FeedTable | None) -> Layout | None:
    """How the file is laid out; None where nothing of it is read."""
    if table is None or table.status == "deactivated" or _sheet(opened).is_too_long:
        return None
    return laid_out(list(_sheet(opened).rows()), table)
