"""The store: writer threads over a database, commits grouped.

Grouping is what makes a durable acknowledgement cheap: all work that is waiting shares one commit. If one piece of
work fails, the group is rolled back and each piece is done again in a transaction of its own, so nobody pays for
another's fault and no savepoints are needed on the way where nothing fails.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from hub.config import Settings
from hub.errors import CannotRun
from hub.flow.ports.store import Transaction, Work
from hub.io.store.away import StoreAway
from hub.io.store.sqlite import SqliteDatabase
from hub.io.store.transaction import SqlTransaction

T = TypeVar("T")


class Database(Protocol):
    """What SQLite and PostgreSQL do differently. Whatever its transactions cannot do is raised as `StoreAway`.

    `writers` has a line for each writer thread, the doors' first and the others' last: the most pieces in a group of
    its, of the doors' and of the others'.
    `claims`: whether several processes relay, so that one must keep its rows from the others while it publishes.
    `poll_seconds`: how often whoever waits for others' events looks by himself.
    """

    engine: Engine
    writers: tuple[tuple[int, int], ...]
    claims: bool
    poll_seconds: float

    def writing(self) -> AbstractContextManager[SqlTransaction]:
        """A transaction that is committed, durably, when the block ends well."""

    def reading(self) -> AbstractContextManager[SqlTransaction]:
        """A steady view."""

    async def listen(self, wake: Callable[[], None]) -> None:
        """Call `wake` whenever another process may have put events into the outbox; until cancelled."""


@dataclass(slots=True)
class _Piece:
    work: Callable[[Transaction], Any]
    future: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop


class _Waiting:
    """The work that waits for one writer: that of the doors first, and never more at once than a group may hold."""

    def __init__(self, of_door: int, of_room: int) -> None:
        self._limits = of_door, of_room
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
        of_door, of_room = self._limits
        with self._some:
            self._some.wait_for(lambda: self._door or self._room or self._closed)
            return [*_take(self._door, of_door), *_take(self._room, of_room)]


def _take(waiting: deque[_Piece], limit: int) -> list[_Piece]:
    return [waiting.popleft() for _ in range(min(limit, len(waiting)))]


_Done = tuple[asyncio.Future[Any], Any, BaseException | None]


def _settle(done: list[_Done]) -> None:
    for future, value, error in done:
        if future.done():  # the asker has gone; what was committed stays committed
            continue
        if error is None:
            future.set_result(value)
        else:
            future.set_exception(error)


class SqlStore:
    """See `hub.flow.ports.store.Store`. Reads run in threads of their own over a steady view, and block no writer."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._waiting = [_Waiting(*limits) for limits in database.writers]
        self._away = ""
        self._writers = [
            threading.Thread(target=self._write_on, args=(waiting,), name="store-writer", daemon=True)
            for waiting in self._waiting
        ]
        for writer in self._writers:
            writer.start()

    @property
    def engine(self) -> Engine:
        return self.database.engine

    @property
    def poll_seconds(self) -> float:
        return self.database.poll_seconds

    async def write(self, work: Work[T], *, at_door: bool = False) -> T:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        waiting = self._waiting[0] if at_door else self._waiting[-1]
        waiting.put(_Piece(work, future, loop), at_door=at_door)
        return await future

    async def read(self, work: Work[T]) -> T:
        return await asyncio.to_thread(self.read_now, work)

    def read_now(self, work: Work[T]) -> T:
        """The same for code that runs outside an event loop (the command line)."""
        with self.database.reading() as transaction:
            return work(transaction)

    def write_now(self, work: Work[T]) -> T:
        """One piece of work in a transaction of its own, in the caller's thread."""
        with self.database.writing() as transaction:
            return work(transaction)

    @asynccontextmanager
    async def claiming(self) -> AsyncIterator[Callable[[Work[Any]], Any]]:
        """One transaction over several awaits: `await run(work)` does a piece of it. Committed when the block ends
        well; whatever it has locked is free again when it ends, or when the line to the database does.

        Where nobody else can claim, each piece is a transaction of its own."""
        if not self.database.claims:
            yield self.write
            return
        transaction = self.database.writing()
        opened = await _in_thread(transaction.__enter__, undo=lambda _: transaction.__exit__(None, None, None))

        async def run(work: Work[T]) -> T:
            return await _in_thread(work, opened)

        try:
            yield run
        except BaseException as error:
            # In this thread: it is short, and must be done even where the task is being cancelled.
            if not transaction.__exit__(type(error), error, error.__traceback__):
                raise
        else:
            await _in_thread(transaction.__exit__, None, None, None)

    async def listen(self, wake: Callable[[], None]) -> None:
        await self.database.listen(wake)

    async def away(self) -> str:
        """Why nothing can be written just now; empty where it can. After a failure every asking tries anew, with a
        small write: a hub that is not ready gets no messages by which it could notice that it is well again."""
        try:
            await self.read(lambda tx: tx.probe_reading())
        except StoreAway as error:
            return error.hint
        if not self._away:
            return ""
        with suppress(StoreAway):
            await self.write(lambda tx: tx.probe())
            self._away = ""  # here alone: that other work ends well may mean that it had nothing to write
        return self._away

    async def close(self) -> None:
        await asyncio.to_thread(self.close_now)

    def close_now(self) -> None:
        """Finish what was asked for, then close."""
        for waiting in self._waiting:
            waiting.close()
        for writer in self._writers:
            writer.join()
        self.engine.dispose()

    def _write_on(self, waiting: _Waiting) -> None:
        while group := waiting.group():
            done = self._together(group)
            for loop in {piece.loop for piece in group}:
                mine = [row for piece, row in zip(group, done, strict=True) if piece.loop is loop]
                if not loop.is_closed():
                    loop.call_soon_threadsafe(_settle, mine)

    def _together(self, group: list[_Piece]) -> list[_Done]:
        try:
            with self.database.writing() as transaction:
                values = [piece.work(transaction) for piece in group]
            return [(piece.future, value, None) for piece, value in zip(group, values, strict=True)]
        except Exception as error:  # whatever one piece did, each gets its own try and its own error below
            if isinstance(error, StoreAway) and error.whole:  # it would take each of them as long to find out
                self._away = error.hint
                return [(piece.future, None, error) for piece in group]
            return [(piece.future, *self._outcome(piece.work)) for piece in group]

    def _outcome(self, work: Work[Any]) -> tuple[Any, BaseException | None]:
        try:
            value = self.write_now(work)
        except Exception as error:  # handed to whoever asked for the work
            self._away = error.hint if isinstance(error, StoreAway) else self._away
            return None, error
        return value, None


