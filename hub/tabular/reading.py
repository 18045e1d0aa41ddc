"""A file of rows becomes a reading: each row a message of its own, as its dialect reads it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from hub.contract import Item, Outcome, Reading, Sourced
from hub.errors import Reason, Reject
from hub.mapping import FeedTable
from hub.mapping.check import Finding
from hub.mapping.feed_table import FileForm
from hub.mapping.guard import guarded
from hub.tabular.layout import Layout, NotAsAgreed, Row, lay_out
from hub.tabular.record import Record, column_name, row_place

ReadRow = Callable[[Record], Sequence[Outcome]]
"""What becomes of one row: one event, or a Reject for each thing wrong with it."""
Fault = Callable[[str], Outcome]
"""What stands for a row on which we failed ourselves, at this place."""


def file_reading(
    rows: Sequence[Row], table: FeedTable, read: ReadRow, fault: Fault, notes: tuple[str, ...] = ()
) -> Reading:
    """Read every row of a file; a file that is not laid out as agreed is refused whole. Never raises."""
    try:
        layout = lay_out(rows, table)
    except NotAsAgreed as wrong:
        return refused(table.feed, wrong.row, wrong.stop, wrong.sequence)
    items = (
        item
        for row in layout.rows
        for item in read_row(row.number, partial(_record, row, layout, table.file), read, fault)
    )
    return Reading(table.feed, tuple(items), notes, layout.sequence)


def read_row(number: int, cut: Callable[[], Record | Reject], read: ReadRow, fault: Fault) -> Iterator[Item]:
    """Each thing that is said of one row. `cut` gives its cells, or why it has none."""
    outcomes = guarded(partial(_outcomes, cut, read), lambda: (fault(row_place(number).text),))
    for index, outcome in enumerate(outcomes, start=1):
        yield Item(f"{number}.{index}", outcome)


def laid_out(rows: Sequence[Row], table: FeedTable) -> Layout | None:
    """How a file is laid out; None where it is not as agreed."""
    try:
        return lay_out(rows, table)
    except NotAsAgreed:
        return None


def sources_of(layout: Layout, table: FeedTable) -> list[Sourced]:
    """Where the facts of each row are found, of those that can be read."""
    records = ((row.number, _record(row, layout, table.file)) for row in layout.rows)
    return [Sourced(f"{number}.1", table, found) for number, found in records if isinstance(found, Record)]


def refused(feed: str, row: int, stop: Reject, sequence: int | None = None) -> Reading:
    """A file of which nothing is taken."""
    return Reading(feed, (Item(f"{row}.1", stop),), sequence=sequence)


def _outcomes(cut: Callable[[], Record | Reject], read: ReadRow) -> Sequence[Outcome]:
    record = cut()
    return (record,) if isinstance(record, Reject) else read(record)


def _record(row: Row, layout: Layout, form: FileForm) -> Record | Reject:
    """The row with its cells, or why it has none."""
    found = row.cells(form.separator, layout.width, quoting=form.quoting)
    if isinstance(found, str):
        return Reject(Reason.MALFORMED, row_place(row.number), found)
    return Record(row.number, found, layout.columns)


def charset_notes(raw: bytes, charset: str, table: FeedTable) -> tuple[str, ...]:
    """A note where the charset is not the one agreed."""
    if table.charset and not raw.isascii() and table.charset.lower() != charset.lower():
        return (f"charset={charset} expected {table.charset}",)
    return ()


def row_problems(table: FeedTable) -> Iterator[Finding]:
    """What in a feed's table cannot be read in files of rows."""
    yield from _problems_of_facts(table)
    yield from _problems_of_file(table.file)


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
