"""PostgreSQL as the store's database: many processes, each with a few connections; LISTEN wakes the relays.

Read committed, and whoever changes a slide or a person holds its name until the commit (`SqlTransaction.hold`), so two
workers never decide about the same thing from what the other is just changing. See decision 0014.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from hub.io.store.away import StoreAway, StoreRefused
from hub.io.store.transaction import CHANNEL, SqlTransaction

DOOR_LIMIT = 256
ROOM_LIMIT = 16
OPTIONS = {
    "TimeZone": "UTC",
    "default_transaction_isolation": r"read\ committed",  # what follows a lock must see what its holder did
    "synchronous_commit": "on",  # whatever the server's default: an AA must survive a power cut
    "lock_timeout": "500ms",  # whoever waits longer for a name lets go of his own, and tries again alone
    "statement_timeout": "30s",
    "idle_in_transaction_session_timeout": "60s",
}
LINE = {
    "application_name": "screening-hub",
    "connect_timeout": "5",
    "tcp_user_timeout": "10000",  # a server that vanished without a word is noticed, in milliseconds
    "keepalives_idle": "10",
}
_AWAY = ("08", "25006", "53", "57P", "58", "XX")
"""SQLSTATEs by which the server, and not the work, is the trouble: line broken, read-only, disk full, shut down."""
_NEVER = ("22", "54")
"""SQLSTATEs of what no waiting mends: values that are not of their type, rows too long for an index."""
LONGEST_REST_SECONDS = 5.0


class PostgresDatabase:
    """See `hub.io.store.engine.Database`. `url` is libpq's: several hosts may be named, for failover."""

    writers: tuple[tuple[int, int], ...] = ((DOOR_LIMIT, 0), (0, ROOM_LIMIT))
    """A thread for the doors, whose senders wait, and one for the rooms. More would only hand the interpreter to and
    fro: several processes are how a server is used."""
    claims = True
    poll_seconds = 5.0
    """A notification may be lost with its line; looking now and then costs nothing."""

    def __init__(self, url: str) -> None:
        self._line = {**LINE, **conninfo_to_dict(url), "options": " ".join(f"-c {n}={v}" for n, v in OPTIONS.items())}
        self.engine = self._engine()

    def _engine(self) -> Engine:
        return create_engine(
            "postgresql+psycopg://",
            creator=self._connect,
            pool_size=5,
            max_overflow=10,
            pool_use_lifo=True,
            hide_parameters=True,
            use_native_hstore=False,
        )

    def _connect(self) -> psycopg.Connection[Any]:
        line: dict[str, Any] = dict(self._line)
        connection = psycopg.connect(**line, prepare_threshold=1)
        connection.prepared_max = None  # there are some hundred statements, and none is made up
        return connection

    @contextmanager
    def writing(self) -> Iterator[SqlTransaction]:
        with self._connection() as connection, connection.begin():
            transaction = SqlTransaction(connection)
            yield transaction
            transaction.end()

    @contextmanager
    def reading(self) -> Iterator[SqlTransaction]:
        with self._connection() as connection:
            steady = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            with steady.begin():
                yield SqlTransaction(steady)

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        """A connection of the pool. What goes wrong is said as `StoreAway`; a broken line takes the others with it,
        since they lead to the same server."""
        try:
            connection = self.engine.connect()
        except DBAPIError as error:
            raise StoreAway(type(error.orig).__name__, whole=True) from None
        except PoolTimeout:
            raise StoreAway("PoolTimeout", whole=True) from None
        with connection:
            try:
                yield connection
            except DBAPIError as error:
                if _state(error).startswith(_NEVER):
                    raise StoreRefused(type(error.orig).__name__) from None
                away = _away(error, connection)
                if away.whole:
                    connection.invalidate()
                    self.engine.dispose()
                raise away from None

    async def listen(self, wake: Callable[[], None]) -> None:
        """Call `wake` whenever somebody has put events into the outbox, until cancelled. A lost line is taken up
        again, and wakes too: what was said meanwhile was not heard."""
        rest = 0.1
        while True:
            try:
                line: dict[str, Any] = dict(self._line)
                async with await psycopg.AsyncConnection.connect(**line, autocommit=True) as connection:
                    await connection.execute(f"LISTEN {CHANNEL}")
                    rest = 0.1
                    wake()
                    async for _ in connection.notifies():
                        wake()
            except psycopg.Error:
                await asyncio.sleep(rest)
                rest = min(2 * rest, LONGEST_REST_SECONDS)


def _away(error: DBAPIError, connection: Connection) -> StoreAway:
    cause, state = error.orig, _state(error)
    lost = error.connection_invalidated or _is_closed(connection)
    return StoreAway(type(cause).__name__, whole=lost or state.startswith(_AWAY))


def _state(error: DBAPIError) -> str:
    return getattr(error.orig, "sqlstate", None) or ""


def _is_closed(connection: Connection) -> bool:
    if connection.invalidated:
        return True
    driver: Any = connection.connection.driver_connection
    return bool(driver.closed)


_REFUSED = ("password authentication failed", "no password supplied", "no pg_hba.conf entry", 'role "')


def unfit(error: DBAPIError) -> str:
    """Why the hub cannot begin on this database, and what to do. The driver's own text may hold the password."""
    state, said = _state(error), str(error.orig)
    name = type(error.orig).__name__
    if state.startswith("28") or any(words in said for words in _REFUSED):  # a refused line has no SQLSTATE
        return f"PostgreSQL refuses this user or password ({name}). Correct HUB_DATABASE_URL."
    if state == "3D000" or ('database "' in said and "does not exist" in said):
        return f"There is no such database ({name}). Make it with `createdb`, or correct the name in HUB_DATABASE_URL."
    if state.startswith("42"):
        return f"The database cannot be migrated ({name}): its user must be allowed to make tables in it."
    return f"PostgreSQL cannot be reached ({name}). Is it running where HUB_DATABASE_URL says?"
