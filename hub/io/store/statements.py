"""What SQLite and PostgreSQL spell differently: insert-or-leave, insert-or-replace, many keys at once, row numbers."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from sqlalchemy import ARRAY, Column, Connection, Table, bindparam, func, literal_column
from sqlalchemy.dialects import postgresql, sqlite

from hub.io.store.copying import COPIED_FROM, copy_in
from hub.io.store.prepared import Prepared, Values


@cache
def _insert(dialect: str, table: Table, clash: str, names: tuple[str, ...]) -> Prepared:
    insert: Any = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}[dialect](table)
    return Prepared(_settling(insert, clash, table, names), names)


def _settling(insert: Any, clash: str, table: Table, names: tuple[str, ...]) -> Any:
    """What is done where a row is there already: `refuse` it, `leave` what is there (and `tell` if so, or
    `notify` who listens, with the commit), or `replace` it."""
    if clash == "refuse":
        return insert
    if clash == "leave":
        return insert.on_conflict_do_nothing()
    if clash == "tell":
        return insert.on_conflict_do_nothing().returning(literal_column("1").label("new"))
    if clash == "notify":
        return insert.on_conflict_do_nothing().returning(func.pg_notify(table.name, "").label("told"))
    keys = [each.name for each in table.primary_key]
    rest = {name: insert.excluded[name] for name in names if name not in keys}
    return insert.on_conflict_do_update(index_elements=keys, set_=rest)


def insert_or_leave(connection: Connection, table: Table, row: Values) -> bool:
    """Insert; a row that is there already stays as it is. True if it was new."""
    return bool(_insert(connection.dialect.name, table, "tell", tuple(row)).rows(connection, row))


def insert_new(connection: Connection, table: Table, rows: Sequence[Values], told: tuple[str, ...]) -> list[Any]:
    """Insert; rows that are there already stay as they are. Returns the columns `told` of those that were new."""
    if connection.dialect.name == "postgresql":
        pieces = _in_pieces(table, "leave", rows, told)
        return [row for statement, given in pieces for row in statement.rows(connection, given)]
    statement = _insert_telling(table, tuple(rows[0]), told) if rows else None
    return [row for each in rows if statement for row in statement.rows(connection, each)]


@cache
def _insert_telling(table: Table, names: tuple[str, ...], told: tuple[str, ...]) -> Prepared:
    insert = sqlite.insert(table).on_conflict_do_nothing()
    return Prepared(insert.returning(*[table.c[name] for name in told]), names)


def insert_or_replace(connection: Connection, table: Table, row: Values) -> None:
    """Insert; a row of the same primary key gets the new values."""
    _insert(connection.dialect.name, table, "replace", tuple(row)).change(connection, row)


def insert_all(connection: Connection, table: Table, rows: Sequence[Values]) -> None:
    """Many rows of the same columns; one that is there already is refused."""
    _insert_all(connection, table, rows, "refuse")


def insert_all_or_leave(connection: Connection, table: Table, rows: Sequence[Values]) -> None:
    """The same for many rows of the same columns."""
    _insert_all(connection, table, rows, "leave")


def insert_all_or_replace(connection: Connection, table: Table, rows: Sequence[Values]) -> None:
    """The same for many rows of the same columns and different keys."""
    _insert_all(connection, table, rows, "replace")


def insert_all_and_notify(connection: Connection, table: Table, rows: Sequence[Values]) -> None:
    """The same as insert-or-leave; on PostgreSQL whoever listens to the table's name hears of it with the commit."""
    _insert_all(connection, table, rows, "notify" if connection.dialect.name == "postgresql" else "leave")


def _insert_all(connection: Connection, table: Table, rows: Sequence[Values], clash: str) -> None:
    if connection.dialect.name == "postgresql" and len(rows) >= COPIED_FROM and clash != "notify":
        copy_in(connection, table, clash, rows)
    elif connection.dialect.name == "postgresql":
        for statement, given in _in_pieces(table, clash, rows):
            statement.change(connection, given)
    elif rows:
        _insert(connection.dialect.name, table, clash, tuple(rows[0])).change_all(connection, rows)


