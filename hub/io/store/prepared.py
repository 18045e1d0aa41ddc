"""SQLAlchemy Core statements, compiled once and run by the driver: the hot path of the store.

Measured on the whole road: of the time a result took, two fifths went into SQLAlchemy's own execution of some twenty
small statements, a fortieth into SQLite. The statements, the schema and the types stay SQLAlchemy's; only the running
is done here, on whichever of the two databases it is (decision 0004).
"""

from __future__ import annotations

import sqlite3
from abc import ABC, abstractmethod
from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from functools import cache
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
        self._compiled: dict[str, _Compiled] = {}

    def rows(self, connection: Connection, values: Values) -> list[Any]:
        """The rows of a SELECT, their columns as attributes."""
        compiled = self._for(connection)
        return compiled.read(compiled.run(_driver(connection), values).fetchall())

    def first(self, connection: Connection, values: Values) -> Any | None:
        """The first row of a SELECT, or None."""
        rows = self.rows(connection, values)
        return rows[0] if rows else None

    def change(self, connection: Connection, values: Values) -> None:
        """Do an INSERT, UPDATE or DELETE. Where it says RETURNING, `rows` does it and tells what it touched."""
        self._for(connection).run(_driver(connection), values)

    def insert(self, connection: Connection, values: Values) -> int:
        """Do an INSERT on SQLite; returns the number that the file gave the row."""
        number: int = self._for(connection).run(_driver(connection), values).lastrowid
        return number

    def change_all(self, connection: Connection, many: Sequence[Values]) -> None:
        """The same for many rows of values."""
        compiled, driver = self._for(connection), _driver(connection)
        for values in many:
            compiled.run(driver, values)

    def _for(self, connection: Connection) -> _Compiled:
        dialect = connection.dialect
        known = self._compiled.get(dialect.name)
        if known is None:
            kind = _CompiledForSqlite if dialect.name == "sqlite" else _CompiledForPostgres
            known = self._compiled[dialect.name] = kind(self._statement, self._names, dialect)
        return known


def _driver(connection: Connection) -> Any:
    return connection.connection.driver_connection


class _Compiled(ABC):
    """A statement in one database's words, with the conversions of its column types."""

    def __init__(self, statement: Any, names: Sequence[str] | None, dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect, column_keys=names)
        self._sql: str = compiled.string
        binds = compiled.binds
        order = compiled.positiontup
        self._order = tuple(
            (name, binds[name].type.dialect_impl(dialect).bind_processor(dialect), binds[name].value)
            for name in order or ()
        )
        columns = [entry[0] for entry in compiled._result_columns]
        kinds = [entry[3].dialect_impl(dialect).result_processor(dialect, None) for entry in compiled._result_columns]
        self._results = tuple((place, convert) for place, convert in enumerate(kinds) if convert)
        self._row: Callable[[Sequence[Any]], Any] = cast(Any, namedtuple)("Row", columns)._make if columns else tuple

    @abstractmethod
    def run(self, driver: Any, values: Values) -> Any:
        """Have the driver do it; its cursor."""

    def _given(self, values: Values) -> list[Any]:
        return [
            convert(values.get(name, constant)) if convert else values.get(name, constant)
            for name, convert, constant in self._order
        ]

    def read(self, rows: Sequence[Sequence[Any]]) -> list[Any]:
        if not self._results:
            return [self._row(row) for row in rows]
        return [self._row(self._converted(row)) for row in rows]

    def _converted(self, row: Sequence[Any]) -> Sequence[Any]:
        values = list(row)
        for place, convert in self._results:
            values[place] = convert(values[place])
        return values


class _CompiledForSqlite(_Compiled):
    """Parameters by position."""

    def run(self, driver: Any, values: Values) -> Any:
        try:
            return driver.execute(self._sql, self._given(values))
        except sqlite3.Error as error:
            raise without_values(error) from None


@cache
def _counting_parameters() -> Dialect:
    from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

    made: Dialect = PGDialect_psycopg(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]  # SQLAlchemy's own
    return made


class _CompiledForPostgres(_Compiled):
    """Parameters by number, as PostgreSQL itself counts them: the driver need not look through the statement for them
    each time. It prepares what it sees twice."""

    def __init__(self, statement: Any, names: Sequence[str] | None, _dialect: Dialect) -> None:
        import psycopg  # only where the database is PostgreSQL

        super().__init__(statement, names, _counting_parameters())
        self._cursor = psycopg.RawCursor
        self._binary = psycopg.pq.Format.BINARY
        self._error = psycopg.Error

    def run(self, driver: Any, values: Values) -> Any:
        cursor = self._cursor(driver)
        cursor.format = self._binary  # its own form, not text to be read
        try:
            return cursor.execute(self._sql, self._given(values))
        except self._error as error:
            raise without_values(error) from None


def without_values(error: Exception) -> OperationalError:
    """Said as SQLAlchemy says it, without the statement's values, so that callers know one family of errors."""
    return OperationalError("prepared statement", {}, error, hide_parameters=True)
