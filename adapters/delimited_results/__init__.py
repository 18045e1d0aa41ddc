"""Files of delimited rows, one result a row: CSV, pipe, tab, semicolon. What they may rely on:
`adapters/delimited_results.md`.

The file says nothing about its sender: the door that took it does. How it is written stands in `[file]` of the table.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date, datetime

from adapters.delimited_results.confirmation import confirmation
from adapters.delimited_results.layout import Layout, NotAsAgreed, lay_out
from adapters.delimited_results.record import Record, column_name, row_place
from hub.contract import Item, Opened, Reading
from hub.domain.events import ReportParked, ResultReported
from hub.errors import Reason, Reject
from hub.formats.delimited import MOST_LINES, Row, Sheet, cells, read
from hub.mapping import Feeds, FeedTable
from hub.mapping.check import Finding
from hub.mapping.feed_table import FileForm
from hub.mapping.report import Report
from hub.mapping.stated import stated_facts_missing


class DelimitedResults:
    """The adapter (see `hub.contract.Adapter`)."""

    dialect = "delimited_results"

    def open(self, raw: bytes) -> Opened:
        """The lines of the file; it does not name its sender. Never raises."""
        sheet = read(raw)
        return Opened(raw=raw, charset=sheet.charset, is_batch=True, notes=sheet.notes, inner=sheet)

    def decode(self, opened: Opened, feeds: Feeds, today: date) -> Reading:
        """The results of the file's rows, by the table of the feed whose door it came through. Never raises."""
        table = feeds(opened.application, opened.facility)
        if table is None:
            return _refused("", 1, Reject(Reason.UNKNOWN_SENDER, None, "A file of rows does not name its sender."))
        if table.status == "deactivated":
            return _refused(table.feed, 1, Reject(Reason.SENDER_DEACTIVATED))
        if _sheet(opened).is_too_long:
            return _refused(table.feed, 1, Reject(Reason.TOO_LARGE, None, f"A file may have {MOST_LINES} lines."))
        try:
            layout = lay_out(list(_sheet(opened).rows()), table)
        except NotAsAgreed as wrong:
            return _refused(table.feed, wrong.row, wrong.stop, wrong.sequence)
        items = tuple(item for row in layout.rows for item in _items(row, layout, table, today))
        return Reading(table.feed, items, tuple(_notes(opened, table)), layout.sequence)

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
        return [*stated_facts_missing(table), *_problems_of_facts(table), *_problems_of_file(table.file)]


def _sheet(opened: Opened) -> Sheet:
    assert isinstance(opened.inner, Sheet)  # made by `open`
    return opened.inner


def _refused(feed: str, row: int, stop: Reject, sequence: int | None = None) -> Reading:
    return Reading(feed, (Item(f"{row}.1", stop),), sequence=sequence)


def _items(row: Row, layout: Layout, table: FeedTable, today: date) -> Iterator[Item]:
    """What becomes of one row."""
    try:
        outcomes = _outcomes(row, layout, table, today)
    except Exception:
        # The outermost guard of an adapter, as in hl7v2_oru: a mistake of ours parks itself, and quotes nothing.
        outcomes = (ReportParked(Reason.OUR_FAULT.code, row_place(row.number).text, ""),)
    for number, outcome in enumerate(outcomes, start=1):
        yield Item(f"{row.number}.{number}", outcome)


def _outcomes(
    row: Row, layout: Layout, table: FeedTable, today: date
) -> Sequence[ResultReported | ReportParked | Reject]:
    found = cells(row.text, table.file.separator, layout.width, quoting=table.file.quoting)
    if isinstance(found, str):
        return (Reject(Reason.MALFORMED, row_place(row.number), found),)
    return Report(Record(row.number, found, layout.columns), table, today).outcomes()


def _notes(opened: Opened, table: FeedTable) -> Iterator[str]:
    if table.charset and not opened.raw.isascii() and table.charset.lower() != opened.charset.lower():
        yield f"charset={opened.charset} expected {table.charset}"


def _problems_of_facts(table: FeedTable) -> Iterator[Finding]:
    for name, fact in table.facts.declared():
        for key, place in (*(("place", place) for place in fact.places), *(("where", at) for at in fact.where)):
            numbered = re.fullmatch(r"#([1-9][0-9]{0,3})", place)
            if not table.file.header and not numbered:
                yield ("facts", name, key), "No row names the columns: write #3 for the third."
            elif numbered and table.file.columns and int(numbered[1]) > table.file.columns:
                yield ("facts", name, key), f"A row has {table.file.columns} columns."
            elif not column_name(place):
                yield ("facts", name, key), "Name the column."


def _problems_of_file(form: FileForm) -> Iterator[Finding]:
    if not form.header and not form.columns:
        yield ("file", "columns"), "No row names the columns: say how many there are."
    if form.opening and form.opening.count:
        yield ("file", "opening", "count"), "The rows are counted behind them: name it in [file.closing]."
    if form.opening and form.closing and form.opening.sequence and form.closing.sequence:
        yield ("file", "closing", "sequence"), "The opening record has the number. Leave one of the two."
    for name, record in (("opening", form.opening), ("closing", form.closing)):
        if record and max(record.sequence, record.count) > record.columns:
            yield ("file", name, "columns"), "The record has fewer columns than are named."
