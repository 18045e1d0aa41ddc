"""The two roads a result may travel, for the promises that must hold on both: the embedded hub (SQLite and a conveyor
inside the process), and the hub of many processes (PostgreSQL and RabbitMQ).

    road.start_relays(3)
    road.start_workers(3)
    await road.take(raw)
    await road.settled()

A store and a conveyor of its own stand for a process of its own. Embedded there is one process, and so one conveyor.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import aio_pika

from adapters import ADAPTERS
from hub.contract import Envelope
from hub.flow.consumers import CONSUMERS, RECORDS
from hub.flow.dead import DeadLetters
from hub.flow.handlers import Context
from hub.flow.intake import Answered, Intake
from hub.flow.ports.events import FOREVER, Conveyor, DeadDelivery, Delivery, Depth
from hub.flow.ports.store import Clock
from hub.flow.refill import refill
from hub.flow.relay import Relay
from hub.flow.worker import Worker
from hub.io.conveyor import InProcessConveyor
from hub.io.rabbit.conveyor import RabbitConveyor
from hub.io.rabbit.topology import EXCHANGES, QUEUES
from hub.io.store import SqlStore, connect_store, open_store
from tests.flow.scene import FEEDS, MLLP, POLICIES, Scene

PATIENCE = 40.0
Wrap = Callable[[Conveyor], Conveyor]


class Threads(ThreadPoolExecutor):
    """The loop's threads; `await idle()` until none of them is at work, and nobody waits for what one has done."""

    def __init__(self) -> None:
        super().__init__(8)
        self._begun: list[Future[Any]] = []

    def submit(self, *args: Any, **kwargs: Any) -> Future[Any]:
        future = super().submit(*args, **kwargs)
        self._begun.append(future)
        return future

    async def idle(self) -> None:
        while self._begun:
            begun, self._begun = self._begun, []
            await asyncio.wait([asyncio.wrap_future(future) for future in begun])
            for _ in range(5):  # whoever waited goes on, and may ask for more
                await asyncio.sleep(0)


class Road(ABC):
    """One hub. `scene` writes the laboratories' messages and looks at what became of them; its `now` is the hub's
    clock, unless `clock` is set to another."""

    several_relays: bool
    """Whether relays may run in several processes beside each other."""

    def __init__(self) -> None:
        self._open = ExitStack()
        self._threads = Threads()
        asyncio.get_running_loop().set_default_executor(self._threads)
        self._stores: list[SqlStore] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._relays: list[Relay] = []
        self.scene = Scene(self.store())
        self.clock: Clock = lambda: self.scene.now
        self.context = Context(POLICIES, lambda: self.clock())

    # -- the parts

    @abstractmethod
    def _open_store(self) -> SqlStore: ...

    @abstractmethod
    def conveyor(self) -> Conveyor:
        """As a process of its own has it."""

    @abstractmethod
    async def forget(self) -> None:
        """The conveyor loses all that it holds."""

    @abstractmethod
    async def _lose_lines(self) -> None:
        """What the conveyor notices when the processes are gone."""

    def store(self) -> SqlStore:
        """Another connection to the store, as a process of its own has it."""
        store = self._open_store()
        self._stores.append(store)
        return store

    def intake(self, store: SqlStore | None = None) -> Intake:
        return Intake(store or self.scene.store, ADAPTERS, FEEDS, lambda: self.clock(), self._wake)

    def _wake(self) -> None:
        """Inside the process of the embedded hub; elsewhere the database wakes the relays."""
        if not self.several_relays:
            self.look_again()

    def look_again(self) -> None:
        """The relays look at once for what waits; by themselves they do so now and then."""
        for relay in self._relays:
            relay.wake()

    async def take(self, *messages: bytes, intake: Intake | None = None) -> list[Answered]:
        """Send these messages at once."""
        door = intake or self.intake()
        return await asyncio.gather(*(door.take(raw, MLLP) for raw in messages))

    # -- the roles

    def start_relays(self, number: int = 1, *, wrap: Wrap | None = None, stores: Sequence[SqlStore] = ()) -> None:
        for index in range(number):
            relay = Relay(self._of(stores, index), self._wrapped(wrap), lambda: self.clock())
            self._relays.append(relay)
            self.start(relay.run())

    def start_workers(self, number: int = 1, *, wrap: Wrap | None = None, stores: Sequence[SqlStore] = ()) -> None:
        for index in range(number):
            store = self._of(stores, index)
            worker = Worker(store, self._wrapped(wrap), self.context, RECORDS, self._wake)
            self.start(worker.run())

    def start_burying(self) -> None:
        """The part of a worker that takes what the queues gave up on."""
        self.start(DeadLetters(self.scene.store, self.conveyor(), self.context).run())

    async def start_again(self) -> None:
        """After a crash, as the composition root does it: what an in-process conveyor held died with it."""
        if not self.several_relays:
            await refill(self.scene.store, FOREVER)
        self.start_relays()
        self.start_workers()

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(asyncio.create_task(work))

    def _of(self, stores: Sequence[SqlStore], index: int) -> SqlStore:
        return stores[index % len(stores)] if stores else self.scene.store

    def _wrapped(self, wrap: Wrap | None) -> Conveyor:
        conveyor = self.conveyor()
        return wrap(conveyor) if wrap else conveyor

    # -- what happens to it

    async def stop(self) -> None:
        """End every role; what the conveyor holds stays there. No statement is cut in two: that its thread runs on is
        nothing that happens when a process dies."""
        tasks, self._tasks, self._relays = self._tasks, [], []
        await self._threads.idle()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def crash(self) -> None:
        """Every process is gone at once: what is not on the disk or at the broker is lost."""
        await self.stop()
        await self._lose_lines()

    async def settled(self, seconds: float = PATIENCE) -> None:
        """Wait until every event is confirmed and finished."""
        await self.until(lambda: not any(self.backlog().values()), seconds)

    async def until(self, true: Callable[[], bool], seconds: float = PATIENCE) -> None:
        """Wait for it; whatever ends a role meanwhile is said at once."""
        async with asyncio.timeout(seconds):
            while not await asyncio.to_thread(true):
                for task in self._tasks:
                    if task.done():
                        task.result()
                        raise AssertionError("a role has ended")
                await asyncio.sleep(0.01)

    def backlog(self) -> dict[str, int]:
        return self.scene.read(lambda tx: tx.events.backlog())

    async def close(self) -> None:
        await self.crash()
        for store in self._stores:
            await store.close()
        self._open.close()


