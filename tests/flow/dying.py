"""A sender that may die at any moment: before or after whatever it has the store or Notify do."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from hub.domain.communications import Batch, Handed, News
from hub.flow.ports.communications import Messenger
from hub.flow.ports.store import Work
from hub.io.store import SqlStore


class Killed(BaseException):
    """The process dies here."""


class Mortal:
    """Store and messenger of one sender; `chance` decides at which of its acts it dies."""

    def __init__(self, store: SqlStore, messenger: Messenger, chance: random.Random, often: float) -> None:
        self._store = store
        self._messenger = messenger
        self._chance = chance
        self._often = often

    def _perhaps(self) -> None:
        if self._chance.random() < self._often:
            raise Killed

    async def write(self, work: Work[Any], *, at_door: bool = False) -> Any:
        self._perhaps()
        done = await self._store.write(work, at_door=at_door)
        self._perhaps()
        return done

    async def read(self, work: Work[Any]) -> Any:
        return await self._store.read(work)

    async def hand_over(self, batch: Batch) -> Handed:
        self._perhaps()
        answer = await self._messenger.hand_over(batch)
        self._perhaps()
        return answer

    async def ask(self, message_id: str) -> Sequence[News] | None:
        self._perhaps()
        return await self._messenger.ask(message_id)
