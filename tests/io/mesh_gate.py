"""Stands before MESH as a network would: passes calls on, keeps chosen answers back, or answers by itself."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable

from aiohttp import web

from tests.servers.mesh import ask

Answer = Callable[[web.Request], web.StreamResponse | None]
_OURS = {"host", "connection", "content-length", "transfer-encoding", "date", "server"}


class Gate:
    """`async with Gate(node.port) as gate:` and clients use `gate.url`.

    `keeps(method, path)` says whose answers are kept back: the call reaches MESH, `held` is set, and nobody answers;
    `garbles` whose answers are lost and replaced by a gateway's.
    `answer(request)` may answer in MESH's place. `calls` are those that came, `tokens` their authorizations."""

    def __init__(self, port: int = 0, answer: Answer = lambda _: None, *, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self._port = port
        self._answer = answer
        self.keeps: Callable[[str, str], bool] = lambda _method, _path: False
        self.garbles: Callable[[str, str], bool] = lambda _method, _path: False
        self.held = asyncio.Event()
        self.calls: list[tuple[str, str]] = []
        self.tokens: list[str] = []
        self.url = ""

    async def __aenter__(self) -> Gate:
        app = web.Application(client_max_size=1024**3)
        app.add_routes([web.route("*", "/{path:.*}", self._pass)])
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.05, auto_decompress=False)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self._tls).start()
        self.url = f"{'https' if self._tls else 'http'}://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    def count(self, method: str, part: str) -> int:
        return sum(method == each and part in path for each, path in self.calls)

    async def _pass(self, request: web.Request) -> web.StreamResponse:
        self.calls.append((request.method, request.path))
        self.tokens.append(request.headers.get("Authorization", ""))
        if (given := self._answer(request)) is not None:
            return given
        body = await request.read()
        said = {name: value for name, value in request.headers.items() if name.lower() not in _OURS}
        status, headers, answer = await asyncio.to_thread(ask, self._port, request.method, request.path_qs, body, said)
        if self.keeps(request.method, request.path):
            self.held.set()
            await asyncio.Event().wait()
        if self.garbles(request.method, request.path):
            return web.Response(status=504)
        kept = {name: value for name, value in headers.items() if name not in _OURS}
        return web.Response(status=status, headers=kept, body=answer)