class Embedded(Road):
    """Everything in one process."""

    several_relays = False

    def __init__(self, data: Path) -> None:
        self._data = data
        self._conveyor = InProcessConveyor(CONSUMERS)
        super().__init__()

    def _open_store(self) -> SqlStore:
        return open_store(self._data)

    def conveyor(self) -> Conveyor:
        return self._conveyor

    async def forget(self) -> None:
        self._conveyor = InProcessConveyor(CONSUMERS)

    async def _lose_lines(self) -> None:
        await self.forget()


class Real(Road):
    """PostgreSQL and RabbitMQ, each part with connections of its own."""

    several_relays = True

    def __init__(self, database_url: str, vhost: AbstractContextManager[str]) -> None:
        self._database_url = database_url
        self._conveyors: list[RabbitConveyor] = []
        super().__init__()
        self.amqp_url = self._open.enter_context(vhost)

    def _open_store(self) -> SqlStore:
        return connect_store(self._database_url)

    def conveyor(self) -> Conveyor:
        conveyor = RabbitConveyor(self.amqp_url, "screening-hub test")
        self._conveyors.append(conveyor)
        return conveyor

    async def forget(self) -> None:
        async with await aio_pika.connect(self.amqp_url) as connection:
            channel = await connection.channel()
            for queue in QUEUES:
                await channel.queue_delete(queue.name)
            for exchange in EXCHANGES:
                await channel.exchange_delete(exchange.name)

    async def publish_as_stranger(self, queue: str, message: aio_pika.Message) -> None:
        async with await aio_pika.connect(self.amqp_url) as connection:
            channel = await connection.channel()
            await channel.default_exchange.publish(message, queue)

    async def _lose_lines(self) -> None:
        conveyors, self._conveyors = self._conveyors, []
        await asyncio.gather(*(conveyor.close() for conveyor in conveyors))


# -- conveyors that are watched, or in trouble


class Watched:
    """A conveyor that passes everything on to a real one. Subclasses change one thing about it."""

    def __init__(self, conveyor: Conveyor) -> None:
        self.inner = conveyor

    async def publish(self, envelopes: Sequence[Envelope]) -> list[bool]:
        return await self.inner.publish(envelopes)

    def deliveries(self, consumer: str) -> AsyncIterator[Delivery]:
        return self.inner.deliveries(consumer)

    def dead(self) -> AsyncIterator[DeadDelivery]:
        return self.inner.dead()

    async def depths(self) -> dict[str, Depth]:
        return await self.inner.depths()

    async def away(self) -> str:
        return await self.inner.away()

    async def close(self) -> None:
        await self.inner.close()


def counting(published: Counter[str]) -> Wrap:
    """Counts how often each event id was handed over."""

    class Counting(Watched):
        async def publish(self, envelopes: Sequence[Envelope]) -> list[bool]:
            published.update(envelope.event_id for envelope in envelopes)
            return await self.inner.publish(envelopes)

    return Counting


def repeating(times: int) -> Wrap:
    """Every event is handed over so many times, as if so many relays had failed to write down that they did it."""

    class Repeating(Watched):
        async def publish(self, envelopes: Sequence[Envelope]) -> list[bool]:
            for _ in range(times - 1):
                await self.inner.publish(envelopes)
            return await self.inner.publish(envelopes)

    return Repeating


class Halt:
    """A moment at which a process dies: `await halt.reached()` says that it is there, and goes no further."""

    def __init__(self) -> None:
        self._here = asyncio.Event()

    async def reached(self) -> None:
        async with asyncio.timeout(PATIENCE):
            await self._here.wait()

    def here(self) -> None:
        self._here.set()

    async def stand(self) -> None:
        self.here()
        await asyncio.Event().wait()


def before_publishing(halt: Halt) -> Wrap:
    class Before(Watched):
        async def publish(self, envelopes: Sequence[Envelope]) -> list[bool]:
            await halt.stand()
            return []

    return Before


def after_publishing(halt: Halt) -> Wrap:
    class After(Watched):
        async def publish(self, envelopes: Sequence[Envelope]) -> list[bool]:
            await self.inner.publish(envelopes)
            await halt.stand()
            return []

    return After


def before_acknowledging(halt: Halt, *, after: int) -> Wrap:
    """Nothing is acknowledged; the halt is reached when so many events would have been."""
    handled: list[None] = []

    def acknowledge() -> None:
        handled.append(None)
        if len(handled) >= after:
            halt.here()

    class Before(Watched):
        async def deliveries(self, consumer: str) -> AsyncIterator[Delivery]:
            async for delivery in self.inner.deliveries(consumer):
                yield replace(delivery, acknowledge=acknowledge)

    return Before
