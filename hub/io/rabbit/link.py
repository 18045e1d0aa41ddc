"""The connection to RabbitMQ: taken up again by itself, on whichever of the named nodes answers.

Built on aio-pika's plain connection. Its robust one heals behind the caller's back, and a publish on it can hang until
it has (aio-pika issue 636); here a lost line fails whatever was under way at once, and the next asker connects anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection
from aio_pika.connection import make_url
from aio_pika.exceptions import AMQPError, ChannelNotFoundEntity, ChannelPreconditionFailed
from aiormq.channel import Channel
from yarl import URL

from hub import telemetry
from hub.errors import CannotRun, Reason, Retry
from hub.io.rabbit.topology import EXCHANGES, QUEUES

CONNECT_SECONDS = 5.0
HEARTBEAT_SECONDS = 10
"""A line on which nothing came for three of these is dead, whatever the network says. The URL may name another."""
ANSWER_SECONDS = 10.0
"""How long the broker may take for anything it is asked."""
FAILURES = (AMQPError, OSError, TimeoutError, asyncio.InvalidStateError, RuntimeError)
"""How aio-pika and aiormq say that a line or channel is gone. A closed channel is a RuntimeError to them."""


class BrokerAway(Retry):
    """The broker cannot take or give anything just now. The hint is the name of the failure, never its text: a URL with
    a password may stand there."""

    def __init__(self, error: BaseException | str) -> None:
        self.whole = True
        super().__init__(Reason.BROKER_AWAY, hint=error if isinstance(error, str) else type(error).__name__)


class RabbitLink:
    """One connection for a process. `urls`: the nodes of a cluster, tried in turn."""

    def __init__(self, urls: tuple[URL, ...], name: str) -> None:
        self._urls = urls
        self._name = name
        self._next = 0
        self._connection: AbstractConnection | None = None
        self._connecting = asyncio.Lock()
        self._doubted = False

    @asynccontextmanager
    async def channel(self) -> AsyncIterator[Channel]:
        """A channel for as long as the block lasts. Whatever fails on it is said as `BrokerAway`."""
        async with saying_away():
            channel = await self._open()
            try:
                yield cast(Channel, await channel.get_underlay_channel())
            except ChannelNotFoundEntity:
                self.doubt()
                raise
            finally:
                await _close(channel)

    async def publishing_channel(self) -> Channel:
        """A channel on which everything is confirmed; it ends with the connection."""
        async with saying_away():
            channel = await self._open(confirms=True)
            return cast(Channel, await channel.get_underlay_channel())

    def doubt(self) -> None:
        """Something we declared seems to be gone: it is declared anew before anything else is asked."""
        self._doubted = True

    async def ready(self) -> None:
        """There is a connection, and all that we need is declared."""
        async with saying_away():
            await self._connected()

    async def _open(self, *, confirms: bool = False) -> AbstractChannel:
        connection = await self._connected()
        async with in_time():
            return await connection.channel(publisher_confirms=confirms, on_return_raises=confirms)

    async def lose(self) -> None:
        """Give the connection up: nobody knows what is on its way on it."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await _close(connection)

    async def close(self) -> None:
        async with self._connecting:  # a connection that somebody is just making is closed too
            await self.lose()

    async def _connected(self) -> AbstractConnection:
        async with self._connecting:
            # `is_closed` says only whether we have closed it; a line that broke has merely stopped being connected.
            if self._connection is None or not self._connection.connected.is_set():
                await self.lose()
                self._connection = await self._connect()
            elif self._doubted:
                async with in_time():
                    await declare(self._connection)
            self._doubted = False
            return self._connection

    async def _connect(self) -> AbstractConnection:
        """The first node that answers, beginning with the one after the last that was tried."""
        failed: BaseException | None = None
        for _ in self._urls:
            url = self._urls[self._next % len(self._urls)]
            self._next += 1
            try:
                return await self._connect_to(url)
            except FAILURES as error:
                stop_if_cancelled()
                failed = error
        assert failed is not None, "there is at least one URL"
        raise failed

    async def _connect_to(self, url: URL) -> AbstractConnection:
        # Made here and not by `aio_pika.connect`, so that it can be closed whatever happens while it is opened.
        connection = aio_pika.Connection(url, client_properties={"connection_name": self._name})
        try:
            async with in_time(CONNECT_SECONDS):
                await connection.connect()
            async with in_time():
                await declare(connection)
        except BaseException:
            await _close(connection)
            raise
        telemetry.broker_connected()
        return connection


@asynccontextmanager
async def saying_away() -> AsyncIterator[None]:
    """What fails in the block because of the broker is said as `BrokerAway`."""
    try:
        yield
    except FAILURES as error:
        stop_if_cancelled()
        raise BrokerAway(error) from None


@asynccontextmanager
async def in_time(seconds: float = ANSWER_SECONDS) -> AsyncIterator[None]:
    """What is asked of the broker in the block may take so long; TimeoutError after that."""
    async with asyncio.timeout(seconds):
        yield
    stop_if_cancelled()


def stop_if_cancelled() -> None:
    """A cancellation may get lost in aiormq: told as a closed channel, or not at all (Python 3.11's `wait_for`). Asked
    here, or a worker that is to stop would connect anew and work on."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


async def declare(connection: AbstractConnection) -> None:
    """Declare the topology. What is there with other arguments stays as it is, and is told: the hub works with it, and
    an operator changes it when he is ready (`hub/README.md`, "Changing the topology")."""
    for exchange in EXCHANGES:
        async with _telling(connection, exchange.name) as channel:
            await channel.exchange_declare(exchange.name, exchange_type=exchange.kind, durable=True)
    for queue in QUEUES:
        async with _telling(connection, queue.name) as channel:
            await channel.queue_declare(queue.name, durable=True, arguments=dict(queue.arguments))
        async with _telling(connection, queue.name) as channel:
            for key in queue.keys:
                await channel.queue_bind(queue.name, queue.exchange, routing_key=key)


@asynccontextmanager
async def _telling(connection: AbstractConnection, name: str) -> AsyncIterator[Channel]:
    """A channel of its own for each declaration: a refused one closes its channel."""
    channel = await connection.channel(publisher_confirms=False)
    try:
        yield cast(Channel, await channel.get_underlay_channel())
    except ChannelPreconditionFailed:
        telemetry.topology_differs(name)
    finally:
        await _close(channel)


async def _close(what: AbstractChannel | AbstractConnection) -> None:
    try:
        async with in_time():
            await what.close()
    except FAILURES:  # it is gone already
        stop_if_cancelled()


def urls_of(setting: str) -> tuple[URL, ...]:
    """The nodes of HUB_AMQP_URL, separated by commas."""
    try:
        urls = tuple(make_url(part.strip()) for part in setting.split(",") if part.strip())
    except ValueError:  # its text may hold the password
        urls = ()
    if not urls:
        raise CannotRun("HUB_AMQP_URL names no broker: write amqp://user:password@host/vhost.")
    return tuple(url.update_query({"heartbeat": HEARTBEAT_SECONDS, **url.query}) for url in urls)
