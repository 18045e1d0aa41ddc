"""The two statements that SQLite and PostgreSQL spell differently: insert-or-leave and insert-or-replace."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

from hub.io.store.prepared import Prepared, Values


@cache
def _insert(dialect: str, table: Table, replace: bool, names: tuple[str, ...]) -> Prepared:
    insert: Any = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}[dialect](table)
    if not replace:
        return Prepared(insert.on_conflict_do_nothing(), names)
    keys = [column.name for column in table.primary_key]
    rest = {name: insert.excluded[name] for name in names if name not in keys}
    return Prepared(insert.on_conflict_do_update(index_elements=keys, set_=rest), names)


def insert_or_leave(connection: Connection, table: Table, row: Values) -> bool:
    """Insert; a row that is there already stays as it is. True if it was new."""
    return _insert(connection.dialect.name, table, False, tuple(row)).change(connection, row) == 1


def insert_or_replace(connection: Connection, table: Table, row: Values) -> None:
    """Insert; a row of the same primary key gets the new values."""
    _insert(connection.dialect.name, table, True, tuple(row)).change(connection, row)


def insert_all_or_leave(connection: Connection, table: Table, rows: Sequence[Values]) -> None:
    """The same for many rows of the same columns."""
    if rows:
        _insert(connection.dialect.name, table, False, tuple(rows[0])).change_all(connection, rows)


def insert_all_or_replace(connection: Connection, table: Table, rows: Sequence[Values]) -> None:
    """The same for many rows of the same columns."""
    if rows:
        _insert(connection.dialect.name, table, True, tuple(rows[0])).change_all(connection, rows)
