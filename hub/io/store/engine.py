"""The embedded store: one writer thread over SQLite, commits grouped, synchronous=FULL.

Grouping is what makes a durable acknowledgement cheap: all work that is waiting shares one commit. If one piece of
work fails, the group is rolled back and each piece is done again in a transaction of its own, so nobody pays for
another's fault and no savepoints are needed on the way where nothing fails.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError

from hub.config import Settings
from hub.errors import CannotRun, Reason, Retry
from hub.flow.ports import Transaction, Work
from hub.io.store.transaction import SqlTransaction

T = TypeVar("T")
DOOR_LIMIT = 256
ROOM_LIMIT = 16
"""How many pieces share a commit: of those somebody waits for at a door, and of the others. The second is small because
whoever is at a door waits for the whole group."""
BUSY_MILLISECONDS = 15_000
PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",  # in WAL, NORMAL may lose the last commits at a power cut
    "foreign_keys=ON",
    f"busy_timeout={BUSY_MILLISECONDS}",
    "cache_size=-32768",  # KiB: the indexes of a day fit
    "wal_autocheckpoint=4000",  # pages: the log is folded back in larger pieces
)


class StoreAway(Retry):
    """The store could not do it just now (disk full, locked, away). Nothing of the work was kept."""

    def __init__(self, hint: str = "") -> None:
        super().__init__(Reason.STORE_AWAY, hint=hint)


@dataclass(slots=True)
class _Piece:
    work: Callable[[Transaction], Any]
    future: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop


class _Waiting:
    """The work that waits for the writer: that of the doors first, and never more at once than a group may hold."""

    def __init__(self) -> None:
        self._door: deque[_Piece] = deque()
        self._room: deque[_Piece] = deque()
        self._closed = False
        self._some = threading.Condition()

    def put(self, piece: _Piece, *, at_door: bool) -> None:
        with self._some:
            (self._door if at_door else self._room).append(piece)
            self._some.notify()

    def close(self) -> None:
        with self._some:
            self._closed = True
            self._some.notify()

    def group(self) -> list[_Piece]:
        """Wait for work and take a group of it; empty when closed and all is done."""
        with self._some:
            self._some.wait_for(lambda: self._door or self._room or self._closed)
            return [*_take(self._door, DOOR_LIMIT), *_take(self._room, ROOM_LIMIT)]


def _take(waiting: deque[_Piece], limit: int) -> list[_Piece]:
    return [waiting.popleft() for _ in range(min(limit, len(waiting)))]


def _settle(done: list[tuple[asyncio.Future[Any], Any, BaseException | None]]) -> None:
    for future, value, error in done:
        if future.done():  # the asker has gone; what was committed stays committed
            continue
        if error is None:
            future.set_result(value)
        else:
            future.set_exception(error)


class SqliteStore:
    """See `hub.flow.ports.Store`. Reads run in threads of their own over WAL snapshots and never block the writer."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._waiting = _Waiting()
        self._away = ""
        self._writer = threading.Thread(target=self._write_on, name="store-writer", daemon=True)
        self._writer.start()

    async def write(self, work: Work[T], *, at_door: bool = False) -> T:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._waiting.put(_Piece(work, future, loop), at_door=at_door)
        return await future

    async def read(self, work: Work[T]) -> T:
        return await asyncio.to_thread(self.read_now, work)

    def read_now(self, work: Work[T]) -> T:
        """The same for code that runs outside an event loop (the command line)."""
        try:
            with self.engine.connect() as connection, connection.begin():
                connection.exec_driver_sql("BEGIN")
                return work(SqlTransaction(connection))
        except DBAPIError as error:
            raise StoreAway(type(error.orig).__name__) from None

    def write_now(self, work: Work[T]) -> T:
        """One piece of work in a transaction of its own, in the caller's thread."""
        with self.engine.connect() as connection:
            return self._alone(connection, work)

    async def away(self) -> str:
        """Why nothing can be written just now; empty where it can. After a failure every asking tries anew, with a
        small write: a hub that is not ready gets no messages by which it could notice that it is well again."""
        if self._away:
            with suppress(StoreAway):
                await self.write(lambda tx: tx.probe())
        return self._away

    async def close(self) -> None:
        await asyncio.to_thread(self.close_now)

    def close_now(self) -> None:
        """Finish what was asked for, then close."""
        self._waiting.close()
        self._writer.join()
        self.engine.dispose()

    def _write_on(self) -> None:
        with self.engine.connect() as connection:
            while group := self._waiting.group():
                done = self._together(connection, group)
                for loop in {piece.loop for piece in group}:
                    mine = [row for piece, row in zip(group, done, strict=True) if piece.loop is loop]
                    if not loop.is_closed():
                        loop.call_soon_threadsafe(_settle, mine)

    def _together(
        self, connection: Connection, group: list[_Piece]
    ) -> list[tuple[asyncio.Future[Any], Any, BaseException | None]]:
        begun = False
        try:
            with connection.begin():
                connection.exec_driver_sql("BEGIN IMMEDIATE")
                begun = True
                transaction = SqlTransaction(connection)
                values = [piece.work(transaction) for piece in group]
            self._away = ""
            return [(piece.future, value, None) for piece, value in zip(group, values, strict=True)]
        except Exception as error:  # whatever one piece did, each gets its own try and its own error below
            if not begun:  # nobody's fault: it would take each of them as long again to find out
                self._away = _away(error).hint
                return [(piece.future, None, _away(error)) for piece in group]
            return [(piece.future, *self._outcome(connection, piece.work)) for piece in group]

    def _outcome(self, connection: Connection, work: Work[Any]) -> tuple[Any, BaseException | None]:
        try:
            value = self._alone(connection, work)
        except Exception as error:  # handed to whoever asked for the work
            self._away = error.hint if isinstance(error, StoreAway) else self._away
            return None, error
        self._away = ""
        return value, None

    def _alone(self, connection: Connection, work: Work[T]) -> T:
        try:
            with connection.begin():
                connection.exec_driver_sql("BEGIN IMMEDIATE")
                return work(SqlTransaction(connection))
        except DBAPIError as error:
            raise _away(error) from None


