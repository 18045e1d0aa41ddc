"""One row as the source of a report: where a fact stands in it, and what that place is called."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from hub.domain.events import Version
from hub.errors import Place
from hub.mapping.feed_table import Fact, FeedTable
from hub.mapping.stated import stated_issue, statuses_of


def number_of(place: str) -> int:
    """The number of a column that a table writes as `#3`; 0 for a name."""
    return int(place[1:]) if place[:1] == "#" and place[1:].isdecimal() else 0


def column_name(place: str) -> str:
    """The name of a column, as a table writes it."""
    return place.strip()


def row_place(row: int) -> Place:
    """A whole row."""
    return Place(f"row {row}", (str(row),))


def cell_place(row: int, column: str) -> Place:
    """A column of a row, in the words of the feed's table: never of the file."""
    if number := number_of(column):
        return Place(f"row {row}, column {number}", (str(row), str(number)))
    return Place(f'row {row}, column "{column_name(column)}"', (str(row), column_name(column)))


@dataclass(slots=True, repr=False)
class Text:
    """A text of a row, trimmed. It may be a name: it has no repr."""

    text: str
    row: int
    column: str
    group: int = 1

    @property
    def place(self) -> Place:
        return cell_place(self.row, self.column)


@dataclass(frozen=True, slots=True, repr=False)
class Record:
    """A row with the right number of cells (see `hub.mapping.report.Source`)."""

    row: int
    cells: list[str]
    columns: Mapping[str, int]

    @property
    def person(self) -> Place:
        return row_place(self.row)

    def texts(self, fact: Fact) -> list[Text]:
        """Every non-empty text in the columns of a fact, where the row is meant."""
        if not all(self._holds(column, wanted) for column, wanted in fact.where.items()):
            return []
        found = ((column, self._cell(column)) for column in fact.places)
        return [Text(text, self.row, column) for column, text in found if text]

    def missing(self, fact: Fact) -> Place:
        return cell_place(self.row, fact.places[0])

    def issued(self, table: FeedTable) -> tuple[Text, str]:
        """By the fact `authorised_at`. Raises Reject."""
        text, form = stated_issue(self, table)
        assert isinstance(text, Text)
        return text, form

    def statuses(self, table: FeedTable) -> Iterator[tuple[str, Callable[[], Version]]]:
        """By the fact `version`."""
        return statuses_of(self, table)

    def _cell(self, column: str) -> str:
        return self.cells[self.columns[column]].strip()

    def _holds(self, column: str, wanted: str | list[str]) -> bool:
        return self._cell(column) in ([wanted] if isinstance(wanted, str) else wanted)
