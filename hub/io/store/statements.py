"""The two statements that SQLite and PostgreSQL spell differently: insert-or-leave and insert-or-replace."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


@cache
def _insert(dialect: str, table: Table, replace: bool) -> Any:
    insert: Any = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}[dialect](table)
    if not replace:
        return insert.on_conflict_do_nothing()
    keys = [column.name for column in table.primary_key]
    rest = {column.name: insert.excluded[column.name] for column in table.columns if column.name not in keys}
    return insert.on_conflict_do_update(index_elements=keys, set_=rest)


def insert_or_leave(connection: Connection, table: Table, rows: Any) -> int:
    """Insert; a row that is there already stays as it is. Returns how many were new (one row at a time only)."""
    return connection.execute(_insert(connection.dialect.name, table, False), rows).rowcount


def insert_or_replace(connection: Connection, table: Table, rows: Any) -> None:
    """Insert; a row of the same primary key gets the new values."""
    connection.execute(_insert(connection.dialect.name, table, True), rows)
