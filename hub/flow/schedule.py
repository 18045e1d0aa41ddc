"""What is done by the clock. Several schedules may run side by side: of each turn of a duty one takes care."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from hub import telemetry
from hub.errors import Retry
from hub.flow.ports.store import Clock, Store

LOOK_SECONDS = 1.0


async def _always() -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Duty:
    """Work that is due every so often, where `is_due` says so. A turn that fails is not made up for: the next comes."""

    name: str
    every: timedelta
    work: Callable[[], Awaitable[object]]
    is_due: Callable[[], Awaitable[bool]] = _always


class Schedule:
    """Runs the duties when their turn comes."""

    def __init__(self, store: Store, duties: Sequence[Duty], clock: Clock) -> None:
        self._store = store
        self._duties = duties
        self._clock = clock

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            for duty in self._duties:
                await self.look_after(duty)
            await asyncio.sleep(LOOK_SECONDS)

    async def look_after(self, duty: Duty) -> bool:
        """Do it if its turn has come and nobody else took it; whether it was done."""
        at = self._clock()
        try:
            if not await duty.is_due():
                return False
            if await self._store.write(lambda tx: tx.duties.take_turn(duty.name, duty.every, at)):
                await duty.work()
                return True
        except Retry as error:
            telemetry.store_failed(error)
        return False
