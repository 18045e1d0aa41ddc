from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hub.io.store import open_store
from tests.flow.scene import Scene


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated store file without rows, to be copied: migrating costs more than most tests."""
    directory = tmp_path_factory.mktemp("empty")
    open_store(directory).close_now()
    return directory / "hub.sqlite"


@pytest.fixture
async def scene(tmp_path: Path, empty_store: Path) -> AsyncIterator[Scene]:
    shutil.copy(empty_store, tmp_path)
    scene = Scene(open_store(tmp_path))
    scene.start_worker()
    yield scene
    await scene.stop_worker()
    await scene.store.close()
