"""The rows of a delimited file.

A line is a row: a quoted text may hold the separator, but no line end. So a lost quotation mark spoils its own row and
no other, and a file that breaks off shows it by its last row. Nothing here raises on any bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from hub.formats.charsets import decode

MOST_LINES = 200_000
"""Of one file: the results of a large laboratory in months, and each becomes several stored rows."""


class Row(NamedTuple):
    """One line: `number` counts the lines of the file from 1, as an editor shows them; blank ones count and are no
    rows. `is_open` marks a last line without its end."""

    number: int
    text: str
    is_open: bool = False

    def cells(self, separator: str, columns: int, *, quoting: bool) -> list[str] | str:
        """See `cells`."""
        return cells(self.text, separator, columns, quoting=quoting)


@dataclass(frozen=True, slots=True, repr=False)
class Sheet:
    """A file as its lines; none are kept where it has too many."""

    lines: tuple[str, ...]
    charset: str
    notes: tuple[str, ...] = ()
    is_too_long: bool = False

    def rows(self) -> Iterator[Row]:
        """The rows, in order."""
        last = len(self.lines)
        for number, line in enumerate(self.lines, start=1):
            if line.strip():
                yield Row(number, line, is_open=number == last)

    def __repr__(self) -> str:
        return f"Sheet({len(self.lines)} lines)"


def read(raw: bytes) -> Sheet:
    """The lines of a file. Only CR, LF and CRLF end a line, not the other breaks of Unicode."""
    decoded = decode(raw)
    text = decoded.text.replace("\r\n", "\n").replace("\r", "\n")
    is_too_long = text.count("\n") > MOST_LINES
    lines = () if is_too_long else tuple(text.split("\n"))
    return Sheet(lines, decoded.charset, (decoded.note,) if decoded.note else (), is_too_long)


def cells(text: str, separator: str, columns: int, *, quoting: bool) -> list[str] | str:
    """The cells of a row that must have so many columns (0: any number), or the sentence that says why it cannot be
    read. Nothing is trimmed."""
    if quoting and '"' in text:
        return _quoted(text, separator, columns)
    if columns and text.count(separator) + 1 != columns:
        return _wrong_number(text.count(separator) + 1, columns)
    return text.split(separator)


def _quoted(text: str, separator: str, columns: int) -> list[str] | str:
    found: list[str] = []
    at = 0
    while True:
        cell = _cell(separator).match(text, at)
        if cell is None:
            return 'A quotation mark stands where none may: enclose the whole text in ", and double each " in it.'
        found.append(cell[2] if cell[1] is None else cell[1].replace('""', '"'))
        at = cell.end() + 1
        if cell.end() == len(text):
            break
    if columns and len(found) != columns:
        return _wrong_number(len(found), columns)
    return found


@lru_cache(maxsize=8)
def _cell(separator: str) -> re.Pattern[str]:
    """One cell up to its separator or the end of the row: in quotation marks, or without any. Possessive (`*+`), so
    that no text takes longer than its length."""
    mark = re.escape(separator)
    return re.compile(rf'(?:"((?:[^"]|"")*+)"|([^"{mark}]*+))(?={mark}|\Z)')


def _wrong_number(found: int, columns: int) -> str:
    return f"It has {found} columns instead of {columns}."
