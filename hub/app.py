"""The composition root: the only file that knows every part. `running(settings)` is a hub at work."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from adapters import ADAPTERS
from hub import telemetry
from hub.config import Settings
from hub.errors import CannotRun
from hub.flow.consumers import CONSUMERS, RECORDS
from hub.flow.daily_recall import DailyRecall
from hub.flow.dead import DeadLetters
from hub.flow.handlers import Context
from hub.flow.intake import Intake
from hub.flow.patience import patiently
from hub.flow.ports import FOREVER, Clock, Conveyor, Store, Via
from hub.flow.refill import refill, refill_if_lost
from hub.flow.relay import Relay
from hub.flow.replies import ReplyLedger
from hub.flow.schedule import Duty, Schedule
from hub.flow.sending import Sender
from hub.flow.watch import Watch
from hub.flow.worker import Worker
from hub.io.conveyor import InProcessConveyor
from hub.io.mesh import MeshClient, MeshDoor, MeshSettings, mesh_settings
from hub.io.mllp import Answer, FrameProblem, MllpDoor, Peer, door_settings
from hub.io.mllp.conversation import Answering
from hub.io.store import SqlStore, store_of
from hub.mapping import FeedTables, TableProblem, load_feeds, load_policies
from hub.web.site import Ready, Site, site

ROLES = ("intake", "relay", "worker", "schedule", "web")
MLLP_DIALECT = "hl7v2_oru"


def wall_clock() -> datetime:
    """The real time; everything below takes its time as an argument."""
    return datetime.now(UTC)


def feeds_of(settings: Settings) -> FeedTables:
    """The mapping tables of every feed."""
    with _right_tables():
        return load_feeds(settings.mappings / "feeds", ADAPTERS)


def context_of(settings: Settings, clock: Clock = wall_clock) -> Context:
    """What handlers and clerks' decisions need besides a transaction."""
    with _right_tables():
        return Context(load_policies(settings.mappings / "policy"), clock)


@contextmanager
def _right_tables() -> Iterator[None]:
    """The hub does not start on a wrong table; that is no fault of the hub's, and is said in a sentence."""
    try:
        yield
    except TableProblem as problem:
        raise CannotRun(f"{problem} `hub check` lists everything that is wrong with the tables.") from None


@dataclass(slots=True)
class Running:
    """A hub at work: where it listens, and how to know that it has caught up."""

    store: Store
    mllp_port: int = 0
    http_port: int = 0

    async def caught_up(self, patience: float = 60.0) -> None:
        """Wait until every event is confirmed and finished; TimeoutError after `patience` seconds."""
        async with asyncio.timeout(patience):
            while any((await self.store.read(lambda tx: tx.events.backlog())).values()):  # noqa: ASYNC110 - other processes write too: nothing would wake us
                await asyncio.sleep(0.02)


@asynccontextmanager
async def running(
    settings: Settings, roles: tuple[str, ...] = ROLES, clock: Clock = wall_clock
) -> AsyncIterator[Running]:
    """Run the roles in this process until the block ends; what was taken is finished, then everything is closed."""
    feeds, context = feeds_of(settings), context_of(settings, clock)
    post = mesh_settings(settings) if "intake" in roles else None
    mailbox = MeshClient(post, clock) if post else None
    store = store_of(settings)
    conveyor = conveyor_of(settings, roles)
    hub = Running(store)
    relay = Relay(store, conveyor, clock)
    ledger = ReplyLedger(store)
    intake = Intake(store, ADAPTERS, feeds, clock, relay.wake)
    door = MllpDoor(_answering(intake), door_settings(settings), ledger.replied)
    watch = Watch(store, conveyor, clock)
    web_site = Site(
        site(_readiness(store, conveyor, roles), watch.look if "web" in roles or "schedule" in roles else _nothing),
        settings.http_host,
        settings.http_port,
    )
    background: dict[str, Callable[[], list[Coroutine[Any, Any, None]]]] = {
        "intake": lambda: [
            ledger.run(),
            *(_by_mesh(post, mailbox, intake, feeds, store, clock) if post and mailbox else ()),
        ],
        "relay": lambda: [relay.run()],
        "worker": lambda: [
            Worker(store, conveyor, context, RECORDS, relay.wake).run(),
            DeadLetters(store, conveyor, context).run(),
        ],
        "schedule": lambda: [
            Schedule(store, _duties(settings, store, conveyor, clock), clock).run(),
            *_by_the_day(settings, store, context, clock),
        ],
    }
    tasks: list[asyncio.Task[None]] = []
    try:
        if "relay" in roles and not settings.amqp_url:  # what was on the conveyor died with the process before
            await patiently(refill, store, FOREVER)
        tasks += [asyncio.create_task(_watched(name, work)) for name in roles for work in background.get(name, list)()]
        if "intake" in roles:
            await door.start()
            hub.mllp_port = door.port
        await web_site.start()
        hub.http_port = web_site.port
        yield hub
    finally:
        await door.stop()
        await web_site.stop()
        await _end(tasks)
        if mailbox:
            await mailbox.close()
        await conveyor.close()
        with suppress(Exception):  # the last notes about replies are not worth a failed shutdown
            await ledger.write_down()
        await store.close()


