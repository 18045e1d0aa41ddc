"""RabbitMQ as the conveyor: what it confirms is there, whatever is cut, stalled, killed or deleted meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from time import monotonic

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel

from hub import telemetry
from hub.contract import Envelope
from hub.errors import CannotRun
from hub.flow.consumers import RECORDS
from hub.flow.ports.events import Delivery
from hub.io.rabbit.conveyor import PREFETCH, RabbitConveyor
from hub.io.rabbit.link import CONNECT_SECONDS, BrokerAway
from hub.io.rabbit.topology import DEAD, EVENTS, EXCHANGES, MANUAL_MATCH, QUEUES, is_wanted, queue_of
from tests.servers import FaultProxy, RabbitNode, VirtualHosts, install

pytestmark = pytest.mark.servers

OURS = queue_of(RECORDS)
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def event(number: int, kind: str = "ResultReported") -> Envelope:
    return Envelope(f"event-{number}", kind, f"result-{number}", NOW, b'{"number":%d}' % number, feed="northmoor")


def events(count: int, first: int = 0) -> list[Envelope]:
    return [event(number) for number in range(first, first + count)]


@pytest.fixture(scope="module")
def broker() -> Iterator[RabbitNode]:
    """One that may be killed and wiped: nobody else's."""
    install.ensure("rabbitmq")
    with RabbitNode() as node:
        yield node


@pytest.fixture
async def url(rabbit: VirtualHosts) -> AsyncIterator[str]:
    """A virtual host in which nothing stands."""
    with rabbit.fresh_vhost() as url:
        await delete_all(url)
        yield url


@asynccontextmanager
async def channel_of(url: str) -> AsyncIterator[AbstractChannel]:
    """What somebody else does at the broker."""
    async with await aio_pika.connect(url) as connection:
        yield await connection.channel()


async def delete_all(url: str) -> None:
    async with channel_of(url) as channel:
        for queue in QUEUES:
            await channel.queue_delete(queue.name)
        for exchange in EXCHANGES:
            await channel.exchange_delete(exchange.name)


@asynccontextmanager
async def conveying(url: str, *, confirm_seconds: float = 5.0) -> AsyncIterator[RabbitConveyor]:
    conveyor = RabbitConveyor(url, "test", confirm_seconds=confirm_seconds)
    try:
        yield conveyor
    finally:
        await conveyor.close()


class Taking:
    """A consumer: keeps what comes, and acknowledges it unless told otherwise."""

    def __init__(self, conveyor: RabbitConveyor, *, acknowledging: bool = True) -> None:
        self.taken: list[Delivery] = []
        self._acknowledging = acknowledging
        self._task = asyncio.create_task(self._take(conveyor))

    async def _take(self, conveyor: RabbitConveyor) -> None:
        async for delivery in conveyor.deliveries(RECORDS):
            self.taken.append(delivery)
            if self._acknowledging:
                delivery.acknowledge()

    @property
    def ids(self) -> set[str]:
        return {delivery.envelope.event_id for delivery in self.taken}

    async def __aenter__(self) -> Taking:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


async def until(true: Callable[[], bool], seconds: float = 20.0) -> None:
    for _ in range(int(seconds * 50)):
        if true():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("It never came to that.")


async def published(conveyor: RabbitConveyor, envelopes: list[Envelope], seconds: float = 25.0) -> None:
    """As a relay does it: again until all of it is confirmed."""
    left = envelopes
    async with asyncio.timeout(seconds):
        while left:
            try:
                sure = await conveyor.publish(left)
                left = [envelope for envelope, is_sure in zip(left, sure, strict=True) if not is_sure]
            except BrokerAway:
                pass
            if left:
                await asyncio.sleep(0.05)


def counted(name: str) -> float:
    samples = [sample for metric in telemetry.REGISTRY.collect() for sample in metric.samples]
    return sum(sample.value for sample in samples if sample.name == f"{name}_total")


