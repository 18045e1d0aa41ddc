"""What SQLite and PostgreSQL spell differently: insert-or-leave, insert-or-replace, many keys at once, row numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from sqlalchemy import ARRAY, Column, Connection, Table, bindparam, column, func, literal_column, select
from sqlalchemy.dialects import postgresql, sqlite

from hub.io.store.prepared import Prepared, Values


@cache
def _insert(dialect: str, table: Table, clash: str, names: tuple[str, ...]) -> Prepared:
    insert: Any = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}[dialect](table)
    return Prepared(_settling(insert, clash, table, names), names)


def _settling(insert: Any, clash: str, table: Table, names: tuple[str, ...]) -> Any:
    """What is done where a row is there already: `refuse` it, `leave` what is there (and `tell` if so), or
    `replace` it."""
    if clash == "refuse":
        return insert
    if clash == "leave":
        return insert.on_conflict_do_nothing()
    if clash == "tell":
        return insert.on_conflict_do_nothing().returning(literal_column("1").label("new"))
    keys = [each.name for each in table.primary_key]
    rest = {name: insert.excluded[name] for name in names if name not in keys}
    return insert.on_conflict_do_update(index_elements=keys, set_=rest)


def insert_or_leave(connection: Connection, table: Table, row: Values) -> bool:
    """Insert; a row that is there already stays as it is. True if it was new."""
    return bool(_insert(connection.dialect.name, table, "tell", tuple(row)).rows(connection, row))


def insert_or_replace(connection: Connection, table: Table, row: Values) -> None:
    """Insert; a row of the same primary key gets the new values."""
    _insert(connection.dialect.name, table, "replace", tuple(row)).change(connection, row)


def insert_all_or_leave(connection: Connection, table: Table, rows: Sequence[Values]) -> None:
    """The same for many rows of the same columns."""
    _insert_all(connection, table, rows, "leave")


def insert_all_or_replace(connection: Connection, table: Table, rows: Sequence[Values]) -> None:
    """The same for many rows of the same columns and different keys."""
    _insert_all(connection, table, rows, "replace")


def _insert_all(connection: Connection, table: Table, rows: Sequence[Values], clash: str) -> None:
    if not rows:
        return
    names = tuple(rows[0])
    if connection.dialect.name == "postgresql" and len(rows) > 1:
        _insert_many(table, clash, names).change(connection, _columns(rows, names))
    else:
        _insert(connection.dialect.name, table, clash, names).change_all(connection, rows)


def _columns(rows: Sequence[Values], names: Sequence[str]) -> Values:
    return {name: [row[name] for row in rows] for name in names}


@cache
def _insert_many(table: Table, clash: str, names: tuple[str, ...], told: tuple[str, ...] = ()) -> Prepared:
    """On PostgreSQL many rows go in one statement, each column an array: one message to the server, one plan."""
    arrays = [bindparam(name, type_=ARRAY(table.c[name].type)) for name in names]
    given = func.unnest(*arrays).table_valued(*[column(name, table.c[name].type) for name in names], name="given")
    insert = postgresql.insert(table).from_select(names, select(*given.render_derived().c))
    settling = _settling(insert, clash, table, names)
    return Prepared(settling.returning(*[table.c[name] for name in told]) if told else settling, names)


_AT_ONCE = 24
"""On SQLite a list is written out in the statement: of fixed length, so that the statement is compiled once."""


class Several:
    """A SELECT or UPDATE of the rows whose column is among many values; compiled once, however many there are."""

    def __init__(self, statement: Any, of: Column[Any]) -> None:
        array: Any = bindparam("several", type_=ARRAY(of.type))
        self._by_array = Prepared(statement.where(of == func.any(array)))
        self._names = [f"one{number}" for number in range(_AT_ONCE)]
        self._by_list = Prepared(statement.where(of.in_([bindparam(each) for each in self._names])))

    def rows(self, connection: Connection, values: Sequence[Any]) -> list[Any]:
        """The rows of a SELECT, in no order; none where there are no values."""
        return [row for some in self._given(connection, values, {}) for row in some[0].rows(connection, some[1])]

    def change(self, connection: Connection, values: Sequence[Any], others: Values) -> None:
        """Do an UPDATE; `others` are its other parameters."""
        for statement, given in self._given(connection, values, others):
            statement.change(connection, given)

    def _given(
        self, connection: Connection, values: Sequence[Any], others: Values
    ) -> Iterator[tuple[Prepared, dict[str, Any]]]:
        if values and connection.dialect.name == "postgresql":
            yield self._by_array, {"several": list(values), **others}
            return
        for first in range(0, len(values), _AT_ONCE):
            some = values[first : first + _AT_ONCE]
            padded = [*some, *[some[0]] * (_AT_ONCE - len(some))]
            yield self._by_list, {**dict(zip(self._names, padded, strict=True)), **others}


def numbered(connection: Connection, table: Table, rows: Sequence[Values], key: tuple[str, ...]) -> list[int]:
    """Insert rows into a table that numbers its own; returns the numbers, in order. `key` tells the rows apart."""
    if not rows:
        return []
    if connection.dialect.name == "sqlite":
        return [_insert("sqlite", table, "refuse", tuple(row)).insert(connection, row) for row in rows]
    names = tuple(rows[0])
    told = _insert_many(table, "refuse", names, ("seq", *key)).rows(connection, _columns(rows, names))
    numbers = {tuple(getattr(row, name) for name in key): row.seq for row in told}
    return [numbers[tuple(row[name] for name in key)] for row in rows]