def _by_mesh(
    post: MeshSettings, mailbox: MeshClient, intake: Intake, feeds: FeedTables, store: Store, clock: Clock
) -> list[Coroutine[Any, Any, None]]:
    """The door that collects our mailbox, and the sender of what goes to laboratories."""
    door = MeshDoor(mailbox, intake, feeds, store, clock, post.poll_every)
    return [door.run(), Sender(store, mailbox, clock).run()]


def conveyor_of(settings: Settings, roles: tuple[str, ...] = ()) -> Conveyor:
    """The conveyor the settings name."""
    if not settings.amqp_url:
        return InProcessConveyor(CONSUMERS)
    from hub.io.rabbit.conveyor import RabbitConveyor  # aio-pika is loaded where there is a broker

    return RabbitConveyor(settings.amqp_url, "screening-hub " + "+".join(roles))


def _duties(settings: Settings, store: Store, conveyor: Conveyor, clock: Clock) -> list[Duty]:
    limit = timedelta(seconds=settings.refill_seconds)
    return [Duty("refill", limit, partial(refill_if_lost, store, conveyor, clock, limit))]


def _by_the_day(settings: Settings, store: SqlStore, context: Context, clock: Clock) -> list[Coroutine[Any, Any, None]]:
    """A schedule of its own: the daily run takes long, and nothing else may wait for it."""
    if settings.recall_at is None:
        return []
    recall = DailyRecall(store, store.write_now, context.policies, clock, settings.recall_at)
    return [Schedule(store, [recall.duty()], clock).run()]


async def _nothing() -> None:
    """Only those who look after the whole hub look at the whole store."""


async def _watched(role: str, work: Coroutine[Any, Any, None]) -> None:
    """A role that dies of a bug takes the process with it, loudly: a supervisor starts it again."""
    try:
        await work
    except asyncio.CancelledError:
        raise
    except BaseException as error:
        telemetry.our_fault(error, role)
        asyncio.get_running_loop().call_soon(_abandon)
        raise


def _abandon() -> None:
    raise SystemExit(1)


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _answering(intake: Intake) -> Answering:
    """How the MLLP door has a frame answered."""

    async def answer(body: bytes, peer: Peer, problem: FrameProblem | None) -> Answer:
        who = (peer.certificate_subject or peer.host)[:128]
        via = Via("mllp", who, MLLP_DIALECT, certificate=peer.common_name, address=peer.host)
        answered = await intake.take(body, via, problem.reason if problem else None)
        return Answer(answered.body, answered.reply_seq, answered.then)

    return answer


def _readiness(store: Store, conveyor: Conveyor, roles: tuple[str, ...]) -> Ready:
    """What stands in the way of these roles. An intake alone needs no broker: what it takes waits in the outbox."""
    parts = {"store": store.away, "broker": conveyor.away}
    if roles == ("intake",):
        del parts["broker"]

    async def away() -> dict[str, str]:
        found = {part: await is_away() for part, is_away in parts.items()}
        for part, why in found.items():
            telemetry.part_away(part, why)
        return {part: why for part, why in found.items() if why}

    return away
