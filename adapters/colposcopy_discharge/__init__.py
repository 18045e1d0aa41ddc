"""Lists of discharges from colposcopy, one discharge a row: delimited files and workbooks (XLSX). What they may rely
on: `adapters/colposcopy_discharge.md`.

The file says nothing about its sender: the door that took it does. How it is laid out stands in the clinic's table.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime

from hub.contract import ANY_BYTES, Opened, Piece, Reading, Sourced
from hub.domain.events import DischargeUnread
from hub.errors import Reason, Reject
from hub.formats import delimited, xlsx
from hub.formats.delimited import MOST_LINES, Sheet
from hub.formats.xlsx import MOST_COLUMNS, MOST_ROWS, Workbook
from hub.mapping import Feeds, FeedTable
from hub.mapping.check import OF_DISCHARGES, Finding
from hub.mapping.discharge import DischargeReport
from hub.tabular import (
    Layout,
    Row,
    charset_notes,
    confirmation,
    file_reading,
    laid_out,
    refused,
    rewritten,
    row_problems,
    show_cells,
    sources_of,
)

_WORKBOOK = "It is no workbook that can be read: save it again as an Excel workbook (.xlsx), without a password."
_LIMITS = f"A workbook may have {MOST_ROWS} rows and {MOST_COLUMNS} columns, blank ones included."


class ColposcopyDischarge:
    """The adapter (see `hub.contract.Adapter`)."""

    dialect = "colposcopy_discharge"
    needs = OF_DISCHARGES
    media_type = ANY_BYTES

    def open(self, raw: bytes) -> Opened:
        """The lines of the file, or the worksheets; it does not name its sender. Never raises."""
        if xlsx.is_xlsx(raw):
            return Opened(raw=raw, is_batch=True, notes=("a workbook",), rewritable=False, inner=xlsx.read(raw))
        sheet = delimited.read(raw)
        return Opened(raw=raw, charset=sheet.charset, is_batch=True, notes=sheet.notes, inner=sheet)

    def decode(self, opened: Opened, feeds: Feeds, today: date) -> Reading:
        """The discharges of the file's rows, by the table of the clinic whose door it came through. Never raises."""
        table = feeds(opened.application, opened.facility)
        if table is None:
            return refused("", 1, Reject(Reason.UNKNOWN_SENDER, None, "A file of rows does not name its sender."))
        if table.status == "deactivated":
            return refused(table.feed, 1, Reject(Reason.SENDER_DEACTIVATED))
        rows = _rows(opened.inner, table)
        if isinstance(rows, Reject):
            return refused(table.feed, 1, rows)
        notes = charset_notes(opened.raw, opened.charset, table) if opened.charset else ()
        return file_reading(rows, table, lambda row: DischargeReport(row, table, today).outcomes(), _our_fault, notes)

    def reply(self, opened: Opened, reading: Reading, at: datetime, reply_id: str) -> bytes | None:
        """The confirmation of receipt. `at` is aware."""
        return confirmation(_lines(opened.inner), reading, at, reply_id)

    def application_reply(
        self, opened: Opened, reading: Reading, feeds: Feeds, at: datetime, reply_id: str
    ) -> bytes | None:
        """None: a file asks for no second answer."""
        return None

    def problems(self, table: FeedTable) -> Sequence[Finding]:
        """What in a clinic's table cannot be read in such files."""
        return list(row_problems(table))

    def sources(self, opened: Opened, feeds: Feeds) -> Sequence[Sourced]:
        """The rows that `decode` reads by the table."""
        table = feeds(opened.application, opened.facility)
        layout = _layout(opened, table)
        return sources_of(layout, table) if table and layout else []

    def rewritten(self, opened: Opened, feeds: Feeds, change: Callable[[Piece], str]) -> bytes:
        """The file, with each cell of its rows as `change` says. A workbook is only read: see `Opened.rewritable`."""
        table = feeds(opened.application, opened.facility)
        layout = _layout(opened, table)
        if isinstance(opened.inner, Sheet):
            return rewritten(opened, layout, table.file if table else None, change)
        if table and layout:
            show_cells(layout, table.file, change)
        return opened.raw


def _layout(opened: Opened, table: FeedTable | None) -> Layout | None:
    """How the file is laid out; None where nothing of it is read."""
    rows = _rows(opened.inner, table) if table and table.status != "deactivated" else None
    return laid_out(rows, table) if table and rows is not None and not isinstance(rows, Reject) else None


def _rows(inner: Sheet | Workbook, table: FeedTable) -> Sequence[Row] | Reject:
    """The rows of the file, or of the one worksheet that is meant."""
    if isinstance(inner, Sheet):
        if inner.is_too_long:
            return Reject(Reason.TOO_LARGE, None, f"A file may have {MOST_LINES} lines.")
        return list(inner.rows())
    if inner.is_too_large:
        return Reject(Reason.TOO_LARGE, None, _LIMITS)
    if not inner.sheets:
        return Reject(Reason.UNREADABLE, None, _WORKBOOK)
    if table.file.sheet:
        named = inner.sheets.get(table.file.sheet)
        return named or Reject(Reason.UNREADABLE, None, "The worksheet of the agreed name is not there, or empty.")
    if len(inner.sheets) > 1:
        return Reject(Reason.UNREADABLE, None, "More than one worksheet holds something. Leave the list alone in it.")
    return next(iter(inner.sheets.values()))


def _lines(inner: Sheet | Workbook) -> int:
    if isinstance(inner, Sheet):
        return sum(1 for _ in inner.rows())
    return sum(len(rows) for rows in inner.sheets.values())


def _our_fault(place: str) -> DischargeUnread:
    return DischargeUnread(Reason.OUR_FAULT.code, place, "")
