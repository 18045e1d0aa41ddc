"""The rows of a workbook's worksheets, as texts: what a person sees in a cell, written the English way.

A cell with a date gives DD/MM/YYYY, however it is shown; a number without a fraction its digits; a formula what it last
gave. Nothing here raises on any bytes.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any

from hub.formats.xlsx.package import NoPackage, TooLarge, looked_at

MOST_ROWS = 20_000
"""Of one file, blank ones included: the discharges of a large clinic in years."""
MOST_COLUMNS = 100
_MOST_SHEETS = 50
_SIGNATURE = b"PK\x03\x04"


@dataclass(frozen=True, slots=True, repr=False)
class Row:
    """A row with something in it: `number` is the one that Excel shows. It may hold names: it has no repr."""

    number: int
    texts: tuple[str, ...]
    has_error: bool = False
    is_open: bool = False
    """A workbook that was cut cannot be opened at all."""

    def cells(self, separator: str, columns: int, *, quoting: bool) -> list[str] | str:
        """The cells, so many (0: up to the last that holds something), or the sentence that says why not."""
        if self.has_error:
            return "A cell holds an error of the spreadsheet (such as #REF! or #N/A). Correct it."
        if columns and len(self.texts) > columns:
            return f"It has {len(self.texts)} columns instead of {columns}."
        return [*self.texts, *[""] * (columns - len(self.texts))]


@dataclass(frozen=True, slots=True, repr=False)
class Workbook:
    """The worksheets that hold something, by their names. Of what could not be read there are none."""

    sheets: Mapping[str, tuple[Row, ...]] = field(default_factory=dict)
    is_too_large: bool = False

    def __repr__(self) -> str:
        return f"Workbook({len(self.sheets)} sheets)"


def is_xlsx(raw: bytes) -> bool:
    """Whether it begins as such a file does."""
    return raw.startswith(_SIGNATURE)


def read(raw: bytes) -> Workbook:
    """The worksheets; none of what is no workbook."""
    import openpyxl  # a tenth of a second, and few files are workbooks

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl warns of colours and filters that it does not keep
            book = openpyxl.load_workbook(looked_at(raw), read_only=True, data_only=True, keep_links=False)
            return Workbook(_sheets(book))
    except TooLarge:
        return Workbook(is_too_large=True)
    except NoPackage:
        return Workbook()
    except Exception:  # openpyxl promises nothing of what a damaged part raises: KeyError, TypeError, ...
        return Workbook()


def _sheets(book: Any) -> dict[str, tuple[Row, ...]]:
    try:
        if len(book.worksheets) > _MOST_SHEETS:
            raise TooLarge
        found: dict[str, tuple[Row, ...]] = {}
        left = MOST_ROWS
        for sheet in book.worksheets:
            sheet.reset_dimensions()  # what a sheet says of its size need not be so
            rows = tuple(_rows(sheet, left))
            if rows:
                found[sheet.title] = rows
                left -= rows[-1].number
    finally:
        book.close()
    return found


def _rows(sheet: Any, most: int) -> Iterator[Row]:
    """The rows with something in them. A blank one counts too: to look for something behind a million of them is
    what a small file could make us do."""
    for number, cells in enumerate(sheet.iter_rows(), start=1):
        if number > most or len(cells) > MOST_COLUMNS:
            raise TooLarge
        texts = [_text(cell.value) for cell in cells]
        while texts and not texts[-1].strip():
            texts.pop()
        if texts:
            yield Row(number, tuple(texts), any(cell.data_type == "e" for cell in cells))


def _text(value: Any) -> str:
    """What a cell holds, as text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, datetime):
        day = _day(value)
        return day if value.time() == time() else f"{day} {value:%H:%M:%S}"
    return _day(value) if isinstance(value, date) else str(value)


def _day(value: date) -> str:
    return f"{value.day:02}/{value.month:02}/{value.year:04}"
