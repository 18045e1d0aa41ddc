"""The daily run of call and recall: whoever something is due about on a day has it done, in batches.

What is due stands in the columns of each record's fold, so the run only selects and takes the step; the fold says what
comes next. A batch is one transaction: a run that dies goes on where it was, and one that is done again finds nothing
to do. A day that was missed is caught up, for whatever was due before is still due.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date

from hub import telemetry
from hub.contract import named_identity
from hub.domain.events import LetterWished
from hub.domain.facts import CallStep, StepFact
from hub.domain.people import Participant
from hub.domain.policy import Policies
from hub.flow.ports import Clock, DueStep, LetterRow, NotificationRow, Transaction, Work
from hub.flow.recording import refold
from hub.flow.step import Step, person_name, tell_all

BATCH = 500
PAUSED = "paused: a task about her is open"
LETTERS = {
    (CallStep.INVITED, True): "PA1",
    (CallStep.REMINDED, True): "PA2",
    (CallStep.INVITED, False): "PA3",
    (CallStep.REMINDED, False): "PA4",
}
"""By step, and whether she has a practice (domain.md 6.1)."""


@dataclass(frozen=True, slots=True)
class RecallRun:
    """One day's run. `write` does a piece of work in a transaction of its own; `advance` hears how many were looked
    at."""

    write: Callable[[Work[object]], object]
    policies: Policies
    clock: Clock
    on: date

    def due(self, tx: Transaction) -> dict[str, int]:
        """What a run would do, by step: a dry run."""
        return tx.records.count_due(self.on)

    def run(self, advance: Callable[[int], object] = lambda count: None) -> dict[str, int]:
        """Do everything that is due; what was done and left on this day, counted."""
        self.write(lambda tx: tx.recall_runs.begin(self.on, self.clock()))
        after: tuple[date, str] | None = None
        while batch := self._one(after):
            advance(len(batch))
            after = (batch[-1].on, batch[-1].participant_id)
        counts: dict[str, int] = {}

        def end(tx: Transaction) -> None:
            tx.recall_runs.end(self.on, self.clock())
            counts.update(tx.recall_runs.counts(self.on) or {})

        self.write(end)
        return counts

    def _one(self, after: tuple[date, str] | None) -> list[DueStep]:
        """One batch; those it was about, empty when nothing is left."""
        seen: list[DueStep] = []
        told: list[Callable[[], None]] = []

        def work(tx: Transaction) -> None:
            seen[:] = tx.records.due(self.on, after, BATCH)
            counts, heard = self._take(tx, seen)
            told[:] = heard
            if counts:
                tx.recall_runs.add(self.on, counts)

        self.write(work)
        tell_all(told)
        return seen

    def _take(self, tx: Transaction, batch: list[DueStep]) -> tuple[Counter[str], list[Callable[[], None]]]:
        ids = [each.participant_id for each in batch]
        tx.hold(*(person_name(participant_id) for participant_id in ids))
        people = {person.participant_id: person for person in tx.cohort.of(ids)}
        for part in (tx.records, tx.tasks, tx.letters):
            part.read_ahead(ids)
        counts: Counter[str] = Counter()
        told: list[Callable[[], None]] = []
        for each in batch:
            cause = named_identity(f"recall|{each.participant_id}|{each.step}|{each.on}")
            step = Step(tx, self.policies, self.clock(), cause)
            person = people[each.participant_id]
            step.know([person])
            counts[take_step(step, person, CallStep(each.step), self.on)] += 1
            told += step.told
        return counts, told


def take_step(step: Step, person: Participant, due: CallStep, on: date) -> str:
    """Take the step that is due about her, unless something speaks against it; what was done, in a word."""
    if step.open_tasks(person.participant_id):
        return PAUSED
    summary = step.tx.records.summary(person.participant_id)
    about = summary.next_test_due_on if summary else None
    assert about is not None, "a step is due about a date"
    step.add_fact(person.participant_id, StepFact(due, on, about))
    if due is CallStep.NOTIFIED:
        _notify(step, person, "due", about, on)
    elif due is CallStep.NON_RESPONDER:
        _notify(step, person, "not-responded", about, on)
    else:
        _write(step, person, LETTERS[due, bool(person.practice_code)], about)
        _close_notifications(step, person)
    refold(step, person.participant_id)
    return due.value


def _notify(step: Step, person: Participant, of_list: str, about: date, on: date) -> None:
    """Put her on her practice's list. Without a practice there is nobody to ask: she is invited all the same."""
    _close_notifications(step, person)
    if person.practice_code:
        name = named_identity(f"notification|{person.participant_id}|{of_list}|{about}")
        row = NotificationRow(name, person.participant_id, person.practice_code, of_list, about, on)
        step.tx.notifications.put(row)


def _close_notifications(step: Step, person: Participant) -> None:
    for row in step.tx.notifications.open_of(person.participant_id):
        step.tx.notifications.put(replace(row, state="closed"))


def _write(step: Step, person: Participant, code: str, about: date) -> None:
    letter_id = named_identity(f"letter|{person.participant_id}|{code}|{about}")
    step.tx.letters.put(LetterRow(letter_id, person.participant_id, None, code, "wished", "", step.now))
    step.emit(LetterWished(letter_id, person.participant_id, None, code), person.participant_id)
    step.tell(telemetry.letter_wished, code)
