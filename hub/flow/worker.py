"""The worker: handles each event once per consumer, in the same transaction as its changes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from time import perf_counter

from hub import telemetry
from hub.contract import Envelope
from hub.flow.consumers import CONSUMERS
from hub.flow.handlers import Context, handle, park_as_our_fault
from hub.flow.patience import LONGEST_REST_SECONDS, patiently
from hub.flow.ports import Conveyor, Delivery, Store, Transaction
from hub.flow.step import Step, Told, tell_all

Handler = Callable[[Transaction, Envelope, Context], Step]

AT_ONCE = 64


class Worker:
    """Consumes for one consumer, many deliveries at once so that their commits are grouped."""

    def __init__(
        self, store: Store, conveyor: Conveyor, context: Context, consumer: str, wake: Callable[[], None]
    ) -> None:
        self._store = store
        self._conveyor = conveyor
        self._context = context
        self._consumer = consumer
        self._wake = wake
        self._free = asyncio.Semaphore(AT_ONCE)

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            async for delivery in self._conveyor.deliveries(self._consumer):
                await self._free.acquire()
                group.create_task(self._work(delivery))

    async def _work(self, delivery: Delivery) -> None:
        try:
            started = perf_counter()
            envelope = delivery.envelope
            with telemetry.span("handle", envelope.traceparent, event_type=envelope.type, feed=envelope.feed):
                await self._handle(envelope)
            delivery.acknowledge()
            self._wake()
            telemetry.event_handled(delivery.envelope.type, perf_counter() - started)
        finally:
            self._free.release()

    async def _handle(self, envelope: Envelope) -> None:
        handler: Handler = handle
        while True:
            try:
                tell_all(await patiently(self._store.write, partial(self.once, envelope=envelope, handler=handler)))
                return
            except Exception as error:  # a bug parks itself: the result must neither wait silently nor stop the others
                telemetry.our_fault(error, "worker")
                if handler is park_as_our_fault:  # not even that works: it stays unfinished, and we rest
                    await asyncio.sleep(LONGEST_REST_SECONDS)
                handler = park_as_our_fault

    def once(self, tx: Transaction, envelope: Envelope, handler: Handler) -> Told:
        """Handle the event unless this consumer's inbox holds it already."""
        at = self._context.clock()
        if not tx.events.take(envelope.event_id, self._consumer, at):
            return [partial(telemetry.event_repeated, envelope.type)]
        step = handler(tx, envelope, self._context)
        tx.events.finish(envelope.event_id, len(CONSUMERS[envelope.type]), at)
        return step.told
