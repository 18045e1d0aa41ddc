"""A file of rows, cut into cells that know where they stand."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

_LINES = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+$")


@dataclass(frozen=True, slots=True, repr=False)
class Cell:
    """One text of a file and where in the file's text it begins. It may be a name: it has no repr."""

    text: str
    start: int = 0
    line: int = 0


@dataclass(frozen=True, slots=True, repr=False)
class Row:
    """One result: its cells by the name of their column; by their number in a row that is `wrong` as a whole, which is
    the sentence that says why."""

    line: int
    cells: Mapping[str, Cell]
    wrong: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class Sheet:
    """A file, cut. What its header says: the control id, the sender, the number of the file; each may be empty."""

    rows: Sequence[Row]
    control_id: str = ""
    facility: str = ""
    application: str = ""
    sequence: int | None = None


def cut(text: str, separator: str) -> list[list[Cell]]:
    """The lines of a file cut at the separator; blank lines are left out."""
    lines, start = [], 0
    for number, line in enumerate(_LINES.findall(text), start=1):
        if line.strip():
            lines.append(list(_cells(line.rstrip("\r\n"), separator, start, number)))
        start += len(line)
    return lines


def row(cells: Sequence[Cell], columns: Sequence[str]) -> Row:
    """The cells under the names of their columns. Where there are more or fewer nobody knows which of them is missing:
    then the row is refused."""
    line = cells[0].line
    if len(cells) == len(columns):
        return Row(line, dict(zip(columns, cells, strict=True)))
    numbered = {f"#{number}": cell for number, cell in enumerate(cells, start=1)}
    return Row(line, numbered, f"It has {len(cells)} columns instead of {len(columns)}.")


def _cells(line: str, separator: str, start: int, number: int) -> Iterator[Cell]:
    for text in line.split(separator):
        yield Cell(text, start, number)
        start += len(text) + len(separator)
