"""The hub of a simulated year: its real parts in one process, and a clock that is set by hand."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date, datetime, time
from itertools import count
from typing import TypeVar

from hub.app.parts import parts_of
from hub.config import Settings
from hub.contract import event_from_json
from hub.domain.dates import ENGLAND
from hub.domain.events import LetterWished
from hub.flow.answered import Answered
from hub.flow.clerks import Refused
from hub.flow.consumers import RECORDS
from hub.flow.ports.journal import Via
from hub.flow.ports.store import Transaction
from hub.flow.step import Step, tell_all
from hub.flow.worker import Worker

T = TypeVar("T")

ROLES = ("intake", "relay", "worker")
AT_ONCE = 500
"""Messages on their way at once, and events read at once."""


def moment(on: date, hour: int) -> datetime:
    return datetime.combine(on, time(hour), ENGLAND)


class Hub:
    """`now` is its clock: set it."""

    def __init__(self, settings: Settings, now: datetime) -> None:
        self.now = now
        alone = replace(settings, amqp_url="", pds_url="")  # nobody outside hears of people who do not exist
        self._parts = parts_of(alone, ROLES, lambda: self.now)
        self.store = self._parts.store
        self.policies = self._parts.context.policies
        self.mappings = settings.mappings
        self.feeds = frozenset(table.feed for table in self._parts.feeds)
        self._causes = count(1)
        self._read_up_to = 0

    @classmethod
    def on(cls, settings: Settings, first: date) -> Hub:
        """As it is at the beginning of its first day."""
        return cls(settings, moment(first, 1))

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Its worker works until the block ends; then the store is closed."""
        parts = self._parts
        worker = Worker(parts.store, parts.conveyor, parts.context, RECORDS, lambda: None)
        working = asyncio.create_task(worker.run())
        try:
            yield
        finally:
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)
            await parts.store.close()

    async def take(self, messages: Sequence[tuple[bytes, Via]]) -> list[Answered]:
        """Messages come to the doors, many at a time; returns their answers once everything has been worked off."""
        answered: list[Answered] = []
        for first in range(0, len(messages), AT_ONCE):
            some = messages[first : first + AT_ONCE]
            answered += await asyncio.gather(*(self._parts.intake.take(raw, via) for raw, via in some))
        await self.catch_up()
        return answered

    async def catch_up(self) -> None:
        """Until the conveyor has had every event, and the worker has handled its own."""
        while await self._parts.relay.relay_once() or await self._under_way():  # noqa: ASYNC110 - nobody wakes us
            await asyncio.sleep(0)

    async def _under_way(self) -> bool:
        return any(each.waiting + each.in_hands for each in (await self._parts.conveyor.depths()).values())

    def read(self, work: Callable[[Transaction], T]) -> T:
        return self.store.read_now(work)

    def step(self, work: Callable[[Step], object]) -> None:
        """Do something in a transaction of its own, as the command line does."""
        cause = f"simulated year, {next(self._causes)}"

        def done(tx: Transaction) -> Step:
            step = Step(tx, self.policies, self.now, cause)
            work(step)
            return step

        tell_all(self.store.write_now(done).told)

    def allows(self, what: str, work: Callable[[Step], object], counts: Counter[str]) -> bool:
        """Do what somebody decided, unless a rule refuses it; counted either way."""
        try:
            self.step(work)
        except Refused:
            counts["refused"] += 1
            return False
        counts[what] += 1
        return True

    def steps(self, works: Sequence[Callable[[Step], object]]) -> None:
        """Do several things in one transaction, one after the other."""
        causes = [f"simulated year, {next(self._causes)}" for _ in works]

        def done(tx: Transaction) -> list[Step]:
            steps = [Step(tx, self.policies, self.now, cause) for cause in causes]
            for step, work in zip(steps, works, strict=True):
                work(step)
            return steps

        if works:
            for step in self.store.write_now(done):
                tell_all(step.told)

    def letters(self) -> list[LetterWished]:
        """The letters wished since this was asked last, in the order of their names."""
        found: dict[str, LetterWished] = {}
        while rows := self.read(lambda tx: tx.events.after(self._read_up_to, AT_ONCE)):
            self._read_up_to = rows[-1][0]
            for _, envelope in rows:
                if envelope.type == LetterWished.__name__:
                    letter = event_from_json(envelope.type, envelope.data)
                    assert isinstance(letter, LetterWished)
                    found[letter.letter_id] = letter
        return [found[letter_id] for letter_id in sorted(found)]
