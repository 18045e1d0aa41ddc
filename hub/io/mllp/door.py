"""The MLLP door: listens, and has every frame answered exactly once, in order (issue: MLLP door; anchors.md 6.4).

It knows nothing of HL7. `answering(body, peer, problem)` gives the `Answer`; when it raises, nothing is sent and the
connection is closed. `replied(token, sent)` hears of every answer that had something to say: `sent` means that the
operating system took it, not that the peer read it. It is called in the loop and must not block.
"""

from __future__ import annotations

import asyncio
import socket
import ssl

from hub import telemetry
from hub.errors import CannotRun
from hub.io.mllp.conversation import PIECE_BYTES, Answering, Conversation, Replied
from hub.io.mllp.settings import MllpSettings, Peer
from hub.io.mllp.tls import server_context, subject_of

HANDSHAKE_SECONDS = 10.0
TLS_GOODBYE_SECONDS = 2.0
BACKLOG = 512


def _not_told(token: object, sent: bool) -> None:
    """Nobody asked what became of the replies."""


class MllpDoor:
    """`await start()`, look at `port`, `await stop()`; or use it as an async context manager."""

    def __init__(self, answering: Answering, settings: MllpSettings, replied: Replied = _not_told) -> None:
        self._answering = answering
        self._settings = settings
        self._replied = replied
        self._room = asyncio.Semaphore(settings.max_in_flight)
        self._server: asyncio.Server | None = None
        self._held: dict[asyncio.Task[object], Conversation] = {}
        self._stopping = False

    async def __aenter__(self) -> MllpDoor:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def port(self) -> int:
        """The port really listened on (of interest where the setting is 0)."""
        if self._server is None or not self._server.sockets:
            raise CannotRun("The MLLP door is not open.")
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    @property
    def connections(self) -> int:
        """How many connections are open now."""
        return len(self._held)

    async def start(self) -> None:
        """Listen. Raises CannotRun if the address cannot be had or the TLS files cannot be used."""
        settings = self._settings
        tls = self._tls()
        try:
            self._server = await asyncio.start_server(
                self._welcome,
                settings.host,
                settings.port,
                limit=PIECE_BYTES,
                backlog=BACKLOG,
                ssl=tls,
                ssl_handshake_timeout=HANDSHAKE_SECONDS if tls else None,
                ssl_shutdown_timeout=TLS_GOODBYE_SECONDS if tls else None,
            )
        except (OSError, OverflowError) as error:
            raise CannotRun(
                f"The MLLP door cannot listen on {settings.host} port {settings.port}: "
                "another program has it, or it is not an address of this machine. Choose another HUB_MLLP_PORT."
            ) from error
        self._stopping = False
        telemetry.door_opened("mllp", settings.host, self.port)

    async def stop(self) -> None:
        """Take no more, finish and answer what was taken, close. After `grace_seconds` what is left is dropped."""
        self._stopping = True
        if self._server is None:
            return
        self._server.close()
        for conversation in self._held.values():
            conversation.stop_reading("stopping")
        if held := set(self._held):
            _, late = await asyncio.wait(held, timeout=self._settings.grace_seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await self._server.wait_closed()
        self._server = None
        telemetry.door_closed("mllp")

    def _tls(self) -> ssl.SSLContext | None:
        cert, key, client_ca = self._settings.tls_cert, self._settings.tls_key, self._settings.tls_client_ca
        if cert is None and key is None and client_ca is None:
            return None
        if cert is None or key is None:
            raise CannotRun("TLS needs both HUB_MLLP_TLS_CERT and HUB_MLLP_TLS_KEY.")
        return server_context(cert, key, client_ca)

    async def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._stopping or len(self._held) >= self._settings.max_connections:
            telemetry.connection_refused("stopping" if self._stopping else "too-many")
            writer.transport.abort()
            return
        me = asyncio.current_task()
        assert me is not None  # a coroutine always runs in a task
        peer = _peer_of(writer)
        self._held[me] = Conversation(
            reader,
            writer,
            peer,
            answering=self._answering,
            replied=self._replied,
            settings=self._settings,
            room=self._room,
        )
        await self._hold(me, peer, writer)

    async def _hold(self, me: asyncio.Task[object], peer: Peer, writer: asyncio.StreamWriter) -> None:
        telemetry.connection_opened(peer.host)
        why = "dropped"
        try:
            _tune(writer)
            why = await self._held[me].hold()
        finally:
            del self._held[me]
            telemetry.connection_closed(peer.host, why)


def _peer_of(writer: asyncio.StreamWriter) -> Peer:
    name = writer.get_extra_info("peername") or ("", 0)
    return Peer(str(name[0]), int(name[1]), subject_of(writer.get_extra_info("peercert")))


def _tune(writer: asyncio.StreamWriter) -> None:
    """Answers leave at once, a dead peer is noticed some day, and `drain` waits until the system took every byte."""
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    # asyncio's TLS transport pauses at `>=` the limit and would never resume at 0 (its plain one pauses at `>`).
    encrypted = writer.get_extra_info("ssl_object") is not None
    writer.transport.set_write_buffer_limits(high=1 if encrypted else 0, low=0)
