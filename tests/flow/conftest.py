from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hub.io.store import open_store
from tests.flow.scene import Scene

MEMORY = Path("/dev/shm")


@contextmanager
def quick_directory() -> Iterator[Path]:
    """A directory in memory where the system has one: these tests are about the journey, not about the disk."""
    with tempfile.TemporaryDirectory(prefix="hub-flow-", dir=MEMORY if MEMORY.is_dir() else None) as directory:
        yield Path(directory)


@pytest.fixture(scope="session")
def empty_store() -> Iterator[Path]:
    """A migrated store file without rows, to be copied: migrating costs more than most tests."""
    with quick_directory() as directory:
        open_store(directory).close_now()
        yield directory / "hub.sqlite"


@pytest.fixture
async def scene(empty_store: Path) -> AsyncIterator[Scene]:
    with quick_directory() as directory:
        shutil.copy(empty_store, directory)
        scene = Scene(open_store(directory))
        scene.start_worker()
        yield scene
        await scene.stop_worker()
        await scene.store.close()
