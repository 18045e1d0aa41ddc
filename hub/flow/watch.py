"""How far behind the hub is, looked up when somebody asks for the metrics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from time import monotonic

from hub import telemetry
from hub.domain.dates import ENGLAND, day_in_england
from hub.errors import Retry
from hub.flow.listening import Heard
from hub.flow.ports.communications import Wishes
from hub.flow.ports.events import Conveyor
from hub.flow.ports.questions import Backlog
from hub.flow.ports.recall import RunReport
from hub.flow.ports.store import Clock, Store, Transaction

LOOK_SECONDS = 5.0
LISTEN_SECONDS = 60.0
AHEAD_SECONDS = 3600.0
"""It counts a week's people: that is no work for every minute."""
WEEK = timedelta(days=7)


class _Rest:
    """Whether so many seconds have passed since it was last asked and they had."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._over_at = monotonic()

    def is_over(self) -> bool:
        if monotonic() < self._over_at:
            return False
        self._over_at = monotonic() + self._seconds
        return True


@dataclass(frozen=True, slots=True)
class _Behind:
    waiting: int
    unfinished: int
    oldest_waiting: datetime | None
    oldest_unfinished: datetime | None
    dead: int
    tasks: dict[str, int]
    clocks: dict[date, int]
    recall: RunReport | None
    questions: dict[str, Backlog]
    wishes: list[Wishes]
    plans_held: int
    communications: dict[str, int]


def _look(tx: Transaction) -> _Behind:
    backlog = tx.events.backlog()
    waiting, unfinished = tx.events.oldest()
    return _Behind(
        backlog["unconfirmed"],
        backlog["unfinished"],
        waiting,
        unfinished,
        tx.dead.count(),
        tx.counts.parked(),
        tx.counts.discharge_clocks(),
        tx.recall_runs.newest_ended(),
        tx.questions.backlog(),
        tx.communications.wishes(),
        len({batch.plan for batch in tx.communications.waiting_batches() if batch.why}),
        tx.communications.troubles(),
    )


class Watch:
    """`await look()` brings the gauges up to date, at most every few seconds however often it is asked."""

    def __init__(self, store: Store, conveyor: Conveyor, clock: Clock, feeds: Sequence[str] = ()) -> None:
        self._store = store
        self._conveyor = conveyor
        self._clock = clock
        self._feeds = feeds
        self._until_look = _Rest(LOOK_SECONDS)
        self._until_listen = _Rest(LISTEN_SECONDS)
        self._until_ahead = _Rest(AHEAD_SECONDS)
        self._began_at = clock()

    async def look(self) -> None:
        if not self._until_look.is_over():
            return
        telemetry.part_away("store", await self._look_at_store())
        telemetry.part_away("broker", await self._look_at_queues())
        if self._until_listen.is_over():
            await self._look_at_feeds()
        if self._until_ahead.is_over():
            await self._look_ahead()

    async def _look_at_store(self) -> str:
        try:
            behind = await self._store.read(_look)
        except Retry as error:
            return error.hint
        telemetry.backlog(
            behind.waiting, behind.unfinished, self._age(behind.oldest_waiting), self._age(behind.oldest_unfinished)
        )
        telemetry.dead_letters(behind.dead)
        telemetry.tasks_waiting(behind.tasks)
        telemetry.discharges_waiting(self._clocks(behind.clocks))
        self._tell_recall(behind.recall)
        for kind, questions in behind.questions.items():
            telemetry.pds_waiting(kind, questions.waiting, self._age(questions.oldest_at))
        self._tell_letters(behind)
        return ""

    async def _look_at_feeds(self) -> None:
        """Which of the live feeds are silent, and what is wrong with their files."""
        now = self._clock()
        try:
            silent = await self._store.read(lambda tx: Heard.by(tx, now).silences(self._feeds))
            faults = await self._store.read(lambda tx: tx.file_faults.unresolved())
        except Retry:
            return  # the store's being away has been told
        telemetry.feeds_silent({feed: feed in silent for feed in self._feeds})
        telemetry.file_faults(faults)

    async def _look_ahead(self) -> None:
        """What the daily runs of the coming week have to do."""
        until = day_in_england(self._clock()) + WEEK
        try:
            telemetry.recall_due(await self._store.read(lambda tx: tx.records.count_due(until)))
        except Retry:
            return  # the store's being away has been told

    async def _look_at_queues(self) -> str:
        try:
            for name, depth in (await self._conveyor.depths()).items():
                telemetry.queue_depth(name, depth.waiting)
        except Retry as error:
            return error.hint
        return ""

    def _tell_letters(self, behind: _Behind) -> None:
        oldest = min((each.oldest_at for each in behind.wishes), default=None)
        telemetry.letters_waiting(sum(each.waiting for each in behind.wishes), self._age(oldest), behind.plans_held)
        telemetry.communications_needing(behind.communications)

    def _tell_recall(self, last: RunReport | None) -> None:
        if last and last.ended_at:
            day_began_at = datetime.combine(last.run_on, time(), ENGLAND)
            telemetry.last_recall_run(day_began_at, last.ended_at, last.taken, last.cohort, last.silent)
        else:
            telemetry.last_recall_run(None, self._began_at, {}, {}, {})

    def _clocks(self, by_day: dict[date, int]) -> Counter[str]:
        """By how the clock of each stands today: a discharge has until the end of its day."""
        today, found = day_in_england(self._clock()), Counter[str]()
        for due_on, number in by_day.items():
            found["ended" if due_on < today else "ends-today" if due_on == today else "runs"] += number
        return found

    def _age(self, since: datetime | None) -> float:
        """Seconds; the clock may have been put back since."""
        return max(0.0, (self._clock() - since).total_seconds()) if since else 0.0
