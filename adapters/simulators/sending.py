"""Sending by a timetable, and what came back: the loop of every simulated sender, whatever its door."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from time import monotonic
from typing import Protocol

from adapters.simulators.traffic import RIGHT, Planned
from hub.errors import CannotRun

LATELY = 100_000
"""Answers whose time is kept: a laboratory may go on for weeks."""
REST_SECONDS = 1.0


class NotAnswered(Exception):
    """It may have been taken or not: the same again, after so many seconds."""

    def __init__(self, after_seconds: float = 0.0) -> None:
        self.after_seconds = after_seconds
        super().__init__("no answer")


class Away(Exception):
    """Nobody is there. The sentence says where and what to look at."""


class Door(Protocol):
    """A sender's side of one of the hub's doors, on connections of its own."""

    taken: frozenset[str]
    """The codes of answers that say: taken."""

    async def send(self, message: Planned, request: str) -> str:
        """The code of the answer. `request` is a UUID, the same where the same is sent again for want of an answer.
        Raises NotAnswered, Away; CannotRun where nothing can be sent at all."""

    async def close(self) -> None:
        """Hang up."""


@dataclass(slots=True)
class Tally:
    """What was sent, what came back, and how long it took of late, in milliseconds from when the message was due."""

    answers: Counter[tuple[str, str]] = field(default_factory=Counter)
    took: deque[float] = field(default_factory=lambda: deque(maxlen=LATELY))
    refused: int = 0
    unanswered: int = 0
    began: float = field(default_factory=monotonic)

    def put(self, kind: str, code: str, due: float, *, taken: bool) -> None:
        """An answer; of a right message that is not taken a word is kept."""
        self.answers[kind, code] += 1
        self.refused += kind == RIGHT and not taken
        self.took.append((monotonic() - due) * 1000)

    def by_code(self) -> dict[str, int]:
        codes: Counter[str] = Counter()
        for (_, code), count in self.answers.items():
            codes[code] += count
        return dict(sorted(codes.items()))

    def by_kind(self) -> dict[str, dict[str, int]]:
        kinds: dict[str, dict[str, int]] = {}
        for (kind, code), count in sorted(self.answers.items()):
            kinds.setdefault(kind, {})[code] = count
        return kinds

    def quantile(self, share: float) -> float:
        ordered = sorted(self.took)
        return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 2) if ordered else 0.0


class Timetable:
    """When the next message is due: message n at n / rate seconds, so that a slow hub is not spared."""

    def __init__(self, rate: float) -> None:
        self._began = monotonic()
        self._rate = rate
        self._number = 0

    def next(self) -> float:
        self._number += 1
        return self._began + (self._number - 1) / self._rate if self._rate else monotonic()


@dataclass(slots=True)
class Sending:
    """Messages, each with the feed that it is of, on their way through the feeds' doors."""

    messages: Iterator[tuple[str, Planned]]
    doors: Mapping[str, Callable[[], Door]]
    timetable: Timetable
    tally: Tally
    stop: asyncio.Event

    async def all(self, connections: int) -> None:
        """Until all are sent, or somebody says stop: then what is on its way is answered yet."""
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(connections):
                    group.create_task(self._connection())
        except* CannotRun as errors:
            raise errors.exceptions[0] from None

    async def _connection(self) -> None:
        async with AsyncExitStack() as closing:
            doors = {feed: door() for feed, door in self.doors.items()}
            for door in doors.values():
                closing.push_async_callback(door.close)
            while not self.stop.is_set() and (planned := next(self.messages, None)) is not None:
                due = self.timetable.next()
                if await self._told_within(due - monotonic()):
                    return
                await self._answered(doors[planned[0]], planned[1], due)

    async def _answered(self, door: Door, message: Planned, due: float) -> None:
        """Without an answer the same bytes again, as every sender must."""
        request = str(uuid.uuid4())
        while not self.stop.is_set():
            try:
                code = await door.send(message, request)
            except NotAnswered as again:
                self.tally.unanswered += 1
                await self._told_within(again.after_seconds)
            except Away as away:
                if not self.tally.answers and not self.tally.unanswered:
                    raise CannotRun(str(away)) from None
                await self._told_within(REST_SECONDS)
            else:
                self.tally.put(message.kind, code, due, taken=code in door.taken)
                return

    async def _told_within(self, seconds: float) -> bool:
        """Wait so long, or until somebody says stop."""
        if seconds > 0:
            try:
                async with asyncio.timeout(seconds):
                    await self.stop.wait()
            except TimeoutError:
                pass
        return self.stop.is_set()