def _away(error: Exception) -> StoreAway:
    """The driver's text may hold values; its class and SQLite's error name do not."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return StoreAway(getattr(cause, "sqlite_errorname", type(cause).__name__))


def _prepare(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves: the driver's own begin is neither immediate nor early
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}").close()


def sqlite_engine(path: Path) -> Engine:
    """An engine over the file, full durability: in WAL, NORMAL may lose the last commits at a power cut."""
    engine = create_engine(
        f"sqlite:///{path}", connect_args={"check_same_thread": False, "cached_statements": 512}, hide_parameters=True
    )
    event.listen(engine, "connect", _prepare)
    return engine


def open_store(data: Path, *, create: bool = True) -> SqliteStore:
    """Open (and migrate) the embedded store in the directory `data`; CannotRun where none is to be made."""
    from hub.io.store.migrate import upgrade

    path = data / "hub.sqlite"
    if not create and not path.exists():
        raise CannotRun(
            f"There is no store in {data}. Start one with `hub up --data {data}`, or name another with --data."
        )
    try:
        data.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotRun(
            f"The data directory {data} cannot be made ({error.strerror}). Name another with --data."
        ) from None
    engine = sqlite_engine(path)
    try:
        upgrade(engine)
    except DBAPIError as error:
        name = getattr(error.orig, "sqlite_errorname", type(error.orig).__name__)
        engine.dispose()
        raise CannotRun(f"{path} cannot be used as a store ({name}). Name another directory with --data.") from None
    return SqliteStore(engine)


def store_of(settings: Settings, *, create: bool = True) -> SqliteStore:
    """The store the settings name."""
    if settings.database_url or settings.amqp_url:
        raise CannotRun(
            "This version runs embedded only: unset HUB_DATABASE_URL and HUB_AMQP_URL; --data names its directory."
        )
    return open_store(settings.data, create=create)
