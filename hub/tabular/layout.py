"""How a file is laid out: opening record, names of the columns, rows, closing record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from hub.errors import Reason, Reject
from hub.mapping.feed_table import FeedTable, FileForm, FileRecord
from hub.mapping.forms import read_sequence
from hub.tabular.record import cell_place, column_name, number_of, row_place


class Row(Protocol):
    """A row of a file, whatever the file's format."""

    @property
    def number(self) -> int:
        """As whoever has the file before her counts it."""

    @property
    def is_open(self) -> bool:
        """The file may have been cut within it."""

    def cells(self, separator: str, columns: int, *, quoting: bool) -> list[str] | str:
        """Its cells, so many (0: any number); or the sentence that says why it cannot be read."""


class NotAsAgreed(Exception):
    """The file as a whole cannot be taken. `row` is the row it was seen at; `sequence` the file's number, if read."""

    def __init__(self, row: int, stop: Reject, sequence: int | None = None) -> None:
        self.row = row
        self.stop = stop
        self.sequence = sequence
        super().__init__(str(stop))


@dataclass(frozen=True, slots=True)
class Layout:
    """The rows with a result in them, and how to read them: `columns` gives a column's index by the table's name for
    it, `width` how many columns there are. `sequence` is the file's number."""

    rows: tuple[Row, ...]
    columns: Mapping[str, int]
    width: int
    sequence: int | None


def lay_out(rows: Sequence[Row], table: FeedTable) -> Layout:
    """Find the parts of a file. Raises NotAsAgreed; also where something of it did not come, for then the sender sends
    it again whole, and what had been taken of it would come twice."""
    form = table.file
    left = list(reversed(rows))  # taken from its end
    opening = _opening(left, form) if form.opening else ()
    sequence = _sequence(opening, form.opening)
    try:
        _whole(rows[-1:])
        columns, width = _header(left, table) if form.header else (_numbered(table), form.columns)
        left.reverse()
        results, closing = _divided(left, form)
    except NotAsAgreed as wrong:
        wrong.sequence = sequence
        raise
    if sequence is None:
        sequence = _sequence(closing, form.closing)
    if not results:
        number = rows[-1].number if rows else 1
        stop = Reject(Reason.NO_RESULT, row_place(number), "The file has no rows.")
        raise NotAsAgreed(number, stop, sequence)
    return Layout(tuple(results), columns, width, sequence)


def _taken(left: list[Row], what: str) -> Row:
    """The next row of the file's head. Raises NotAsAgreed where there is none."""
    if not left:
        raise NotAsAgreed(1, Reject(Reason.UNREADABLE, None, f"The {what} is missing."))
    row = left.pop()
    if not left:
        _whole([row])
    return row


def _whole(last: Sequence[Row]) -> None:
    """Raises NotAsAgreed where the last row was perhaps cut."""
    for row in last:
        if row.is_open:
            stop = Reject(Reason.INCOMPLETE, row_place(row.number), "The last row has no line end.")
            raise NotAsAgreed(row.number, stop)


def _opening(left: list[Row], form: FileForm) -> tuple[str, ...]:
    row = _taken(left, "opening record")
    record = _record(row, form, form.opening)
    assert form.opening is not None
    if not record:
        sentence = f"It must be the opening record: {form.opening.mark}, {form.opening.columns} columns."
        raise NotAsAgreed(row.number, Reject(Reason.HEADER_INCOMPLETE, row_place(row.number), sentence))
    if form.opening.sequence and _sequence(record, form.opening) is None:
        place = cell_place(row.number, f"#{form.opening.sequence}")
        raise NotAsAgreed(row.number, Reject(Reason.HEADER_INCOMPLETE, place, "The file's number is missing."))
    return record


def _record(row: Row, form: FileForm, wanted: FileRecord | None) -> tuple[str, ...]:
    """The cells of a row that is the record wanted; none if it is not."""
    if wanted is None:
        return ()
    found = row.cells(form.separator, wanted.columns, quoting=form.quoting)
    if isinstance(found, str) or found[0].strip() != wanted.mark:
        return ()
    return tuple(cell.strip() for cell in found)


def _sequence(record: tuple[str, ...], form: FileRecord | None) -> int | None:
    return read_sequence(record[form.sequence - 1]) if record and form and form.sequence else None


def _header(left: list[Row], table: FeedTable) -> tuple[Mapping[str, int], int]:
    row = _taken(left, "row that names the columns")
    form = table.file
    found = row.cells(form.separator, form.columns, quoting=form.quoting)
    if isinstance(found, str):
        raise NotAsAgreed(row.number, Reject(Reason.UNREADABLE, row_place(row.number), found))
    names = [name.strip() for name in found]
    columns = {}
    for place in _places(table):
        columns[place] = _column(place, names, row.number)
    return columns, len(names)


def _column(place: str, names: list[str], row: int) -> int:
    """The index of one column. Raises NotAsAgreed where it is not there, or twice."""
    if number := number_of(place):
        if number <= len(names):
            return number - 1
    elif names.count(column_name(place)) == 1:
        return names.index(column_name(place))
    else:
        twice = column_name(place) in names
        sentence = "Two columns have this name." if twice else "No column has this name."
        raise NotAsAgreed(row, Reject(Reason.UNREADABLE, cell_place(row, place), sentence))
    raise NotAsAgreed(row, Reject(Reason.UNREADABLE, cell_place(row, place), "There is no such column."))


def _numbered(table: FeedTable) -> Mapping[str, int]:
    return {place: number_of(place) - 1 for place in _places(table)}


def _places(table: FeedTable) -> Iterator[str]:
    for _, fact in table.facts.declared():
        yield from fact.places
        yield from fact.where


def _divided(rows: list[Row], form: FileForm) -> tuple[list[Row], tuple[str, ...]]:
    """The rows with results, and the closing record. Raises NotAsAgreed where the one says something else than the
    others."""
    if form.closing is None:
        return rows, ()
    for index, row in enumerate(rows):
        if record := _record(row, form, form.closing):
            _judge(row.number, record, index, form.closing)
            if behind := rows[index + 1 :]:
                number = behind[0].number
                stop = Reject(Reason.MALFORMED, row_place(number), "It stands behind the closing record.")
                raise NotAsAgreed(number, stop)
            return rows[:index], record
    number = rows[-1].number + 1 if rows else 1
    raise NotAsAgreed(number, Reject(Reason.INCOMPLETE, row_place(number), "The closing record is missing."))


def _judge(row: int, record: tuple[str, ...], results: int, form: FileRecord) -> None:
    """Whether a closing record agrees with the rows before it. Raises NotAsAgreed."""
    if form.count and read_sequence(record[form.count - 1]) != results:
        place = cell_place(row, f"#{form.count}")
        sentence = "It does not agree with the number of rows that came."
        raise NotAsAgreed(row, Reject(Reason.INCOMPLETE, place, sentence))
    if form.sequence and _sequence(record, form) is None:
        place = cell_place(row, f"#{form.sequence}")
        raise NotAsAgreed(row, Reject(Reason.HEADER_INCOMPLETE, place, "The file's number is missing."))