_AT_A_TIME = (16, 8, 4, 2, 1)
"""Rows in one statement on PostgreSQL, where each is a round trip: few sizes, so that few statements are prepared.
(Arrays to be unnested cost three to five times as much as values: the driver writes them out in Python.)"""


def _in_pieces(
    table: Table, clash: str, rows: Sequence[Values], told: tuple[str, ...] = ()
) -> Iterator[tuple[Prepared, dict[str, Any]]]:
    names = tuple(rows[0]) if rows else ()
    first = 0
    while first < len(rows):
        size = next(size for size in _AT_A_TIME if size <= len(rows) - first)
        some = rows[first : first + size]
        given = {f"{name}_{number}": row[name] for number, row in enumerate(some) for name in names}
        yield _insert_several(table, clash, names, size, told), given
        first += size


@cache
def _insert_several(
    table: Table, clash: str, names: tuple[str, ...], count: int, told: tuple[str, ...] = ()
) -> Prepared:
    rows = [
        {name: bindparam(f"{name}_{number}", type_=table.c[name].type) for name in names} for number in range(count)
    ]
    settling = _settling(postgresql.insert(table).values(rows), clash, table, names)
    return Prepared(settling.returning(*[table.c[name] for name in told]) if told else settling)


_AT_ONCE = 24
"""On SQLite a list is written out in the statement: of fixed length, so that the statement is compiled once."""


class Several:
    """A SELECT or UPDATE of the rows whose column is among many values; compiled once, however many there are.

    Of two columns each is among its values: so that an index of both is used, whoever asks sorts out the pairs."""

    def __init__(self, statement: Any, *of: Column[Any]) -> None:
        arrays: list[Any] = [bindparam(f"several{place}", type_=ARRAY(column.type)) for place, column in enumerate(of)]
        alike = [column == func.any(array) for column, array in zip(of, arrays, strict=True)]
        self._by_array = Prepared(statement.where(*alike))
        self._names = [[f"one{place}_{number}" for number in range(_AT_ONCE)] for place in range(len(of))]
        lists = [column.in_([bindparam(each) for each in names]) for column, names in zip(of, self._names, strict=True)]
        self._by_list = Prepared(statement.where(*lists))

    def rows(self, connection: Connection, *values: Sequence[Any], **others: Any) -> list[Any]:
        """The rows of a SELECT, in no order; none where there are no values. One list for each column; `others` are its
        other parameters."""
        return [row for some in self._given(connection, values, others) for row in some[0].rows(connection, some[1])]

    def change(self, connection: Connection, values: Sequence[Any], others: Values) -> None:
        """Do an UPDATE; `others` are its other parameters."""
        for statement, given in self._given(connection, (values,), others):
            statement.change(connection, given)

    def _given(
        self, connection: Connection, values: Sequence[Sequence[Any]], others: Values
    ) -> Iterator[tuple[Prepared, dict[str, Any]]]:
        distinct = [list(dict.fromkeys(each)) for each in values]
        if connection.dialect.name == "postgresql":
            if all(distinct):
                yield self._by_array, {**{f"several{place}": each for place, each in enumerate(distinct)}, **others}
            return
        pieces = [[each[first : first + _AT_ONCE] for first in range(0, len(each), _AT_ONCE)] for each in distinct]
        for some in itertools.product(*pieces):
            given = {
                name: each[min(number, len(each) - 1)]
                for names, each in zip(self._names, some, strict=True)
                for number, name in enumerate(names)
            }
            yield self._by_list, {**given, **others}


def numbered(connection: Connection, table: Table, rows: Sequence[Values], key: tuple[str, ...]) -> list[int]:
    """Insert rows into a table that numbers its own; returns the numbers, in order. `key` tells the rows apart."""
    if not rows:
        return []
    if connection.dialect.name == "sqlite":
        return [_insert("sqlite", table, "refuse", tuple(row)).insert(connection, row) for row in rows]
    pieces = _in_pieces(table, "refuse", rows, ("seq", *key))
    told = [row for statement, given in pieces for row in statement.rows(connection, given)]
    numbers = {tuple(getattr(row, name) for name in key): row.seq for row in told}
    return [numbers[tuple(row[name] for name in key)] for row in rows]
