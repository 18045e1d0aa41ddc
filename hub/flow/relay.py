"""The relay: hands the outbox to the conveyor and records that it holds the events.

The outbox is the truth, so a relay may forget everything at any moment. Several may run side by side: what one has
claimed the others pass over, and if it dies its claims die with its line to the database.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial
from time import monotonic

from hub import telemetry
from hub.contract import Envelope
from hub.flow.patience import patiently
from hub.flow.ports.events import Conveyor
from hub.flow.ports.store import Clock, Store, Transaction

BATCH = 500
GATHER_SECONDS = 0.05
"""At least so long between two hand-overs: whoever is busy finds company, in fewer and larger ones. Whoever has
rested begins at once."""


class Relay:
    """One relay loop. `wake()` ends its sleep at once; where nobody can wake it (another process wrote to an SQLite
    file) it looks every `store.poll_seconds`."""

    def __init__(self, store: Store, conveyor: Conveyor, clock: Clock) -> None:
        self._store = store
        self._conveyor = conveyor
        self._clock = clock
        self._woken = asyncio.Event()
        self._handed_over_at = 0.0

    def wake(self) -> None:
        self._woken.set()

    async def run(self) -> None:
        """Relay until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._store.listen(self.wake))
            group.create_task(self._relay_on())

    async def _relay_on(self) -> None:
        while True:
            await patiently(self.relay_once)
            self._handed_over_at = monotonic()
            await self._sleep()

    async def _sleep(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._store.poll_seconds):  # Python 3.11's wait_for may swallow a cancellation
                await self._woken.wait()
        await asyncio.sleep(self._handed_over_at + GATHER_SECONDS - monotonic())
        self._woken.clear()

    async def relay_once(self) -> int:
        """Move everything that waits; returns how many events the conveyor confirmed."""
        moved = after = 0
        while True:
            last, confirmed = await self._hand_over(after)
            if last is None:
                return moved
            moved += confirmed
            after = last

    async def _hand_over(self, after: int) -> tuple[int | None, int]:
        """One batch; returns the number of its last event (None where there was none) and how many were confirmed."""
        async with self._store.claiming() as run:
            rows = await run(partial(_claim, after=after))
            if not rows:
                return None, 0
            sure = await self._conveyor.publish([envelope for _, envelope in rows])
            done = [row for row, is_sure in zip(rows, sure, strict=True) if is_sure]
            at = self._clock()
            await run(lambda tx: tx.events.confirm([seq for seq, _ in done], at))
        for _, envelope in done:
            telemetry.event_confirmed(envelope.type)
        return rows[-1][0], len(done)


def _claim(tx: Transaction, *, after: int) -> list[tuple[int, Envelope]]:
    return tx.events.claim(after, BATCH)
