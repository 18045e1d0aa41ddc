"""The hub's HTTP site. For now what machines ask: is it alive, is it ready, how is it doing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from hub import telemetry
from hub.errors import CannotRun

Ready = Callable[[], Awaitable[dict[str, str]]]
"""Says what stands in the way of being ready: part → reason; empty when nothing does."""

Look = Callable[[], Awaitable[None]]
"""Brings the gauges up to date."""


async def nothing_missing() -> dict[str, str]:
    """There is nothing that the hub could do without."""
    return {}


_LOOK: web.AppKey[Look] = web.AppKey("look")
_READY: web.AppKey[Ready] = web.AppKey("ready")
_WITHOUT: web.AppKey[Ready] = web.AppKey("without")


async def health(_request: web.Request) -> web.Response:
    """The process is alive and its loop turns."""
    return web.json_response({"status": "alive"})


async def ready(request: web.Request) -> web.Response:
    """200 when messages can be taken and handled; 503 with the reason for each part that is away. `without` names
    partners who do not answer just now, which makes nobody unready: what needs them waits."""
    away, without = await request.app[_READY](), await request.app[_WITHOUT]()
    body = {"status": "ready" if not away else "not ready", "away": away}
    body |= {"without": without} if without else {}
    return web.json_response(body, status=200 if not away else 503)


async def metrics(request: web.Request) -> web.Response:
    """Prometheus, text format."""
    await request.app[_LOOK]()
    return web.Response(body=telemetry.render_metrics(), headers={"Content-Type": telemetry.CONTENT_TYPE})


def site(is_ready: Ready, look: Look, without: Ready = nothing_missing) -> web.Application:
    """The application, without a socket."""
    app = web.Application()
    app[_READY] = is_ready
    app[_LOOK] = look
    app[_WITHOUT] = without
    app.add_routes([web.get("/health", health), web.get("/ready", ready), web.get("/metrics", metrics)])
    return app


class Site:
    """The application on a port. `await start()`, look at `port`, `await stop()`."""

    def __init__(self, app: web.Application, host: str, port: int) -> None:
        self._runner = web.AppRunner(app, access_log=None)
        self._host = host
        self._asked = port

    async def start(self) -> None:
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self._asked).start()
        except (OSError, OverflowError) as error:
            await self._runner.cleanup()
            raise CannotRun(
                f"The HTTP site cannot listen on {self._host} port {self._asked}: another program has it, or it is "
                "not an address of this machine. Choose another with --http or HUB_HTTP_PORT."
            ) from error

    @property
    def port(self) -> int:
        address: tuple[str, int] = self._runner.addresses[0]
        return address[1]

    async def stop(self) -> None:
        await self._runner.cleanup()
