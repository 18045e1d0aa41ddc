"""The in-process conveyor of the embedded hub: one bounded queue per consumer.

It holds nothing safely and need not: the outbox is in the file, and an event that was confirmed here but not finished
is handed over again after a restart. What a full queue gives is back-pressure: publishing waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial

from hub.contract import Envelope
from hub.flow.ports.events import DeadDelivery, Delivery, Depth

CAPACITY = 1_000


class InProcessConveyor:
    """See `hub.flow.ports.events.Conveyor`. `consumers` tells which consumers want which type of event."""

    def __init__(self, consumers: Mapping[str, tuple[str, ...]]) -> None:
        self._consumers = consumers
        names = {name for wanted in consumers.values() for name in wanted}
        self._queues: dict[str, asyncio.Queue[Envelope]] = {name: asyncio.Queue(CAPACITY) for name in names}
        self._held: set[tuple[str, str]] = set()

    async def publish(self, envelopes: Sequence[Envelope]) -> list[bool]:
        for envelope in envelopes:
            for consumer in self._consumers.get(envelope.type, ()):
                await self._put(consumer, envelope)
        return [True] * len(envelopes)

    async def _put(self, consumer: str, envelope: Envelope) -> None:
        name = (consumer, envelope.event_id)
        if name in self._held:  # a refill while it still waits here: once is enough
            return
        self._held.add(name)
        await self._queues[consumer].put(envelope)

    async def deliveries(self, consumer: str) -> AsyncIterator[Delivery]:
        queue = self._queues[consumer]
        while True:
            envelope = await queue.get()
            yield Delivery(consumer, envelope, partial(self._held.discard, (consumer, envelope.event_id)))

    async def dead(self) -> AsyncIterator[DeadDelivery]:
        """Nothing: an event that kills this process dies with it."""
        await asyncio.Event().wait()
        return
        yield

    async def depths(self) -> dict[str, Depth]:
        held = {name: sum(consumer == name for consumer, _ in self._held) for name in self._queues}
        return {
            name: Depth(queue.qsize(), held[name] - min(held[name], queue.qsize()))
            for name, queue in self._queues.items()
        }

    async def away(self) -> str:
        return ""

    async def close(self) -> None:
        """Nothing to close."""
