"""Dialects of rows that cut a file in a way of their own. All of an adapter but the cutting.

An adapter of such a language says how its file is cut (`take_apart`), and is done. Everything else is what
`hub.tabular` does for files that a table lays out: what each row says by the sender's table, its places, the answer. A
place in a table is the name of a column.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from functools import partial

from hub.contract import ANY_BYTES, Opened, Piece, Reading, Sourced
from hub.errors import Reason, Reject
from hub.formats.sheets import Cell, Row, Sheet, cut, row
from hub.mapping import Feeds, FeedTable
from hub.mapping.check import OF_RESULTS, Finding
from hub.mapping.feed_table import Fact
from hub.mapping.guard import our_fault
from hub.mapping.report import Report
from hub.mapping.stated import stated_facts_missing
from hub.tabular import Record, cell_place, confirmation, read_row, refused, row_place

__all__ = ["Cell", "Row", "RowDialect", "Sheet", "cut", "row"]

_LINES = re.compile(r"\r\n|\r|\n")
_WORD = re.compile(r"[^\s|,;~^*:+'\"]+")


class RowDialect(ABC):
    """The adapter (see `hub.contract.Adapter`) of a language of rows."""

    dialect: str
    needs = OF_RESULTS
    media_type = ANY_BYTES
    columns: tuple[str, ...]

    @abstractmethod
    def take_apart(self, text: str) -> Sheet:
        """Cut the text of a file into its rows. Raises Reject where it is none of this language, or not whole: a file
        of which the end is lost must never pass for a shorter one. Whatever else it raises, the file is unreadable."""

    def open(self, raw: bytes) -> Opened:
        """Who sent what. Never raises."""
        charset, text = _decoded(raw)
        inner = self._taken_apart(text)
        sheet = inner if isinstance(inner, Sheet) else Sheet(())
        return Opened(
            raw=raw,
            message_type=self.dialect,
            control_id=sheet.control_id,
            application=sheet.application,
            facility=sheet.facility,
            charset=charset,
            is_batch=True,
            sequence=sheet.sequence,
            notes=() if charset == "utf-8" else (f"charset={charset}",),
            inner=inner,
        )

    def decode(self, opened: Opened, feeds: Feeds, today: date) -> Reading:
        """Each row, read by the sender's table. Never raises."""
        table = feeds(opened.application, opened.facility)
        stop = _refused(opened, table)
        if stop or table is None:
            return refused(table.feed if table else "", 1, stop or Reject(Reason.UNKNOWN_SENDER))
        items = (
            item
            for each in opened.inner.rows
            for item in read_row(
                each.line,
                partial(self._record, each),
                lambda record: Report(record, table, today).outcomes(),
                our_fault,
            )
        )
        return Reading(table.feed, tuple(items))

    def reply(self, opened: Opened, reading: Reading, at: datetime, reply_id: str) -> bytes | None:
        """The confirmation of receipt. `at` is aware."""
        lines = sum(1 for line in _LINES.split(_decoded(opened.raw)[1]) if line.strip())
        return confirmation(lines, reading, at, reply_id, opened.control_id)

    def application_reply(
        self, opened: Opened, reading: Reading, feeds: Feeds, at: datetime, reply_id: str
    ) -> bytes | None:
        """A file is answered once."""
        return None

    def problems(self, table: FeedTable) -> Sequence[Finding]:
        """What in a feed's table this language cannot do."""
        found = [finding for name, fact in table.facts.declared() for finding in self._problems(name, fact)]
        return [*found, *stated_facts_missing(table)]

    def sources(self, opened: Opened, feeds: Feeds) -> Sequence[Sourced]:
        """The rows that `decode` reads by a table."""
        table = feeds(opened.application, opened.facility)
        if table is None or _refused(opened, table):
            return []
        records = ((each.line, self._record(each)) for each in opened.inner.rows)
        return [Sourced(f"{line}.1", table, found) for line, found in records if isinstance(found, Record)]

    def rewritten(self, opened: Opened, feeds: Feeds, change: Callable[[Piece], str]) -> bytes:
        """The file with each cell of its rows as `change` says, and each word of its header and end, which are codes.
        Of what could not be cut, all is one text."""
        charset, text = _decoded(opened.raw)
        if not isinstance(opened.inner, Sheet):
            return change(Piece("", text)).encode(charset) if text.strip() else opened.raw
        written, done = [], 0
        for name, cell in _cells_of(opened.inner):
            place = cell_place(cell.line, name).text
            new = change(Piece(place, cell.text, table_place=name)) if cell.text.strip() else cell.text
            written += [_around(text[done : cell.start], change), new]
            done = cell.start + len(cell.text)
        return "".join([*written, _around(text[done:], change)]).encode(charset)

    def _taken_apart(self, text: str) -> Sheet | Reject:
        try:
            return self.take_apart(text)
        except Reject as stop:
            return stop.with_traceback(None)  # its frames hold the message
        except Exception as error:  # a language's own cutting, of bytes that may be anything: it need not be perfect
            return Reject(Reason.UNREADABLE, None, _told(error))

    def _record(self, each: Row) -> Record | Reject:
        """The row with its cells, or why it has none."""
        if each.wrong:
            return Reject(Reason.MALFORMED, row_place(each.line), each.wrong)
        cells = [each.cells[name].text if name in each.cells else "" for name in self.columns]
        return Record(each.line, cells, {name: index for index, name in enumerate(self.columns)})

    def _problems(self, name: str, fact: Fact) -> Iterator[Finding]:
        for key, column in (*(("place", place) for place in fact.places), *(("where", place) for place in fact.where)):
            if column not in self.columns:
                yield ("facts", name, key), f"There is no column {column}. There are: {', '.join(self.columns)}."


def _refused(opened: Opened, table: FeedTable | None) -> Reject | None:
    """What is known before any row is read."""
    if isinstance(opened.inner, Reject) and (table is None or opened.inner.reason is Reason.UNREADABLE):
        return opened.inner  # of what is not whole nobody knows who sent it
    if table is None:
        return Reject(Reason.UNKNOWN_SENDER)
    if table.status == "deactivated":
        return Reject(Reason.SENDER_DEACTIVATED)
    if isinstance(opened.inner, Reject):
        return opened.inner
    return None if opened.inner.rows else Reject(Reason.NO_RESULT)


def _told(error: Exception) -> str:
    """Where `take_apart` stumbled, for whoever writes it; never what it says, for that may quote the file."""
    trace, line = error.__traceback__, 0
    while trace:
        if trace.tb_frame.f_code.co_name == "take_apart":
            line = trace.tb_lineno
        trace = trace.tb_next
    return f"{type(error).__name__} at line {line} of its adapter."


def _decoded(raw: bytes) -> tuple[str, str]:
    """UTF-8, else what reads every byte: either way the same bytes can be made of it again."""
    try:
        return "utf-8", raw.decode("utf-8")
    except UnicodeDecodeError:
        return "iso-8859-1", raw.decode("iso-8859-1")


def _cells_of(sheet: Sheet) -> list[tuple[str, Cell]]:
    return sorted((pair for each in sheet.rows for pair in each.cells.items()), key=lambda pair: pair[1].start)


def _around(text: str, change: Callable[[Piece], str]) -> str:
    """What stands before, between and behind the cells: header, marks, end."""
    return _WORD.sub(lambda found: change(Piece("header or end", found[0], is_code=True)), text)