async def _in_thread(work: Callable[..., T], *words: Any, undo: Callable[[T], object] | None = None) -> T:
    """The work in a thread. Who is cancelled meanwhile waits for its end all the same, for nobody else may touch the
    transaction before; `undo` then gives back what it got."""
    running = asyncio.ensure_future(asyncio.to_thread(work, *words))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        if undo and not running.cancelled() and not running.exception():
            undo(running.result())
        raise


def open_store(data: Path, *, create: bool = True) -> SqlStore:
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
    database = SqliteDatabase(path)
    try:
        upgrade(database.engine)
    except DBAPIError as error:
        name = getattr(error.orig, "sqlite_errorname", type(error.orig).__name__)
        database.engine.dispose()
        raise CannotRun(f"{path} cannot be used as a store ({name}). Name another directory with --data.") from None
    return SqlStore(database)


def connect_store(url: str) -> SqlStore:
    """Connect to (and migrate) the PostgreSQL database that `url` names; CannotRun with what to do where it cannot."""
    from hub.io.store.migrate import upgrade
    from hub.io.store.postgres import PostgresDatabase, unfit  # psycopg is loaded where it is used

    try:
        database = PostgresDatabase(url)
    except ValueError:
        raise CannotRun("HUB_DATABASE_URL cannot be read: write postgresql://user:password@host/name.") from None
    try:
        upgrade(database.engine)
    except DBAPIError as error:
        database.engine.dispose()
        raise CannotRun(unfit(error)) from None
    return SqlStore(database)


def store_of(settings: Settings, *, create: bool = True) -> SqlStore:
    """The store the settings name."""
    if settings.database_url:
        return connect_store(settings.database_url)
    return open_store(settings.data, create=create)
