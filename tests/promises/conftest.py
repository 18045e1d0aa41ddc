"""`road`: one hub on each of the two roads in turn. `make test-embedded` walks the embedded one alone."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from hub.io.store import connect_store, open_store
from tests.flow.conftest import empty, quick_directory
from tests.promises.road import Embedded, Real, Road
from tests.servers import Databases, VirtualHosts

SERVERS = pytest.param("real", marks=pytest.mark.servers)
ROADS = ["embedded"] if os.environ.get("HUB_TEST_ROADS") == "embedded" else ["embedded", SERVERS]


@pytest.fixture(scope="session")
def migrated_file() -> Iterator[Path]:
    """A store without rows, to be copied: migrating costs more than most tests."""
    with quick_directory() as directory:
        open_store(directory).close_now()
        yield directory / "hub.sqlite"


@pytest.fixture(scope="session")
def migrated_database(postgres: Databases) -> Iterator[str]:
    """A database that is emptied before each test."""
    with postgres.fresh_database() as url:
        connect_store(url).close_now()
        yield url


@pytest.fixture
async def embedded(migrated_file: Path) -> AsyncIterator[Embedded]:
    with quick_directory() as directory:
        shutil.copy(migrated_file, directory)
        road = Embedded(directory)
        yield road
        await road.close()


@pytest.fixture
async def real(migrated_database: str, rabbit: VirtualHosts) -> AsyncIterator[Real]:
    empty(migrated_database)
    road = Real(migrated_database, rabbit.fresh_vhost())
    await road.forget()  # a virtual host that was given may hold what another run left
    yield road
    await road.close()


@pytest.fixture(params=ROADS)
def road(request: pytest.FixtureRequest) -> Road:
    """A hub on each road."""
    road: Road = request.getfixturevalue(request.param)
    return road
