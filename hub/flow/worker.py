"""The worker: handles each event once per consumer, in the same transaction as its changes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from time import perf_counter

from hub import telemetry
from hub.contract import Envelope
from hub.errors import Retry
from hub.flow.ahead import read_ahead
from hub.flow.consumers import CONSUMERS
from hub.flow.dead import NOT_OURS, stranger
from hub.flow.handlers import Context, handle, park_as_our_fault
from hub.flow.patience import LONGEST_REST_SECONDS, patiently, tell_away
from hub.flow.ports.events import Conveyor, Delivery
from hub.flow.ports.store import Store, Transaction
from hub.flow.step import Step, Told, tell_all
from hub.flow.together import Together

Handler = Callable[[Transaction, Envelope, Context], Step]

AT_ONCE = 64
TOGETHER = 16
"""Events in one transaction: what they hold others wait for, so not too many."""
ABREAST = 2
"""While one group is being committed, another is worked on."""


@dataclass(frozen=True, slots=True)
class Job:
    """An event, and what is to be done with it."""

    envelope: Envelope
    handler: Handler = handle


class Worker:
    """Consumes for one consumer. Deliveries that come together are handled in one transaction."""

    def __init__(
        self, store: Store, conveyor: Conveyor, context: Context, consumer: str, wake: Callable[[], None]
    ) -> None:
        self._conveyor = conveyor
        self._context = context
        self._consumer = consumer
        self._wake = wake
        self._free = asyncio.Semaphore(AT_ONCE)
        self._done = Together(store, self.work_off, at_most=TOGETHER, abreast=ABREAST)

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            async for delivery in self._conveyor.deliveries(self._consumer):
                await self._free.acquire()
                group.create_task(self._work(delivery))

    async def _work(self, delivery: Delivery) -> None:
        envelope = delivery.envelope
        try:
            started = perf_counter()
            with telemetry.span("handle", envelope.traceparent, event_type=envelope.type, feed=envelope.feed):
                await self._handle(envelope)
            delivery.acknowledge()
            self._wake()
            telemetry.event_handled(envelope.type, perf_counter() - started)
        finally:
            self._free.release()

    async def _handle(self, envelope: Envelope) -> None:
        job = Job(envelope)
        while True:
            try:
                tell_all(await self._settled(job))
                return
            except Exception as error:  # a bug parks itself: the result must neither wait silently nor stop the others
                telemetry.our_fault(error, "worker")
                if job.handler is park_as_our_fault:  # not even that works: it stays unfinished, and we rest
                    await asyncio.sleep(LONGEST_REST_SECONDS)
                job = Job(envelope, park_as_our_fault)

    async def _settled(self, job: Job) -> Told:
        """Plainly first: to be ready for trying again costs more than many a step."""
        try:
            return await self._done.ask(job)
        except Retry as error:
            tell_away(error)
            return await patiently(self._done.ask, job)

    def work_off(self, tx: Transaction, jobs: Sequence[Job]) -> list[Told]:
        """Handle each event once, unless this consumer's inbox holds it already."""
        at = self._context.clock()
        new = tx.events.take({job.envelope.event_id for job in jobs}, self._consumer, at)
        read_ahead(tx, [job.envelope for job in jobs if job.envelope.event_id in new and not _is_strange(tx, job)])
        told = []
        for job in jobs:
            if job.envelope.event_id in new:
                new.discard(job.envelope.event_id)  # it may have been delivered twice at once
                told.append(self._once(tx, job, at))
            else:
                told.append([partial(telemetry.event_repeated, job.envelope.type)])
        return told

    def _once(self, tx: Transaction, job: Job, at: datetime) -> Told:
        envelope = job.envelope
        if _is_strange(tx, job):
            tx.dead.put(stranger(self._consumer, envelope.data, "it is in no outbox", at))
            return [partial(telemetry.event_dead, "unknown", NOT_OURS)]
        step = job.handler(tx, envelope, self._context)
        tx.events.finish(envelope.event_id, len(CONSUMERS[envelope.type]), at)
        return step.told


def _is_strange(tx: Transaction, job: Job) -> bool:
    """Whether a failure is no fault of ours: the event came from elsewhere, or the database from an older copy."""
    return job.handler is park_as_our_fault and tx.events.find(job.envelope.event_id) is None
