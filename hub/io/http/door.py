"""The partners' door: listens, bounds what a connection may do, and hands requests to the site."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping

from aiohttp import web

from hub import telemetry
from hub.contract import Adapter
from hub.errors import CannotRun
from hub.flow.callbacks import Callbacks
from hub.flow.intake import Intake
from hub.flow.ports.store import Clock, Store
from hub.io.http.answers import Refused, refusal
from hub.io.http.assertions import load_keys
from hub.io.http.callers import Callers
from hub.io.http.parts import Parts, Replied
from hub.io.http.room import Room
from hub.io.http.settings import PartnersSettings
from hub.io.http.site import partners_site
from hub.io.http.tokens import Tokens
from hub.io.mllp.tls import server_context
from hub.mapping import FeedTables

HANDSHAKE_SECONDS = 10.0
MOST_HEADERS, LONGEST_HEADER = 64, 8190
LINGER_SECONDS = 1.0
"""How long what is still being sent is read, and thrown away, so that its sender reads why it was refused."""


def _not_told(token: object, sent: bool) -> None:
    """Nobody asked what became of the replies."""


class PartnersDoor:
    """`await start()`, look at `port`, `await stop()`; or use it as an async context manager."""

    def __init__(
        self,
        intake: Intake,
        store: Store,
        adapters: Mapping[str, Adapter],
        feeds: FeedTables,
        clock: Clock,
        settings: PartnersSettings,
        replied: Replied = _not_told,
        callbacks: Callbacks | None = None,
    ) -> None:
        tokens = Tokens(store, clock)
        self._settings = settings
        self._parts = Parts(
            intake=intake,
            store=store,
            adapters=adapters,
            feeds=feeds,
            clock=clock,
            settings=settings,
            keys=load_keys(feeds, settings.tables),
            tokens=tokens,
            callers=Callers(feeds, tokens),
            room=Room(settings.in_flight, settings.in_flight_per_feed),
            replied=replied,
            callbacks=callbacks,
        )
        self._runner = web.AppRunner(partners_site(self._parts), shutdown_timeout=settings.grace_seconds)
        self._listener: asyncio.Server | None = None

    async def __aenter__(self) -> PartnersDoor:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def port(self) -> int:
        """The port really listened on."""
        if self._listener is None:
            raise CannotRun("The partners' door is not open.")
        port: int = self._listener.sockets[0].getsockname()[1]
        return port

    @property
    def url(self) -> str:
        """How partners call it."""
        return self._parts.url

    async def start(self) -> None:
        """Listen. Raises CannotRun if the address cannot be had or the TLS files cannot be used."""
        settings, tls = self._settings, self._tls()
        await self._runner.setup()
        try:
            self._listener = await asyncio.get_running_loop().create_server(
                self._welcome,
                settings.host,
                settings.port,
                ssl=tls,
                ssl_handshake_timeout=HANDSHAKE_SECONDS if tls else None,
            )
        except (OSError, OverflowError) as error:
            await self._runner.cleanup()
            raise CannotRun(
                f"The partners' door cannot listen on {settings.host} port {settings.port}: another program has it, or "
                "it is not an address of this machine. Choose another with --partners or HUB_PARTNERS_PORT."
            ) from error
        scheme = "https" if tls else "http"
        self._parts.url = settings.url or f"{scheme}://{settings.host}:{self.port}"
        telemetry.door_opened("http", settings.host, self.port)

    async def stop(self) -> None:
        """Let what was taken be answered, for a while, then close."""
        if self._listener is None:
            return
        self._listener.close()
        self._listener = None
        await self._runner.cleanup()
        telemetry.door_closed("http")

    def _tls(self) -> ssl.SSLContext | None:
        settings = self._settings
        if settings.tls_cert is None or settings.tls_key is None:
            return None
        context = server_context(settings.tls_cert, settings.tls_key, settings.tls_client_ca)
        if settings.tls_client_ca:
            context.verify_mode = ssl.CERT_OPTIONAL  # who shows none may have a token
        return context

    def _welcome(self) -> asyncio.Protocol:
        server = self._runner.server
        assert server is not None, "the runner is set up before anybody comes"
        if len(server.connections) >= self._settings.connections:
            telemetry.connection_refused("too-many")
            return _TurnedAway()
        return _Connection(
            server,
            loop=asyncio.get_running_loop(),
            keepalive_timeout=self._settings.patience_seconds,
            access_log=None,  # type: ignore[arg-type]  # no log of addresses: aiohttp takes None for none
            max_headers=MOST_HEADERS,
            max_line_size=LONGEST_HEADER,
            max_field_size=LONGEST_HEADER,
            lingering_time=LINGER_SECONDS,
            auto_decompress=False,
        )


class _Connection(web.RequestHandler):
    """aiohttp's, but for what it says of a request that it cannot read: it would quote it."""

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        if status >= 500 and exc is not None:
            telemetry.our_fault(exc, "partners")
        telemetry.partner_answered("unreadable", status, 0.0)
        sentence = "This is no HTTP request that can be read here. Look at its first line, and at its headers."
        return refusal("", "", Refused(status, sentence, unread=True))


class _TurnedAway(asyncio.Protocol):
    """Too many are connected."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()
