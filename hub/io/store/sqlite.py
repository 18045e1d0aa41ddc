"""SQLite as the embedded store's database: one file, one writer at a time, synchronous=FULL."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError

from hub.io.store.away import StoreAway
from hub.io.store.transaction import SqlTransaction

DOOR_LIMIT = 256
ROOM_LIMIT = 16
"""How many pieces share a commit: of those somebody waits for at a door, and of the others. The second is small because
whoever is at a door waits for the whole group."""
BUSY_MILLISECONDS, BUSY_REST_MILLISECONDS = 15_000, 10
PRAGMAS = (
    "synchronous=FULL",  # in WAL, NORMAL may lose the last commits at a power cut
    "foreign_keys=ON",
    f"busy_timeout={BUSY_MILLISECONDS}",
    "cache_size=-32768",  # KiB: the indexes of a day fit
    "wal_autocheckpoint=4000",  # pages: the log is folded back in larger pieces
)


class SqliteDatabase:
    """See `hub.io.store.engine.Database`."""

    writers: tuple[tuple[int, int], ...] = ((DOOR_LIMIT, ROOM_LIMIT),)
    claims = False
    poll_seconds = 0.25
    """Other processes write to the file too (a clerk's command), and nothing wakes us when they do."""

    def __init__(self, path: Path) -> None:
        self.engine = sqlite_engine(path)

    def writing(self) -> AbstractContextManager[SqlTransaction]:
        return self._transaction("BEGIN IMMEDIATE")

    def reading(self) -> AbstractContextManager[SqlTransaction]:
        return self._transaction("BEGIN")

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[SqlTransaction]:
        try:
            with self.engine.connect() as connection, connection.begin():
                _begin(connection, begin)
                transaction = SqlTransaction(connection)
                yield transaction
                transaction.end()
        except DBAPIError as error:
            raise StoreAway(_name(error)) from None

    async def listen(self, _wake: Callable[[], None]) -> None:
        await asyncio.Event().wait()


def _begin(connection: Connection, statement: str) -> None:
    try:
        connection.exec_driver_sql(statement)
    except DBAPIError as error:
        raise StoreAway(_name(error), whole=True) from None


def _name(error: DBAPIError) -> str:
    return getattr(error.orig, "sqlite_errorname", type(error.orig).__name__)


def _prepare(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves: the driver's own begin is neither immediate nor early
    _write_ahead(connection)
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}").close()


def _write_ahead(connection: Any) -> None:
    """Put the file into WAL mode, where it stays. While another process is doing so to a new file SQLite says that it
    is busy, at once: this is the one thing for which it does not wait by itself."""
    for last in (*[False] * (BUSY_MILLISECONDS // BUSY_REST_MILLISECONDS), True):
        try:
            connection.execute("PRAGMA journal_mode=WAL").close()
        except sqlite3.OperationalError as error:
            if last or error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:  # of whatever kind
                raise
            time.sleep(BUSY_REST_MILLISECONDS / 1000)
        else:
            return


def sqlite_engine(path: Path) -> Engine:
    """An engine over the file, full durability: in WAL, NORMAL may lose the last commits at a power cut."""
    engine = create_engine(
        f"sqlite:///{path}", connect_args={"check_same_thread": False, "cached_statements": 512}, hide_parameters=True
    )
    event.listen(engine, "connect", _prepare)
    return engine
