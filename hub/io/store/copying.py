"""Many rows at once into PostgreSQL, by its own COPY, which costs it less than an INSERT of values.

What may meet a row that is there already goes through a table of the connection's own, emptied after each use.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Table

from hub.io.store.prepared import Values, without_values

COPIED_FROM = 200
"""From so many rows on a COPY is the cheaper; what a single message brings stays below."""


def copy_in(connection: Connection, table: Table, clash: str, rows: Sequence[Values]) -> None:
    """Insert rows of the same columns. One that is there already is refused, left as it is, or replaced (`clash`)."""
    import psycopg  # only where the database is PostgreSQL

    names = tuple(rows[0])
    before, into, after = _words(table, clash, names)
    converts = _conversions(connection, table, names)
    driver: Any = connection.connection.driver_connection
    try:
        with driver.cursor() as cursor:
            for statement in before:
                cursor.execute(statement)
            with cursor.copy(into) as copy:
                for row in rows:
                    values = [row[name] for name in names]
                    for place, convert in converts:
                        values[place] = convert(values[place])
                    copy.write_row(values)
            for statement in after:
                cursor.execute(statement)
    except psycopg.Error as error:
        raise without_values(error) from None


@cache
def _words(table: Table, clash: str, names: tuple[str, ...]) -> tuple[tuple[str, ...], str, tuple[str, ...]]:
    """What is said before the rows, with them, and after them."""
    columns = ", ".join(f'"{name}"' for name in names)
    if clash == "refuse":
        return (), f'COPY "{table.name}" ({columns}) FROM STDIN', ()
    staging = f'"staging_{table.name}"'
    keys = [column.name for column in table.primary_key]
    rest = ", ".join(f'"{name}" = excluded."{name}"' for name in names if name not in keys)
    settling = f"({', '.join(keys)}) DO UPDATE SET {rest}" if clash == "replace" else "DO NOTHING"
    return (
        # Its columns without their rules: a number that the table gives out is not known yet.
        (
            f"CREATE TEMP TABLE IF NOT EXISTS {staging} ON COMMIT DELETE ROWS"
            f' AS SELECT * FROM "{table.name}" WITH NO DATA',
        ),
        f"COPY {staging} ({columns}) FROM STDIN",
        (
            f'INSERT INTO "{table.name}" ({columns}) SELECT {columns} FROM {staging} ON CONFLICT {settling}',
            f"TRUNCATE {staging}",
        ),
    )


def _conversions(
    connection: Connection, table: Table, names: tuple[str, ...]
) -> list[tuple[int, Callable[[Any], Any]]]:
    """What the column types make of values, as in any other statement, with the places of those values."""
    found = [table.c[name].type.dialect_impl(connection.dialect).bind_processor(connection.dialect) for name in names]
    return [(place, convert) for place, convert in enumerate(found) if convert]
