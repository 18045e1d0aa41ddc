"""Parts of the hub at work in this process, on the real servers, with the time they take."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from time import perf_counter, process_time
from typing import Any

from adapters import ADAPTERS
from hub.app import MLLP_DIALECT, context_of, feeds_of, wall_clock
from hub.config import Settings
from hub.contract import Envelope, result_identity, seal
from hub.domain.events import ResultReported
from hub.domain.people import Participant
from hub.flow.consumers import RECORDS
from hub.flow.intake import Intake
from hub.flow.ports.events import Delivery
from hub.flow.ports.journal import Via
from hub.flow.ports.store import Transaction
from hub.flow.worker import Worker
from hub.io.store import SqlStore
from hub.io.store.engine import connect_store
from tests.bench.a_hub import reports

VIA = Via("mllp", "bench", MLLP_DIALECT)


@dataclass(slots=True)
class Took:
    """Seconds by the clock, and of them those of this process's own computing."""

    clock: float = 0.0
    ours: float = 0.0

    @contextmanager
    def more(self) -> Iterator[None]:
        """Add what the block takes."""
        clock, ours = perf_counter(), process_time()
        yield
        self.clock += perf_counter() - clock
        self.ours += process_time() - ours

    def without(self, other: Took) -> Took:
        return Took(self.clock - other.clock, self.ours - other.ours)


class Here:
    """The store as the intake sees it, but every work is done here and now, and its time is counted."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store
        self.took = Took()

    async def write(self, work: Callable[[Transaction], Any], *, at_door: bool = False) -> Any:
        with self.took.more():
            return self._store.write_now(work)


@contextmanager
def store_at(url: str) -> Iterator[SqlStore]:
    store = connect_store(url)
    try:
        yield store
    finally:
        store.close_now()


def take(store: SqlStore, messages: Sequence[bytes], group: int) -> tuple[Took, Took]:
    """Take the messages in groups: what reading and answering took, and what writing down."""
    here, total = Here(store), Took()
    feeds = feeds_of(Settings())
    intake = Intake(here, ADAPTERS, feeds, wall_clock, lambda: None)  # type: ignore[arg-type]

    async def work() -> None:
        for first in range(0, len(messages), group):
            await asyncio.gather(*(intake.take(raw, VIA) for raw in messages[first : first + group]))

    with total.more():
        asyncio.run(work())
    return total.without(here.took), here.took


class Given:
    """A conveyor of these events, so many at a time: the next come when the last are acknowledged."""

    def __init__(self, envelopes: Sequence[Envelope], group: int) -> None:
        self._groups = [envelopes[first : first + group] for first in range(0, len(envelopes), group)]

    async def deliveries(self, consumer: str) -> AsyncIterator[Delivery]:
        for group in self._groups:
            handled = asyncio.Semaphore(0)
            for envelope in group:
                yield Delivery(consumer, envelope, handled.release)
            for _ in group:
                await handled.acquire()


def handle_together(store: SqlStore, envelopes: Sequence[Envelope], group: int) -> Took:
    """Have a worker handle them, so many in each commit."""
    given, context, took = Given(envelopes, group), context_of(Settings()), Took()
    worker = Worker(Here(store), given, context, RECORDS, lambda: None)  # type: ignore[arg-type]
    with took.more():
        asyncio.run(worker.run())
    return took


def an_event(person: Participant) -> ResultReported:
    """What the adapter reads from an ordinary report."""
    adapter, now = ADAPTERS[MLLP_DIALECT], datetime.now(UTC)
    reading = adapter.decode(adapter.open(reports([person], 1)[0]), feeds_of(Settings()).find, now.date())
    outcome = reading.items[0].outcome
    assert isinstance(outcome, ResultReported)
    return outcome


def an_envelope(person: Participant) -> Envelope:
    """An ordinary event in its envelope, as the relay hands it over."""
    digest = hashlib.sha256(person.nhs_number.encode()).hexdigest()
    return seal(
        an_event(person),
        feed="northmoor",
        digest=digest,
        position="1.1",
        subject=result_identity("northmoor", digest, "1.1"),
        at=datetime.now(UTC),
        traceparent=f"00-{digest[:32]}-{digest[32:48]}-01",
    )
