"""Every cell of a file's rows with its place, and the file written again with some of them changed."""

from __future__ import annotations

import re
from collections.abc import Callable

from hub.contract import Opened, Piece
from hub.formats.charsets import whole
from hub.formats.delimited import cells
from hub.mapping.feed_table import FileForm
from hub.tabular.layout import Layout
from hub.tabular.record import cell_place, row_place

_LINES = re.compile(r"(\r\n|\r|\n)")

_AROUND = ' \t"\ufeff'
"""What may stand around the mark of a record."""

Change = Callable[[Piece], str]


def rewritten(opened: Opened, layout: Layout | None, form: FileForm | None, change: Change) -> bytes:
    """The file's bytes, with each cell as `change` says. The records (but for the file's number in them) and the names
    of the columns are structure; of a file that cannot be laid out every line is one text."""
    text, codec = whole(opened.raw, opened.charset)
    rows = {row.number for row in layout.rows} if layout else set()
    names = {index: place for place, index in layout.columns.items()} if layout else {}
    written = []
    for index, line in enumerate(_LINES.split(text)):
        number = index // 2 + 1
        if index % 2 or not line.strip():
            written.append(line)
        elif layout and number not in rows:
            written.append(_structure(line, number, form, change) if form else line)
        elif layout and form and not isinstance(cells(line, form.separator, layout.width, quoting=form.quoting), str):
            written.append(_row(line, number, names, form, change))
        else:
            written.append(change(Piece(row_place(number).text, line)))
    return "".join(written).encode(codec)


def show_cells(layout: Layout, form: FileForm, look: Change) -> None:
    """Let each cell of the rows be seen, of a file that is never written again."""
    names = {index: place for place, index in layout.columns.items()}
    for row in layout.rows:
        found = row.cells(form.separator, layout.width, quoting=form.quoting)
        for index, cell in enumerate(found if isinstance(found, list) else ()):
            column = names.get(index, f"#{index + 1}")
            if cell.strip():
                look(Piece(cell_place(row.number, column).text, cell, table_place=column))


def _row(line: str, number: int, names: dict[int, str], form: FileForm, change: Change) -> str:
    written = []
    for index, cell in enumerate(_cut(line, form)):
        column = names.get(index, f"#{index + 1}")
        written.append(_cell(cell, cell_place(number, column).text, column, form, change))
    return form.separator.join(written)


def _cell(cell: str, place: str, column: str, form: FileForm, change: Change, *, is_code: bool = False) -> str:
    is_quoted = form.quoting and cell.startswith('"')
    text = cell[1:-1].replace('""', '"') if is_quoted else cell
    new = change(Piece(place, text, is_code, column)) if text.strip() else text
    quoted = '"' + new.replace('"', '""') + '"' if is_quoted else new
    return cell if new == text else quoted


def _structure(line: str, number: int, form: FileForm, change: Change) -> str:
    """What is no row: unchanged, but that each file may have another number."""
    found = _cut(line, form)
    for record in (form.opening, form.closing):
        if record and record.sequence and len(found) == record.columns and found[0].strip(_AROUND) == record.mark:
            column = f"#{record.sequence}"
            place, old = cell_place(number, column).text, found[record.sequence - 1]
            found[record.sequence - 1] = _cell(old, place, column, form, change, is_code=True)
    return form.separator.join(found)


def _cut(line: str, form: FileForm) -> list[str]:
    """The cells as they stand, quotation marks and all."""
    if not form.quoting:
        return line.split(form.separator)
    mark = re.escape(form.separator)
    return [found[1] for found in re.finditer(rf'(?:^|{mark})("(?:[^"]|"")*+"|[^"{mark}]*+)', line)]
