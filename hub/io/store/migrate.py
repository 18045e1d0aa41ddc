"""Brings a database to the newest schema (Alembic). Run by whoever opens the store; safe to run at once by several."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect

VERSIONS = Path(__file__).parent / "migrations"
HEAD = "0016"
_BEGIN = {
    "sqlite": ("BEGIN IMMEDIATE",),
    # Whoever comes second waits here, and then finds the work done. The number means nothing but this.
    "postgresql": ("SET LOCAL lock_timeout = '60s'", "SELECT pg_advisory_xact_lock(7041776)"),
}


def upgrade(engine: Engine) -> None:
    """Migrate to the newest schema. The version is looked at first: importing Alembic costs a third of a second."""
    with engine.connect() as connection:
        if _version(connection) == HEAD:
            return
        connection.rollback()  # what was seen may be old by the time we are alone
        with _free_to_rebuild(connection):
            for statement in _BEGIN[engine.dialect.name]:
                connection.exec_driver_sql(statement)
            if _version(connection) != HEAD:
                _migrate(connection)
            connection.exec_driver_sql("COMMIT") if engine.dialect.name == "sqlite" else connection.commit()


@contextmanager
def _free_to_rebuild(connection: Connection) -> Iterator[None]:
    """SQLite changes a column by making the table anew, which it refuses while others point to the table. Whether all
    that pointed somewhere still does is looked at by a test."""
    if connection.dialect.name != "sqlite":
        yield
        return
    connection.exec_driver_sql("PRAGMA foreign_keys=OFF")  # can be said outside a transaction only
    connection.rollback()
    try:
        yield
    finally:
        connection.rollback()  # what has failed is still open
        connection.exec_driver_sql("PRAGMA foreign_keys=ON")


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    version: str | None = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return version


def _migrate(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(VERSIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, HEAD)
