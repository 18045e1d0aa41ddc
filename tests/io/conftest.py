from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, ExitStack
from pathlib import Path
from typing import Any

import pytest

from hub.io.store import SqlStore, open_store
from tests.io.partners import Partners, open_door

NewDoor = Callable[..., AbstractAsyncContextManager[Partners]]


@pytest.fixture
def partners_store(tmp_path: Path) -> Iterator[SqlStore]:
    with ExitStack() as closing:
        store = open_store(tmp_path / "partners")
        closing.callback(store.close_now)
        yield store


@pytest.fixture
def new_door(partners_store: SqlStore, tmp_path: Path) -> NewDoor:
    """Opens a door over the test's store; several may be open at once, as of several processes."""

    def opened(**more: Any) -> AbstractAsyncContextManager[Partners]:
        return open_door(partners_store, tmp_path / "feeds", **more)

    return opened


@pytest.fixture
async def partners(new_door: NewDoor) -> AsyncIterator[Partners]:
    async with new_door() as partners:
        yield partners
