from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import psycopg
import pytest

from hub.io.store import SqlStore, connect_store, open_store
from tests.flow.scene import Scene
from tests.servers import Databases

MEMORY = Path("/dev/shm")
STORES = ["sqlite"] if os.environ.get("HUB_TEST_ROADS") == "embedded" else ["sqlite", "postgres"]
"""`make test-embedded` walks the small road alone."""

NewStore = Callable[[], AbstractContextManager[SqlStore]]


@contextmanager
def quick_directory() -> Iterator[Path]:
    """A directory in memory where the system has one: these tests are about the journey, not about the disk."""
    with tempfile.TemporaryDirectory(prefix="hub-flow-", dir=MEMORY if MEMORY.is_dir() else None) as directory:
        yield Path(directory)


@pytest.fixture(scope="session")
def empty_file() -> Iterator[Path]:
    """A migrated store file without rows, to be copied: migrating costs more than most tests."""
    with quick_directory() as directory:
        open_store(directory).close_now()
        yield directory / "hub.sqlite"


@pytest.fixture(scope="session")
def emptied_database(postgres: Databases) -> Iterator[str]:
    """A migrated database that is emptied before each test: making a new one costs more than most tests."""
    with postgres.fresh_database() as url:
        connect_store(url).close_now()
        yield url


def empty(url: str) -> None:
    """Truncate every table but Alembic's."""
    with psycopg.connect(url, autocommit=True) as connection:
        rows = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        tables = ", ".join(name for (name,) in rows if name != "alembic_version")
        connection.execute(f"TRUNCATE {tables} RESTART IDENTITY")


@pytest.fixture(params=STORES)
def new_store(request: pytest.FixtureRequest) -> Iterator[NewStore]:
    """Opens a store without rows; on each of the databases in turn."""
    if request.param == "sqlite":
        file = request.getfixturevalue("empty_file")
        with quick_directory() as directory:
            shutil.copy(file, directory)
            yield lambda: _closing(open_store(directory))
    else:
        url = request.getfixturevalue("emptied_database")
        empty(url)
        yield lambda: _closing(connect_store(url))


@contextmanager
def _closing(store: SqlStore) -> Iterator[SqlStore]:
    try:
        yield store
    finally:
        store.close_now()


@pytest.fixture
async def scene(new_store: NewStore) -> AsyncIterator[Scene]:
    with new_store() as store:
        scene = Scene(store)
        scene.start_worker()
        yield scene
        await scene.stop_worker()
