"""SQLAlchemy Core statements, compiled once and run by the driver: the hot path of the embedded store.

Measured on the whole road: of the time a result took, two fifths went into SQLAlchemy's own execution of some twenty
small statements, a fortieth into SQLite. The statements, the schema and the types stay SQLAlchemy's; only the running
is done here. On a driver that is not SQLite's the statement goes the ordinary way (decision 0004).
"""

from __future__ import annotations

import sqlite3
from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from sqlalchemy import Connection
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import OperationalError

Values = Mapping[str, Any]
_Convert = Callable[[Any], Any]


class Prepared:
    """A statement with named parameters. `names` are the columns an INSERT is given, where it is one."""

    def __init__(self, statement: Any, names: Sequence[str] | None = None) -> None:
        self._statement = statement
        self._names = names
        self._sql = ""
        self._order: tuple[tuple[str, _Convert | None, Any], ...] = ()
        self._row: Callable[[Sequence[Any]], Any] = tuple
        self._results: tuple[tuple[int, _Convert], ...] = ()

    def rows(self, connection: Connection, values: Values) -> list[Any]:
        """The rows of a SELECT, their columns as attributes."""
        if connection.dialect.name != "sqlite":
            return list(connection.execute(self._statement, values))
        cursor = self._run(connection, values)
        return [self._row(self._converted(row)) for row in cursor.fetchall()]

    def first(self, connection: Connection, values: Values) -> Any | None:
        """The first row of a SELECT, or None."""
        rows = self.rows(connection, values)
        return rows[0] if rows else None

    def change(self, connection: Connection, values: Values) -> int:
        """Do an INSERT, UPDATE or DELETE; returns how many rows it touched."""
        if connection.dialect.name != "sqlite":
            return connection.execute(self._statement, values).rowcount
        return self._run(connection, values).rowcount

    def insert(self, connection: Connection, values: Values) -> int:
        """Do an INSERT; returns the number the database gave the row."""
        if connection.dialect.name != "sqlite":
            key = connection.execute(self._statement, values).inserted_primary_key
            return int(key[0]) if key else 0
        return self._run(connection, values).lastrowid or 0

    def change_all(self, connection: Connection, many: Sequence[Values]) -> None:
        """The same for many rows of values."""
        if connection.dialect.name != "sqlite":
            connection.execute(self._statement, list(many))
            return
        for values in many:
            self._run(connection, values)

    def _run(self, connection: Connection, values: Values) -> sqlite3.Cursor:
        if not self._sql:
            self._compile(connection.dialect)
        given = [
            convert(values.get(name, constant)) if convert else values.get(name, constant)
            for name, convert, constant in self._order
        ]
        driver: Any = connection.connection.driver_connection
        try:
            cursor: sqlite3.Cursor = driver.execute(self._sql, given)
            return cursor
        except sqlite3.Error as error:
            # Said as SQLAlchemy says it, without the statement's values, so that callers know one family of errors.
            raise OperationalError("prepared statement", {}, error, hide_parameters=True) from None

    def _converted(self, row: Sequence[Any]) -> Sequence[Any]:
        if not self._results:
            return row
        values = list(row)
        for place, convert in self._results:
            values[place] = convert(values[place])
        return values

    def _compile(self, dialect: Dialect) -> None:
        compiled = self._statement.compile(dialect=dialect, column_keys=self._names)
        binds = compiled.binds
        self._order = tuple(
            (name, binds[name].type.dialect_impl(dialect).bind_processor(dialect), binds[name].value)
            for name in compiled.positiontup or ()
        )
        columns = [entry[0] for entry in compiled._result_columns]
        kinds = [entry[3].dialect_impl(dialect).result_processor(dialect, None) for entry in compiled._result_columns]
        self._results = tuple((place, convert) for place, convert in enumerate(kinds) if convert)
        if columns:
            self._row = cast(Any, namedtuple)("Row", columns)._make
        self._sql = compiled.string
