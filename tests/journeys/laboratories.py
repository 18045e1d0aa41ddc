"""Laboratories that send a day over several connections, and send again whatever was not answered, as they must."""

from __future__ import annotations

import asyncio
import hashlib
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from tests.journeys.driving import Wire
from tests.journeys.workload import Day, Sending

LANES = 6
WINDOWS = (1, 1, 4, 8, 16, 2)
"""How many messages each lane sends ahead of its answers: some laboratories wait for each, some do not."""
PATIENCE_SECONDS = 20.0
REST_SECONDS = 0.01

Door = Callable[[int], int]
"""The port to try: told how often this lane has tried, it says where there is a door, 0 where there is none now."""


class Dropped(EOFError):
    """The sender hung up before it had read its answer."""


@dataclass
class Laboratories:
    """What the senders know: every answer they were given, and how often they had to send again. `hangs_up` says
    whether a sender now drops its line instead of reading the next answer; `patience` is how long it waits for one."""

    hangs_up: Callable[[], bool] = lambda: False
    patience: float = PATIENCE_SECONDS
    answers: dict[bytes, list[str]] = field(default_factory=dict)
    answered: int = 0
    sent: int = 0
    dropped: int = 0
    _awaited: dict[int, asyncio.Event] = field(default_factory=dict)
    _pause_at: int | None = None
    _going: asyncio.Event = field(default_factory=asyncio.Event)

    def took(self, sending: Sending, code: str) -> None:
        self.answers.setdefault(sending.raw, []).append(code)
        self.answered += 1
        if self.answered in self._awaited:
            self._awaited[self.answered].set()

    def acknowledged(self) -> set[str]:
        """The digests of all messages that were answered."""
        return {hashlib.sha256(raw).hexdigest() for raw in self.answers}

    async def were_answered(self, count: int) -> None:
        """Until so many answers have come."""
        if self.answered < count:
            await self._awaited.setdefault(count, asyncio.Event()).wait()

    def pause_at(self, answered: int | None) -> None:
        """Send nothing new once so many answers have come, until told otherwise; None: go on to the end."""
        self._pause_at = answered
        self._going.set()

    async def may_send(self) -> None:
        while self._is_paused():
            self._going.clear()
            await self._going.wait()

    async def send(self, plan: Day, door: Door) -> None:
        """The whole day, each lane over a connection of its own."""
        async with asyncio.TaskGroup() as group:
            for number, (lane, window) in enumerate(zip(plan.lanes, WINDOWS, strict=True)):
                group.create_task(self._send_lane(number, lane, window, door))

    async def _send_lane(self, number: int, lane: list[Sending], window: int, door: Door) -> None:
        """In order, resending from the first unanswered message after every loss."""
        waiting = deque(lane)
        while waiting:
            port = door(number)
            number += 1
            if port:
                with suppress(OSError, EOFError):
                    async with Wire(port) as wire:
                        await self._send_on(wire, waiting, window)
            await asyncio.sleep(REST_SECONDS)

    async def _send_on(self, wire: Wire, waiting: deque[Sending], window: int) -> None:
        under_way = 0
        while waiting:
            if not under_way:
                await self.may_send()
            while under_way < min(window, len(waiting)) and (not under_way or not self._is_paused()):
                await wire.send(waiting[under_way].raw)
                under_way += 1
                self.sent += 1
            if self.hangs_up():
                self.dropped += 1
                raise Dropped
            ack = await wire.ack(self.patience)
            sending = waiting.popleft()
            under_way -= 1
            assert ack.control_id == sending.control_id, "an answer to another message than the oldest unanswered"
            self.took(sending, ack.code)

    def _is_paused(self) -> bool:
        return self._pause_at is not None and self.answered >= self._pause_at
