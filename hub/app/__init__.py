"""The composition root: the only room that knows every part. `running(settings)` is a hub at work."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from hub import telemetry
from hub.app.doors import MLLP_DIALECT, by_mesh, by_sqs, mllp_door, partners_door, rehearsal_door
from hub.app.parts import Parts, conveyor_of, duties_of, notify_of, parts_of, pds_of
from hub.app.readiness import readiness, without
from hub.app.tables import context_of, feeds_of, plan_ids_of, wall_clock
from hub.app.telling import telling
from hub.config import Settings
from hub.flow.asker import Asker
from hub.flow.consumers import RECORDS
from hub.flow.daily_recall import DailyRecall
from hub.flow.dead import DeadLetters
from hub.flow.patience import patiently
from hub.flow.ports.events import FOREVER
from hub.flow.ports.store import Clock, Store
from hub.flow.refill import refill
from hub.flow.schedule import Schedule
from hub.flow.watch import Watch
from hub.flow.worker import Worker
from hub.io.mesh import MeshClient, mesh_settings
from hub.web.site import Site, site

if TYPE_CHECKING:
    from hub.io.notify import NotifyDoor
    from hub.io.pds import PdsDoor

__all__ = [
    "MLLP_DIALECT",
    "ROLES",
    "Running",
    "context_of",
    "conveyor_of",
    "feeds_of",
    "notify_of",
    "pds_of",
    "plan_ids_of",
    "running",
    "wall_clock",
]

ROLES = ("intake", "relay", "worker", "schedule", "web")
Work = Coroutine[Any, Any, None]


@dataclass(slots=True)
class Running:
    """A hub at work: where it listens, and how to know that it has caught up."""

    store: Store
    mllp_port: int = 0
    rehearsal_port: int = 0
    http_port: int = 0
    partners_url: str = ""
    pds: PdsDoor | None = None
    notify: NotifyDoor | None = None

    async def caught_up(self, patience: float = 60.0) -> None:
        """Wait until every event is confirmed and finished; TimeoutError after `patience` seconds."""
        async with asyncio.timeout(patience):
            while any((await self.store.read(lambda tx: tx.events.backlog())).values()):  # noqa: ASYNC110 - other processes write too: nothing would wake us
                await asyncio.sleep(0.02)


@asynccontextmanager
async def running(
    settings: Settings, roles: tuple[str, ...] = ROLES, clock: Clock = wall_clock
) -> AsyncIterator[Running]:
    """Run the roles in this process until the block ends; what was taken is finished, then everything is closed: the
    doors first, the store last."""
    parts = parts_of(settings, roles, clock)
    hub = Running(parts.store, pds=parts.pds, notify=parts.notify)
    async with AsyncExitStack() as closing:
        closing.push_async_callback(parts.store.close)
        closing.push_async_callback(_write_down, parts)
        closing.push_async_callback(parts.conveyor.close)
        for door in (parts.pds, parts.notify):
            if door:
                closing.push_async_callback(door.close)
        if "relay" in roles and not settings.amqp_url:  # what was on the conveyor died with the process before
            await patiently(refill, parts.store, FOREVER)
        for role in roles:
            works = _intake(parts, closing) if role == "intake" else _background(role, parts)
            tasks = [asyncio.create_task(_watched(role, work)) for work in works]
            closing.push_async_callback(_end, tasks)
        if "intake" in roles:
            await _open_doors(parts, hub, closing)
        await _open_site(parts, hub, closing)
        yield hub


def _background(role: str, parts: Parts) -> list[Work]:
    """What a role does beside doors and pages."""
    if role == "relay":
        return [parts.relay.run()]
    if role == "worker":
        worker = Worker(parts.store, parts.conveyor, parts.context, RECORDS, parts.relay.wake)
        return [
            worker.run(),
            DeadLetters(parts.store, parts.conveyor, parts.context).run(),
            Asker(
                parts.store,
                parts.pds,
                parts.context,
                timedelta(seconds=parts.settings.pds_patience_seconds),
                parts.relay.wake,
            ).run(),
            *telling(parts),
        ]
    if role == "schedule":
        return [Schedule(parts.store, duties_of(parts), parts.clock).run(), *_by_the_day(parts)]
    return []


def _by_the_day(parts: Parts) -> list[Work]:
    """A schedule of its own: the daily run takes long, and nothing else may wait for it."""
    if parts.settings.recall_at is None:
        return []
    store = parts.store
    recall = DailyRecall(store, store.write_now, parts.context.policies, parts.clock, parts.settings.recall_at)
    return [Schedule(store, [recall.duty()], parts.clock).run()]


def _intake(parts: Parts, closing: AsyncExitStack) -> list[Work]:
    """What an intake does beside its doors: it notes what became of replies, and looks into our mailbox and our
    queue."""
    works = [parts.ledger.run(), *by_sqs(parts)]
    if post := mesh_settings(parts.settings):
        mailbox = MeshClient(post, parts.clock)
        closing.push_async_callback(mailbox.close)
        works += by_mesh(parts, post, mailbox)
    return works


async def _open_doors(parts: Parts, hub: Running, closing: AsyncExitStack) -> None:
    door = mllp_door(parts)
    closing.push_async_callback(door.stop)
    await door.start()
    hub.mllp_port = door.port
    if rehearsal := rehearsal_door(parts):
        closing.push_async_callback(rehearsal.stop)
        await rehearsal.start()
        hub.rehearsal_port = rehearsal.port
    partners = partners_door(parts)
    closing.push_async_callback(partners.stop)
    await partners.start()
    hub.partners_url = partners.url


async def _open_site(parts: Parts, hub: Running, closing: AsyncExitStack) -> None:
    live = [table.feed for table in parts.feeds if table.status == "live"]
    watch = Watch(parts.store, parts.conveyor, parts.clock, live)
    looks = {"web", "schedule"} & set(parts.roles)  # only those who look after the whole hub look at the whole store
    is_ready = readiness(parts.store, parts.conveyor, parts.roles)
    settings = parts.settings
    pages = Site(
        site(is_ready, watch.look if looks else _nothing, without(parts.store, parts.pds, parts.notify)),
        settings.http_host,
        settings.http_port,
    )
    closing.push_async_callback(pages.stop)
    await pages.start()
    hub.http_port = pages.port


async def _nothing() -> None:
    """There is nothing to be looked at."""


async def _write_down(parts: Parts) -> None:
    with suppress(Exception):  # the last notes about replies are not worth a failed shutdown
        await parts.ledger.write_down()


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
