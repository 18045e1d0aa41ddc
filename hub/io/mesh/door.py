"""The MESH door: collects what waits in our mailbox, has it stored, and only then acknowledges it.

Whatever ends between two of these steps loses nothing: what is not acknowledged waits in MESH and comes again, and the
intake knows the same bytes. Of several processes one at a time polls, by turns.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

from hub import telemetry
from hub.errors import Reason, Retry
from hub.flow.hearing import Hearing
from hub.flow.intake import Intake
from hub.flow.ports.journal import NO_FEED, Via
from hub.flow.ports.store import Clock, Store, Transaction
from hub.io.mesh.client import MeshClient
from hub.io.mesh.errors import MeshAway, MeshGone, MeshRefused
from hub.io.mesh.messages import Collected
from hub.mapping import FeedTables

LOOK_SECONDS = 1.0
HANDSHAKE_EVERY = timedelta(hours=24)
GIVE_UP_AFTER = 3
"""If so many messages in a row cannot be had, it is not they: MESH is away."""
_TURN = "mesh poll"
_UNDECIDED = "hl7v2_oru"
"""Which language a stranger writes is anybody's guess; his file is stored, and not read for its results."""


NOTHING_HEARD: Mapping[str, Hearing] = MappingProxyType({})


class MeshDoor:
    """Polls until cancelled. What waits in front of another thing that cannot be taken does not hold it up. `heard` are
    the workflows that bring no results but events, each with who takes them."""

    def __init__(
        self,
        client: MeshClient,
        intake: Intake,
        feeds: FeedTables,
        store: Store,
        clock: Clock,
        every: timedelta,
        heard: Mapping[str, Hearing] = NOTHING_HEARD,
    ) -> None:
        self._client = client
        self._intake = intake
        self._feeds = feeds
        self._store = store
        self._clock = clock
        self._every = every
        self._heard = heard
        self._greeted_at: datetime | None = None
        self._failed_in_a_row = 0

    async def run(self) -> None:
        look = min(LOOK_SECONDS, self._every.total_seconds())
        while True:
            await self.look()
            await asyncio.sleep(look)

    async def look(self) -> None:
        """Poll if it is our turn. A turn that fails is not made up for: the next one comes."""
        try:
            if await self._take_turn(self._every):
                await self.poll()
                telemetry.part_away("mesh", "")
        except MeshRefused as refused:
            telemetry.mesh_refused(refused.status, refused.code)
        except Retry as error:
            if error.reason is Reason.MESH_AWAY:
                telemetry.part_away("mesh", error.hint)
                telemetry.mesh_failed(error)
            else:
                telemetry.store_failed(error)

    async def poll(self) -> int:
        """Collect all that waits; how much of it is settled. A full page is followed by the next at once."""
        await self._greet()
        self._failed_in_a_row = 0
        seen: set[str] = set()
        settled, after, more = 0, "", True
        while more:
            page = await self._client.inbox(after)
            fresh = [name for name in page.names if name not in seen]
            seen.update(fresh)
            settled += sum([await self._settle(name) for name in fresh])
            after, more = page.after, bool(page.after and fresh)
        telemetry.mesh_polled(len(seen), settled)
        return settled

    async def _greet(self) -> None:
        at = self._clock()
        if self._greeted_at is None or at - self._greeted_at >= HANDSHAKE_EVERY:
            await self._client.handshake()
            self._greeted_at = at

    async def _settle(self, name: str) -> bool:
        """Collect, store, acknowledge: in this order. What fails for itself alone stays in the inbox, and is told."""
        try:
            await self._take(await self._client.collect(name))
            await self._client.acknowledge(name)
        except MeshAway as away:  # it may be this message alone
            self._failed_in_a_row += 1
            if self._failed_in_a_row == GIVE_UP_AFTER:
                raise
            telemetry.mesh_failed(away)
            return False
        except MeshGone:  # another process has settled it
            return True
        except MeshRefused as refused:
            telemetry.mesh_refused(refused.status, refused.code)
            return False
        except Retry as error:
            if error.whole:
                raise
            telemetry.store_failed(error)
            return False
        except Exception as error:  # a fault of ours on this one message: the others must not wait for it
            telemetry.our_fault(error, "mesh")
            return False
        self._failed_in_a_row = 0
        await self._take_turn(timedelta(0))  # still at it: a long page is nobody else's turn
        return True

    async def _take_turn(self, every: timedelta) -> bool:
        at = self._clock()
        return await self._store.write(lambda tx: tx.duties.take_turn(_TURN, every, at))

    async def _take(self, message: Collected) -> None:
        if message.is_report:
            await self._note_undelivered(message)
            return
        table = self._feeds.of_mailbox(message.sender)
        hearing = self._heard.get(message.workflow)
        if hearing and table is None and not message.problem:
            await hearing.take(message.body, "mesh", message.sender[:128])
            return
        via = Via(
            "mesh",
            message.sender[:128],
            table.dialect if table else _UNDECIDED,
            feed=table.feed if table else NO_FEED,
            file=message.file_name,
            delivery=message.name,
        )
        await self._intake.take(message.body, via, message.problem if table else Reason.UNKNOWN_SENDER)

    async def _note_undelivered(self, report: Collected) -> None:
        """A report is no laboratory's message: all it says is what became of one of ours, and there it is kept."""
        at = self._clock()
        known = await self._store.write(lambda tx: _undelivered(tx, report, at))
        telemetry.mesh_report(report.status_code, known=known)


def _undelivered(tx: Transaction, report: Collected, at: datetime) -> bool:
    message = tx.outgoing.find(report.local_id, report.about)
    if message is None and report.local_id:
        message = tx.outgoing.find("", report.about)
    if message is None:
        return False
    if message.state != "taken":
        why = f"undelivered, MESH code {report.status_code[:16] or 'unknown'}"
        tx.outgoing.settle(message.local_id, "failed", at, why=why)
    return True
