from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from adapters.simulators.pds import PdsSimulator
from adapters.simulators.pds_keys import new_keys
from adapters.simulators.pds_people import special_people
from hub.io.store import SqlStore, open_store
from tests.flow.conftest import quick_directory


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    """The hub's private key as a file, and what the platform knows of it."""
    return new_keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="session")
def migrated() -> Iterator[Path]:
    """A store without rows, to be copied."""
    with quick_directory() as directory:
        open_store(directory).close_now()
        yield directory / "hub.sqlite"


@pytest.fixture
def data(migrated: Path) -> Iterator[Path]:
    with quick_directory() as directory:
        shutil.copy(migrated, directory)
        yield directory


@pytest.fixture
def store(data: Path) -> Iterator[SqlStore]:
    store = open_store(data)
    yield store
    store.close_now()


@pytest.fixture
async def pds(keys: tuple[Path, bytes]) -> AsyncIterator[PdsSimulator]:
    async with PdsSimulator(list(special_people().values()), keys[1]) as simulator:
        yield simulator
