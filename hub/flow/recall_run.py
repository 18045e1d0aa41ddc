"""The daily run of call and recall: whoever something is due about on a day has it done, in batches.

What is due stands in the columns of each record's fold, so the run only selects and takes the step; the fold says what
comes next. A batch is one transaction: a run that dies goes on where it was, and one that is done again finds nothing
to do. A day that was missed is caught up, for whatever was due before is still due. Of one person a day takes one step.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date

from hub import telemetry
from hub.contract import named_identity
from hub.domain.call import BY_AGE
from hub.domain.facts import CallStep, StepFact
from hub.domain.letters import AGE_CEASING, INVITATIONS
from hub.domain.people import Participant
from hub.domain.policy import Policies
from hub.errors import Retry
from hub.flow.failsafe import failsafe_at
from hub.flow.letters import write_letter
from hub.flow.ports.recall import NotificationRow, RunReport
from hub.flow.ports.records import DueStep
from hub.flow.ports.store import Clock, Transaction, Work
from hub.flow.recording import refold
from hub.flow.step import Step, Told, person_name, tell_all

FAULT = "fault"
"""In the report: whose step could not be taken for a fault of ours."""
BATCH = 200
"""Whoever wants to decide about one of these people waits for the whole batch: so many take a fifth of a second."""


@dataclass(frozen=True, slots=True)
class RecallRun:
    """One day's run. `write` does a piece of work in a transaction of its own; `advance` hears after each batch how
    many were looked at, and may end the run by raising."""

    write: Callable[[Work[object]], object]
    policies: Policies
    clock: Clock
    on: date

    def due(self, tx: Transaction) -> dict[str, int]:
        """What a run would do, by step: a dry run."""
        return tx.records.count_due(self.on)

    def run(self, advance: Callable[[int], object] = lambda count: None) -> RunReport:
        """Do everything that is due; what was done on this day, and where everybody stands at its end."""
        self.write(lambda tx: tx.recall_runs.begin(self.on, self.clock()))
        after: tuple[date, str] | None = None
        while batch := self._one(after):
            advance(len(batch))
            after = (batch[-1].on, batch[-1].participant_id)
        found: list[RunReport] = []
        self.write(lambda tx: found.append(self._end(tx)))
        telemetry.recall_run_ended(found[-1].cohort, found[-1].silent)
        return found[-1]

    def _end(self, tx: Transaction) -> RunReport:
        at = self.clock()
        silent = failsafe_at(tx, at, self.policies.discharge).silences
        tx.recall_runs.end(self.on, at, tx.records.whole_cohort(self.on), silent)
        report = tx.recall_runs.report(self.on)
        assert report is not None, "it was begun"
        return report

    def _one(self, after: tuple[date, str] | None) -> list[DueStep]:
        """One batch; those it was about, empty when nothing is left."""
        seen: list[DueStep] = []

        def look(tx: Transaction) -> list[str]:
            seen[:] = tx.records.due(self.on, after, BATCH)
            return [each.participant_id for each in seen]

        try:
            self._do(look)
        except Retry:
            raise
        except Exception:  # a fault of ours about one of them: the others, and all who come after, do not wait for it
            if not seen:
                raise
            for each in seen:
                self._alone(each.participant_id)
        return seen

    def _alone(self, participant_id: str) -> None:
        """Take her step by herself. Where that fails it is told and counted, and the failsafe names her: missed."""
        try:
            self._do(lambda tx: [participant_id])
        except Retry:
            raise
        except Exception as error:  # told, and counted in the report: a bug with one person must not end the run
            telemetry.our_fault(error, "recall")
            self.write(lambda tx: tx.recall_runs.add(self.on, {FAULT: 1}))

    def _do(self, whose: Work[list[str]]) -> None:
        """Take the steps of these people in one transaction."""
        told: Told = []

        def work(tx: Transaction) -> None:
            counts, told[:] = self._take(tx, whose(tx))
            if counts:
                tx.recall_runs.add(self.on, counts)

        self.write(work)
        tell_all(told)

    def _take(self, tx: Transaction, ids: list[str]) -> tuple[Counter[str], Told]:
        tx.hold(*(person_name(participant_id) for participant_id in ids))
        due = tx.records.still_due(ids, self.on)  # others may have decided about her before she was held
        people = {person.participant_id: person for person in tx.cohort.of(ids)}
        for part in (tx.records, tx.tasks, tx.letters, tx.notifications):
            part.read_ahead(ids)
        counts: Counter[str] = Counter()
        told: Told = []
        for each in due:
            cause = named_identity(f"recall|{each.participant_id}|{each.step}|{each.on}|{self.on}")
            step = Step(tx, self.policies, self.clock(), cause)
            person = people[each.participant_id]
            step.know([person])
            if take_step(step, person, CallStep(each.step), self.on):
                counts[each.step] += 1
            told += step.told
        return counts, told


def take_step(step: Step, person: Participant, due: CallStep, on: date) -> bool:
    """Take the step that is due about her; not while a task about her is open."""
    if step.open_tasks(person.participant_id):
        return False
    summary = step.tx.records.summary(person.participant_id)
    about = summary.next_test_due_on if summary else None
    assert about is not None, "a step is due about a date"
    step.add_fact(person.participant_id, StepFact(due, on, about))
    if due is CallStep.NOTIFIED:
        _notify(step, person, "due", about, on)
    elif due is CallStep.NON_RESPONDER:
        _notify(step, person, "not-responded", about, on)
    else:
        write_letter(step, person.participant_id, INVITATIONS[due, bool(person.practice_code)], about)
        _close_notifications(step, person)
    outcome = refold(step, person.participant_id)
    if due is CallStep.NON_RESPONDER and outcome.call.ceased == BY_AGE:
        write_letter(step, person.participant_id, AGE_CEASING, about)
    step.tell(telemetry.recall_step_taken, due.value)
    return True


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
