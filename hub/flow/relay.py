"""The relay: hands the outbox to the conveyor, and hands over again what was confirmed but never finished.

The outbox is the truth, so the relay may forget everything at any moment. An event is *confirmed* when the conveyor
holds it, and *finished* when the inbox of every consumer holds its id; a conveyor that lost its memory (a wiped
broker, this process killed) is refilled from the difference.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial

from hub import telemetry
from hub.contract import Envelope
from hub.flow.patience import patiently
from hub.flow.ports import Clock, Conveyor, Store, Transaction

BATCH = 500
IDLE_SECONDS = 0.25
GATHER_SECONDS = 0.02


class Relay:
    """One relay loop. `wake()` ends its sleep at once; without it the outbox is looked at every quarter of a second,
    which is how events written by other processes (a clerk's command) are found."""

    def __init__(self, store: Store, conveyor: Conveyor, clock: Clock, refill_after: timedelta) -> None:
        self._store = store
        self._conveyor = conveyor
        self._clock = clock
        self._refill_after = refill_after
        self._woken = asyncio.Event()

    def wake(self) -> None:
        self._woken.set()

    async def run(self, *, conveyor_is_empty: bool) -> None:
        """Relay until cancelled. `conveyor_is_empty` says that whatever was confirmed before is not there any more."""
        if conveyor_is_empty:
            await patiently(self.refill, self._clock())
        refilled_at = self._clock()
        while True:
            moved: int = await patiently(self.relay_once)
            if self._clock() - refilled_at >= self._refill_after:
                await patiently(self.refill, self._clock() - self._refill_after)
                refilled_at = self._clock()
            if not moved:
                await self._sleep()

    async def _sleep(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(IDLE_SECONDS):  # not wait_for: Python 3.11's may swallow that we are cancelled
                await self._woken.wait()
            await asyncio.sleep(GATHER_SECONDS)  # whoever is awake finds company: fewer, larger hand-overs
        self._woken.clear()

    async def relay_once(self) -> int:
        """Move everything that waits; returns how many events the conveyor confirmed."""
        moved = after = 0
        while True:
            rows = await self._store.read(partial(_unconfirmed, after=after))
            if not rows:
                return moved
            moved += await self._hand_over(rows)
            after = rows[-1][0]

    async def refill(self, before: datetime) -> int:
        """Send again what was confirmed up to `before` and is not finished; page by page, never all in memory."""
        sent = after = 0
        while True:
            rows = await self._store.read(partial(_unfinished, before=before, after=after))
            if not rows:
                return sent
            sent += sum(await self._conveyor.publish([envelope for _, envelope in rows]))
            telemetry.events_resent(len(rows))
            after = rows[-1][0]

    async def _hand_over(self, rows: list[tuple[int, Envelope]]) -> int:
        confirmed = await self._conveyor.publish([envelope for _, envelope in rows])
        done = [row for row, sure in zip(rows, confirmed, strict=True) if sure]
        if done:
            at = self._clock()
            await self._store.write(lambda tx: tx.events.confirm([seq for seq, _ in done], at))
            for _, envelope in done:
                telemetry.event_confirmed(envelope.type)
        return len(done)


def _unconfirmed(tx: Transaction, *, after: int) -> list[tuple[int, Envelope]]:
    return tx.events.unconfirmed(after, BATCH)


def _unfinished(tx: Transaction, *, before: datetime, after: int) -> list[tuple[int, Envelope]]:
    return tx.events.unfinished(before, after, BATCH)
