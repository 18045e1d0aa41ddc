"""What became of the replies: kept apart from what became of the messages, written down in groups."""

from __future__ import annotations

import asyncio
from datetime import datetime

from hub import telemetry
from hub.errors import Retry
from hub.flow.ports.store import Clock, Store

GATHER_SECONDS = 0.2


class ReplyLedger:
    """Hears from the door whether a reply went out, and notes it in the journal a little later.

    Nothing depends on it being exact: after a crash a reply stays `owed`, which says that we do not know.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._outcomes: list[tuple[int, bool, datetime]] = []
        self._some = asyncio.Event()

    def replied(self, token: object, sent: bool) -> None:
        """The door's hook: the reply named by `token` went out, or could not."""
        if isinstance(token, int):
            self._outcomes.append((token, sent, self._clock()))
            self._some.set()

    async def run(self) -> None:
        """Write down until cancelled."""
        while True:
            await self._some.wait()
            await asyncio.sleep(GATHER_SECONDS)
            await self.write_down()

    async def write_down(self) -> None:
        self._some.clear()
        outcomes, self._outcomes = self._outcomes, []
        if not outcomes:
            return
        try:
            await self._store.write(lambda tx: tx.journal.replied(outcomes))
        except Retry as error:
            telemetry.store_failed(error)
            self._outcomes[:0] = outcomes
            self._some.set()
