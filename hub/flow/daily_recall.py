"""The daily run of call and recall by itself: once a day at its time, a missed day as soon as there is somebody.

The run is synchronous, and takes as long as it takes: it has a thread and a connection of its own. It keeps its turn
while it is at it; a process that dies loses the turn soon, and the next one goes on where it was.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from time import monotonic

from hub import telemetry
from hub.domain.dates import ENGLAND
from hub.domain.policy import Policies
from hub.flow.patience import patiently_now
from hub.flow.ports.store import Clock, Store, Transaction, Work
from hub.flow.recall_run import RecallRun
from hub.flow.schedule import Duty

NAME = "recall"
TURN = timedelta(minutes=10)
"""A turn that was not kept for so long is another's to take."""


class Left(Exception):
    """The run ends before its end: the process stops, or somebody else has taken it over."""


class DailyRecall:
    """A duty of the schedule. `write` does a piece of work in the caller's thread; `at` is England's time."""

    def __init__(
        self, store: Store, write: Callable[[Work[object]], object], policies: Policies, clock: Clock, at: time
    ) -> None:  # fmt: skip
        self._store = store
        self._write = write
        self._policies = policies
        self._clock = clock
        self._at = at
        self._began_at = clock()
        self._done_on = date.min
        self._stopping = threading.Event()

    def duty(self) -> Duty:
        return Duty(NAME, TURN, self.run, self.is_due)

    async def is_due(self) -> bool:
        """Whether the run of the day that has come is still to be done. Where none ever was, nothing was missed: the
        first begins when its time comes."""
        day = self._day()
        if day <= self._done_on:
            return False
        due = await self._store.read(lambda tx: self._is_to_be_done(tx, day))
        if not due:
            self._done_on = day
        return due

    def _is_to_be_done(self, tx: Transaction, day: date) -> bool:
        report = tx.recall_runs.report(day)
        if report and report.ended_at:
            return False
        return self._moment(day) >= self._began_at or tx.recall_runs.any_begun()

    def _day(self) -> date:
        """The last day whose time has come."""
        now = self._clock().astimezone(ENGLAND)
        return now.date() if now >= self._moment(now.date()) else now.date() - timedelta(days=1)

    def _moment(self, day: date) -> datetime:
        return datetime.combine(day, self._at, ENGLAND)

    async def run(self) -> None:
        """Do it, in a thread. Who is cancelled meanwhile waits until the batch under way is committed."""
        running = asyncio.create_task(asyncio.to_thread(self._run, self._day()))
        try:
            await asyncio.shield(running)
        except asyncio.CancelledError:
            self._stopping.set()
            await asyncio.wait([running])
            raise

    def _run(self, day: date) -> None:
        started, kept_at = monotonic(), self._turn()
        telemetry.recall_run_begun()

        def advance(_count: int) -> None:
            nonlocal kept_at
            if self._stopping.is_set():
                raise Left
            if self._clock() - kept_at > TURN / 10:
                kept_at = self._keep(kept_at)

        try:
            RecallRun(self._patiently, self._policies, self._clock, day).run(advance)
        except Left:
            telemetry.recall_run_left()
        else:
            telemetry.recall_run_took(monotonic() - started)

    def _patiently(self, work: Work[object]) -> object:
        """Whoever else decides about one of a batch may hold her just now."""
        return patiently_now(self._write, work)

    def _turn(self) -> datetime:
        found: list[datetime] = []
        self._write(lambda tx: found.append(tx.duties.begun_at(NAME)))
        return found[-1]

    def _keep(self, kept_at: datetime) -> datetime:
        now, kept = self._clock(), []
        self._write(lambda tx: kept.append(tx.duties.keep_turn(NAME, kept_at, now)))
        if not kept[-1]:
            raise Left
        return now
