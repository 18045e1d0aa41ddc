"""What the servers do by themselves, without a hub: the measures that the hub's own figures are held against."""

from __future__ import annotations

import asyncio
import secrets
import statistics
from dataclasses import dataclass
from itertools import count
from time import perf_counter
from typing import Any

import aio_pika
import psycopg
from aiormq.abc import AbstractChannel
from pamqp import commands as spec

from hub.contract import Envelope
from hub.io.rabbit.cloudevents import headers_of

_TABLES = """
CREATE TABLE {name}_journal (seq bigserial PRIMARY KEY, digest text UNIQUE, raw bytea, received_at timestamptz);
CREATE TABLE {name}_outbox (seq bigserial PRIMARY KEY, event_id text UNIQUE, data bytea, confirmed_at timestamptz);
CREATE TABLE {name}_replies (seq bigserial PRIMARY KEY, journal_seq bigint, body bytea);
"""


@dataclass(frozen=True, slots=True)
class Single:
    """One durable commit and one confirmed publish, after one another: milliseconds."""

    median: float
    p99: float


def size_of(envelope: Envelope) -> int:
    """The bytes of an event on the wire: its body and its headers."""
    return len(envelope.data) + sum(len(name) + len(value) for name, value in headers_of(envelope).items())


class Raw:
    """Confirmed publishing into a quorum queue that nobody reads: persistent, mandatory, straight through aiormq."""

    def __init__(self, url: str, size: int) -> None:
        self._url = url
        self._body = secrets.token_bytes(size)
        self._queue = f"raw-{secrets.token_hex(4)}"

    def rate(self, messages: int, in_flight: int) -> float:
        """Confirms a second with so many under way."""
        return asyncio.run(self._on_a_channel(self._rate, messages, in_flight))

    def single(self, database: psycopg.Connection[Any], times: int) -> Single:
        """One row each into a journal, an outbox and replies in one durable transaction, then one confirmed publish."""
        return asyncio.run(self._on_a_channel(self._single, database, times))

    async def _on_a_channel(self, work: Any, *words: Any) -> Any:
        async with await aio_pika.connect(self._url) as connection:
            channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
            underlay = await channel.get_underlay_channel()
            await underlay.queue_declare(self._queue, durable=True, arguments={"x-queue-type": "quorum"})
            try:
                return await work(underlay, *words)
            finally:
                await underlay.queue_delete(self._queue)

    async def _publish(self, channel: AbstractChannel) -> None:
        properties = spec.Basic.Properties(delivery_mode=2)
        await channel.basic_publish(
            self._body, routing_key=self._queue, properties=properties, mandatory=True, wait=False
        )

    async def _rate(self, channel: AbstractChannel, messages: int, in_flight: int) -> float:
        numbers = count()

        async def one() -> None:
            while next(numbers) < messages:
                await self._publish(channel)

        started = perf_counter()
        await asyncio.gather(*(one() for _ in range(in_flight)))
        return messages / (perf_counter() - started)

    async def _single(self, channel: AbstractChannel, database: psycopg.Connection[Any], times: int) -> Single:
        name = f"raw_{secrets.token_hex(4)}"
        database.execute(_TABLES.format(name=name))
        took = []
        for number in range(times):
            started = perf_counter()
            self._commit(database, name, number)
            await self._publish(channel)
            took.append((perf_counter() - started) * 1000)
        return Single(statistics.median(took), statistics.quantiles(took, n=100)[98])

    def _commit(self, database: psycopg.Connection[Any], name: str, number: int) -> None:
        with database.transaction():
            journal = f"INSERT INTO {name}_journal (digest, raw, received_at) VALUES (%s, %s, now()) RETURNING seq"
            row = database.execute(journal, (f"{number:064}", self._body), prepare=True).fetchone()
            assert row is not None
            outbox = f"INSERT INTO {name}_outbox (event_id, data) VALUES (%s, %s)"
            database.execute(outbox, (f"{number:036}", self._body), prepare=True)
            replies = f"INSERT INTO {name}_replies (journal_seq, body) VALUES (%s, %s)"
            database.execute(replies, (row[0], self._body[:200]), prepare=True)
