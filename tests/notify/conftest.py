from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from adapters.simulators.notify import NotifySimulator
from tests.notify.batches import CHANNELS
from tests.pds.conftest import data, keys, migrated, store

__all__ = ["Listener", "Simulated", "data", "keys", "listener", "migrated", "notify", "simulated", "store"]
Simulated = Callable[..., AbstractAsyncContextManager[NotifySimulator]]


@pytest.fixture
def simulated(keys: tuple[Path, bytes]) -> Simulated:
    """A simulator as the test wants it."""

    @asynccontextmanager
    async def opened(**how: Any) -> AsyncIterator[NotifySimulator]:
        async with NotifySimulator(keys[1], CHANNELS, **how) as simulator:
            yield simulator

    return opened


@pytest.fixture
async def notify(simulated: Simulated) -> AsyncIterator[NotifySimulator]:
    async with simulated() as simulator:
        yield simulator


class Listener:
    """Whom Notify calls back. `answers` are used up one for each callback; then everything is taken."""

    def __init__(self) -> None:
        self.got: list[tuple[bytes, dict[str, str]]] = []
        self.answers: list[tuple[int, dict[str, str]]] = []
        self.url = ""

    async def hear(self, request: web.Request) -> web.Response:
        headers = {name.lower(): text for name, text in request.headers.items()}
        self.got.append((await request.read(), headers))
        status, more = self.answers.pop(0) if self.answers else (202, {})
        return web.Response(status=status, headers=more)


@pytest.fixture
async def listener() -> AsyncIterator[Listener]:
    heard = Listener()
    app = web.Application()
    app.router.add_post("/notify/callbacks", heard.hear)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    heard.url = f"http://127.0.0.1:{runner.addresses[0][1]}/notify/callbacks"
    yield heard
    await runner.cleanup()