@pytest.fixture
def differing(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the hub says stands at the broker with other arguments."""
    told: list[str] = []
    monkeypatch.setattr(telemetry, "topology_differs", told.append)
    return told


# -- the topology


async def test_what_goes_in_comes_out_as_it_was(url: str) -> None:
    async with conveying(url) as conveyor, Taking(conveyor) as consumer:
        assert await conveyor.publish(events(250)) == [True] * 250
        await until(lambda: len(consumer.taken) == 250)
        assert {delivery.envelope for delivery in consumer.taken} == set(events(250))


async def test_what_is_declared_twice_is_there_once_and_nothing_is_told(url: str, differing: list[str]) -> None:
    async with conveying(url) as one, conveying(url) as other:
        await asyncio.gather(one.publish(events(1)), other.publish(events(1, 1)))
        depths = await one.depths()
    assert set(depths) == {queue.name for queue in QUEUES}
    assert differing == []


async def test_other_arguments_at_the_broker_are_told_and_stop_nothing(url: str, differing: list[str]) -> None:
    async with channel_of(url) as channel:
        await channel.declare_queue(OURS, durable=True)
    async with channel_of(url) as channel:
        await channel.declare_exchange("screening.dead", "direct", durable=True)
    async with conveying(url) as conveyor, Taking(conveyor) as consumer:
        assert await conveyor.publish(events(3)) == [True] * 3
        await until(lambda: len(consumer.ids) == 3)
    assert differing == ["screening.dead", OURS]


async def test_what_nobody_of_ours_wants_is_no_failure(url: str) -> None:
    async with conveying(url) as conveyor:
        returned = counted("hub_events_returned")
        assert await conveyor.publish([event(1, "LetterWished")]) == [True]
        assert counted("hub_events_returned") == returned


async def test_what_no_queue_takes_is_not_confirmed_until_one_does(url: str) -> None:
    async with conveying(url) as conveyor:
        assert await conveyor.publish(events(1)) == [True]
        async with channel_of(url) as channel:
            await channel.queue_delete(OURS)
        returned = counted("hub_events_returned")
        assert await conveyor.publish([*events(2), event(9, "ResultParked")]) == [False, False, True]
        assert counted("hub_events_returned") == returned + 2
        await published(conveyor, events(2))
        assert (await conveyor.depths())[OURS].waiting >= 0


async def test_an_exchange_that_is_gone_is_made_again(url: str) -> None:
    async with conveying(url) as conveyor:
        await conveyor.publish(events(1))
        async with channel_of(url) as channel:
            await channel.exchange_delete(EVENTS)
        await published(conveyor, events(3))


async def test_a_consumer_whose_queue_is_deleted_goes_on_with_the_next(url: str) -> None:
    async with conveying(url) as conveyor, conveying(url) as relay, Taking(conveyor) as consumer:
        await published(relay, events(2))
        await until(lambda: len(consumer.ids) == 2)
        async with channel_of(url) as channel:
            await channel.queue_delete(OURS)
        await published(relay, events(3, 2))
        await until(lambda: len(consumer.ids) == 5)


async def test_the_depths_of_what_is_deleted_are_known_again(url: str) -> None:
    """A schedule looks at them to find out what was lost."""
    async with conveying(url) as conveyor:
        await conveyor.publish(events(2))
        async with channel_of(url) as channel:
            await channel.queue_delete(OURS)
            await channel.queue_delete(DEAD)
        with pytest.raises(BrokerAway):
            await conveyor.depths()
        depths = await conveyor.depths()
        assert depths[OURS].waiting == 0
        assert depths[MANUAL_MATCH].ours is False


async def test_of_what_is_handed_over_together_each_has_its_own_answer(url: str) -> None:
    """Events that come back, among others that are taken: no confirm is taken for another event's, not even after
    somebody has stopped waiting in the middle."""
    kinds = ["ResultReported", "ResultMatched", "MatchUndone", "ResultParked"] * 3
    mixed = [event(number, kind) for number, kind in enumerate(kinds)]
    async with conveying(url) as conveyor:
        assert all(await conveyor.publish(mixed))
        async with channel_of(url) as channel:
            for queue in QUEUES:
                await channel.queue_delete(queue.name)
        sure = await conveyor.publish(mixed)
        assert [each for each, is_sure in zip(kinds, sure, strict=True) if not is_sure] == [
            kind for kind in kinds if is_wanted(kind)
        ]
        assert all(await conveyor.publish(mixed)), "what was gone is made again"
        for turns in range(8):
            waiting = asyncio.create_task(conveyor.publish(mixed))
            for _ in range(turns):
                await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
        async with channel_of(url) as channel:
            for queue in QUEUES:
                await channel.queue_delete(queue.name)
        assert [not is_wanted(kind) for kind in kinds] == await conveyor.publish(mixed)


# -- a broker in trouble


async def test_a_confirm_that_never_comes_is_no_confirm_and_nothing_hangs(broker: RabbitNode) -> None:
    with broker.fresh_vhost() as url:
        async with FaultProxy(broker.port) as network:
            through = url.replace(f":{broker.port}/", f":{network.port}/")
            async with conveying(through, confirm_seconds=0.5) as conveyor:
                assert await conveyor.publish(events(1)) == [True]
                for fault in (network.stall, network.lose_replies):
                    fault()
                    began = monotonic()
                    with pytest.raises(BrokerAway):
                        await conveyor.publish(events(5))
                    assert monotonic() - began < 6
                    await network.flow()
                    await published(conveyor, events(5))


async def test_away_says_soon_that_the_broker_stalls(broker: RabbitNode, monkeypatch: pytest.MonkeyPatch) -> None:
    assert CONNECT_SECONDS <= 5
    monkeypatch.setattr("hub.io.rabbit.conveyor.CONNECT_SECONDS", 1.0)
    async with (
        FaultProxy(broker.port) as network,
        conveying(f"amqp://guest:guest@127.0.0.1:{network.port}/") as conveyor,
    ):
        assert await conveyor.away() == ""
        network.stall()
        for _ in range(2):
            began = monotonic()
            assert await conveyor.away() != ""
            assert monotonic() - began < 2
        await network.flow()
        network.cut()
        await asyncio.sleep(0.05)
        assert await conveyor.away() == ""


async def test_a_line_that_is_cut_again_and_again_loses_nothing(broker: RabbitNode) -> None:
    with broker.fresh_vhost() as url:
        async with FaultProxy(broker.port) as network:
            through = url.replace(f":{broker.port}/", f":{network.port}/")
            async with conveying(through) as relay, conveying(through) as worker, Taking(worker) as consumer:
                for first in range(0, 200, 20):
                    publishing = asyncio.create_task(published(relay, events(20, first)))
                    await asyncio.sleep(0.01 * (first % 7))
                    network.cut()
                    await publishing
                await until(lambda: len(consumer.ids) == 200)


async def test_what_was_confirmed_survives_a_killed_broker_and_both_sides_go_on(broker: RabbitNode) -> None:
    broker.make_vhost("kill")
    async with conveying(broker.url("kill")) as relay, conveying(broker.url("kill")) as worker:
        await published(relay, events(50))
        async with Taking(worker) as consumer:
            await until(lambda: len(consumer.ids) == 50)
            await published(relay, events(10, 50))
            publishing = asyncio.create_task(published(relay, events(30, 60)))
            await asyncio.to_thread(broker.kill)
            assert await relay.away() != ""
            await asyncio.to_thread(broker.start)
            await publishing
            await until(lambda: len(consumer.ids) == 90)
            assert await relay.away() == ""


async def test_the_next_node_is_taken_where_one_is_dead(url: str, broker: RabbitNode) -> None:
    async with FaultProxy(broker.port) as network:
        network.refuse()
        dead = f"amqp://guest:guest@127.0.0.1:{network.port}/"
        async with conveying(f"{dead}, {url}") as conveyor, Taking(conveyor) as consumer:
            await published(conveyor, events(3))
            await until(lambda: len(consumer.ids) == 3)


# -- how much, and how it ends


async def test_whoever_acknowledges_nothing_gets_a_bounded_number(url: str) -> None:
    async with conveying(url) as conveyor, Taking(conveyor, acknowledging=False) as consumer:
        await published(conveyor, events(3 * PREFETCH))
        await until(lambda: len(consumer.taken) == PREFETCH)
        await asyncio.sleep(0.3)
        assert len(consumer.taken) == PREFETCH
        assert await waiting(conveyor, 2 * PREFETCH)


async def waiting(conveyor: RabbitConveyor, wanted: int) -> bool:
    """RabbitMQ counts a moment later than it confirms."""
    for _ in range(100):
        if (await conveyor.depths())[OURS].waiting == wanted:
            return True
        await asyncio.sleep(0.05)
    return False


async def test_what_was_not_acknowledged_comes_to_the_next(url: str) -> None:
    async with conveying(url) as conveyor:
        await published(conveyor, events(30))
        async with conveying(url) as first, Taking(first, acknowledging=False) as consumer:
            await until(lambda: len(consumer.ids) == 30)
        async with conveying(url) as second, Taking(second) as consumer:
            await until(lambda: len(consumer.ids) == 30)
        assert await waiting(conveyor, 0)


@pytest.mark.parametrize("after", [0.0, 0.004, 0.02, 0.05, 0.1])
async def test_whoever_is_stopped_stops_and_leaves_nothing(url: str, after: float) -> None:
    """Also in the middle of connecting. Warnings are errors here, so a socket that is left open is one."""
    before = asyncio.all_tasks()
    async with conveying(url) as conveyor, Taking(conveyor) as consumer:
        publishing = asyncio.create_task(conveyor.publish(events(5)))
        await asyncio.sleep(after)
        publishing.cancel()
        async with asyncio.timeout(8):
            await asyncio.gather(publishing, return_exceptions=True)
            await consumer.__aexit__()
    await asyncio.sleep(0.05)
    assert asyncio.all_tasks() == before


async def test_no_password_is_ever_said(url: str, capfd: pytest.CaptureFixture[str]) -> None:
    telemetry.configure(json=True, level="debug")
    try:
        for wrong in (url.replace("guest:guest@", "guest:Quillfeather@"), "amqp://guest:Quillfeather@127.0.0.1:1/"):
            async with conveying(wrong) as conveyor:
                with pytest.raises(BrokerAway) as caught:
                    await conveyor.publish(events(1))
                assert "Quillfeather" not in f"{caught.value!r} {caught.value} {caught.value.hint}"
                assert "Quillfeather" not in await conveyor.away()
        for unreadable in ("amqp://guest:Quillfeather@host:port/", "amqp://[guest:Quillfeather", " , "):
            with pytest.raises(CannotRun, match="HUB_AMQP_URL") as said:
                RabbitConveyor(unreadable, "test")
            assert "Quillfeather" not in f"{said.value!r} {said.value} {said.value.__cause__!r}"
    finally:
        telemetry.configure(json=True, level="warning")
    out, err = capfd.readouterr()
    assert "Quillfeather" not in out + err
