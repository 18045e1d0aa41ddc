"""The clerks of a simulated year, who know whose each result truly is: what waits is decided, the next day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from random import Random

from adapters.simulators.world.lives import Diary, Fate, is_working_day
from hub.demo.year.hub import Hub
from hub.demo.year.offices import signed
from hub.domain.dates import add_months
from hub.domain.events import DischargeReported, ResultReported
from hub.errors import Reason
from hub.flow import clerks, discharge_clerks
from hub.flow.parking import POLICY
from hub.flow.ports.results import TaskRow
from hub.flow.ports.store import Transaction
from hub.flow.step import Step

MOST = 2_000
UNDONE, QUERIED, LEFT_TO_THE_RULE = 0.03, 0.1, 0.25
"""Of the decisions: taken back the day after; first asked of the laboratory. Where a rule speaks: rejected."""
BY, WHY = "clerk", "Checked with the practice."


@dataclass(slots=True)
class Truth:
    """Whose each slide is, as the laboratories know: by laboratory and slide number; and each number of a person."""

    slides: dict[tuple[str, str], str] = field(default_factory=dict)
    numbers: dict[str, str] = field(default_factory=dict)


class Clerks:
    """They work on working days, and leave what came the same day for the next."""

    def __init__(self, hub: Hub, fate: Fate, truth: Truth) -> None:
        self.counts: Counter[str] = Counter()
        self._hub = hub
        self._fate = fate
        self._truth = truth
        self._mistakes: Diary[str] = Diary()

    def work(self, on: date) -> None:
        for task_id in self._mistakes.take(on):
            self._try("undo", partial(clerks.undo, task_id=task_id, by=BY, why="That was a mistake."))
        if not is_working_day(on):
            return
        begun = self._hub.now - timedelta(hours=12)
        for task in self._hub.read(lambda tx: tx.tasks.worklist(MOST)):
            if task.opened_at < begun:
                self._decide(task, on)
        for task in self._hub.read(lambda tx: tx.tasks.about_discharges(MOST)):
            if task.opened_at < begun:
                self._discharge(task, on)

    def undo_automatic(self, result_id: str) -> None:
        """Somebody says that it is not hers: it goes before a clerk."""
        self._try("undo automatic", lambda step: clerks.undo_automatic(step, result_id, by=BY, why="It is not hers."))

    # -- results

    def _decide(self, task: TaskRow, on: date) -> None:
        chance = self._fate.of("clerk", task.task_id, on)
        if task.state == "open" and chance.random() < QUERIED:
            self._try("query", lambda step: clerks.query(step, task.task_id, by=BY, why=WHY))
            return
        whose = self._hub.read(lambda tx: self._whose(tx, task, chance))
        if not (whose and self._match(task, whose, chance, on)):
            self._try("reject", lambda step: clerks.reject(step, task.task_id, by=BY, why=WHY))

    def _whose(self, tx: Transaction, task: TaskRow, chance: Random) -> str:
        """Whose record it belongs on; empty where on nobody's."""
        row = tx.results.get(task.result_id)
        if row is None or not isinstance(row.event, ResultReported) or task.reason == Reason.DUPLICATE_SLIDE.code:
            return ""
        if task.reason in POLICY or task.reason == Reason.CEASED.code:
            return "" if chance.random() < LEFT_TO_THE_RULE else task.participant_id or ""
        result = row.event.result
        return _known_as(tx, self._truth.slides.get((result.laboratory_code, result.slide_number), ""))

    def _match(self, task: TaskRow, whose: str, chance: Random, on: date) -> bool:
        done = self._try("match", lambda step: clerks.match(step, task.task_id, whose, by=BY, why=WHY))
        if done and chance.random() < UNDONE:
            self._mistakes.put(on + timedelta(days=1), task.task_id)
        return done

    # -- discharges

    def _discharge(self, task: TaskRow, on: date) -> None:
        by = signed(on.day)
        row = self._hub.read(lambda tx: tx.discharges.get(task.discharge_id))
        assert row is not None, "a task names its discharge"
        whose = self._whose_discharge(row.event) if isinstance(row.event, DischargeReported) else ""
        if whose and isinstance(row.event, DischargeReported):
            due_on = add_months(row.event.discharge.discharged_on, 36)
            apply = partial(discharge_clerks.apply, discharge_id=row.discharge_id, signed=by, participant_id=whose)
            if self._try("apply", apply) or self._try("apply", partial(apply, due_on=due_on)):
                return
        self._try("reject discharge", lambda step: discharge_clerks.reject(step, task.discharge_id, by))

    def _whose_discharge(self, event: DischargeReported) -> str:
        number = event.claim.nhs_number or ""
        return self._hub.read(lambda tx: _known_as(tx, self._truth.numbers.get(number, "")))

    def _try(self, what: str, work: Callable[[Step], object]) -> bool:
        return self._hub.allows(what, work, self.counts)


def _known_as(tx: Transaction, participant_id: str) -> str:
    """The participant who has her history today."""
    person = tx.cohort.get(participant_id) if participant_id else None
    while person and person.merged_into:
        person = tx.cohort.get(person.merged_into)
    return person.participant_id if person else ""
