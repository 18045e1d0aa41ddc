"""The clerks' decisions about discharges: apply, reject, undo. Each is one transaction, a row of who and why."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from hub import telemetry
from hub.domain.actions import CASE_NUMBER
from hub.domain.dates import day_in_england
from hub.domain.discharges import date_problem, date_that_counts, is_on_record
from hub.domain.events import DischargeParked, DischargeRefused, DischargeReported
from hub.domain.matching import decide
from hub.errors import Reason
from hub.flow.actions import Signed
from hub.flow.clerks import Refused
from hub.flow.discharges import (
    hold,
    keys_of,
    objection_to,
    off_record,
    open_tasks_about,
    park,
    put_on_record,
    reported,
    take_off_record,
)
from hub.flow.parking import close
from hub.flow.ports.results import DecisionRow, DischargeRow, TaskRow
from hub.flow.settling import follow_up
from hub.flow.step import Step

_NOT_THUS = {
    Reason.DISCHARGE_OF_DECEASED: "She is ceased because she has died. If that is wrong, reinstate her first "
    "(`hub person reinstate`); else reject the discharge.",
    Reason.DISCHARGE_OF_CEASED: "She is ceased, and a discharge does not change that. Reinstate her with the clinic's "
    "date (`hub person reinstate`), or reject the discharge.",
    Reason.DISCHARGE_OVERTAKEN: "A newer test, or a later decision, sets her date. Reject the discharge, or take that "
    "decision back (`hub person undo`), or put her date off (`hub person defer`).",
}
"""What would have no effect on her record. Everything else a clerk may let pass."""


def apply(step: Step, discharge_id: str, signed: Signed, participant_id: str = "", due_on: date | None = None) -> None:
    """The discharge goes on this person's record, with this date (without one: the clinic's). Raises Refused."""
    row, task = _waiting(step, discharge_id, signed)
    if not CASE_NUMBER.fullmatch(signed.case_number):
        raise Refused("Name the case, like CAS-12345-ABCDE.")
    if not isinstance(row.event, DischargeReported):
        raise Refused("This row could not be read to its end: mend the table and replay, or reject it.")
    whose = participant_id or task.participant_id
    if not whose:
        raise Refused("Say who it is: name a candidate or a participant.")
    if step.tx.cohort.get(whose) is None:
        raise Refused("There is no such participant in the cohort.")
    counts_on = _date(step, row, whose, due_on)
    close(step, task, "applied", by=signed.by, why=signed.why)
    put_on_record(step, row, whose, counts_on, by=signed.by, why=signed.why, case_number=signed.case_number)
    _decided(step, task, "apply", signed)
    _follow_up(step, whose, task.participant_id)


def _date(step: Step, row: DischargeRow, whose: str, due_on: date | None) -> date:
    """The date that counts. Raises Refused where it may not be entered, or would have no effect."""
    discharge, on = reported(row).discharge, day_in_england(step.now)
    if is_on_record(discharge, step.facts(whose)):
        raise Refused("Her record holds this discharge already. Reject this one.")
    against = objection_to(step, discharge, whose)
    if against and against.reason in _NOT_THUS:
        raise Refused(_NOT_THUS[against.reason])
    counts_on = due_on or date_that_counts(discharge, on, step.policies)
    if problem := date_problem(discharge, counts_on, on, step.policies):
        raise Refused(f"{problem} Name another with --due, or reject the discharge.")
    return counts_on


def reject(step: Step, discharge_id: str, signed: Signed) -> None:
    """The discharge is not taken after all; the clinic is told by its list of refusals. Raises Refused."""
    row, task = _waiting(step, discharge_id, signed)
    touched = take_off_record(step, row, by=signed.by) if row.state == "applied" else None
    step.tx.discharges.put(replace(off_record(row), state="refused"))
    step.emit(DischargeRefused(row.discharge_id, task.task_id, signed.by, signed.why), row.discharge_id)
    close(step, task, "rejected", by=signed.by, why=signed.why)
    step.tell(telemetry.discharge_settled, "refused")
    _decided(step, task, "reject", signed)
    _follow_up(step, touched, task.participant_id)


def undo(step: Step, discharge_id: str, signed: Signed) -> None:
    """Take back what was done about a discharge, by a clerk or by the hub itself: it waits again. Raises Refused."""
    row = _held(step, discharge_id, signed)
    if row.state not in ("applied", "refused"):
        raise Refused(f"Nothing was decided about it that could be taken back: it is {row.state}.")
    touched = take_off_record(step, row, by=signed.by) if row.state == "applied" else None
    task = _decided_task(step, row)
    if task is None:  # the hub did it by itself, perhaps to the wrong person
        claim = reported(row).claim
        hint = f"Taken back by {signed.by}: {signed.why}"
        park(step, row, Reason.UNSURE, decision=decide(claim, step.candidates(claim)), hint=hint)
        (task,) = open_tasks_about(step, row.discharge_id)
    else:
        step.tx.discharges.put(replace(off_record(row), state="waiting"))
        again = replace(task, state="open", outcome="", note="", closed_at=None, closed_by="")
        step.put_task(again, keys_of(task, row))
        step.emit(DischargeParked(row.discharge_id, task.task_id, task.reason), row.discharge_id)
    _decided(step, task, "undo", signed)
    _follow_up(step, touched, task.participant_id)


def _decided_task(step: Step, row: DischargeRow) -> TaskRow | None:
    """The task by which a clerk decided."""
    tasks = [task for task in step.tx.tasks.of_discharge(row.discharge_id) if task.outcome in ("applied", "rejected")]
    return max(tasks, key=lambda task: task.closed_at or task.opened_at, default=None)


def _waiting(step: Step, discharge_id: str, signed: Signed) -> tuple[DischargeRow, TaskRow]:
    """A discharge that may be decided on, and its task."""
    row = _held(step, discharge_id, signed)
    tasks = open_tasks_about(step, row.discharge_id)
    if not tasks:
        raise Refused(f"It waits for nobody: it is {row.state}. Undo that first to decide anew.")
    return row, tasks[0]


def _held(step: Step, discharge_id: str, signed: Signed) -> DischargeRow:
    """The discharge, as it is once nobody else decides about it."""
    if not signed.by.strip() or not signed.why.strip():
        raise Refused("A decision names who takes it and why.")
    row = step.tx.discharges.get(discharge_id)
    if row is None:
        raise Refused("There is no such discharge.")
    hold(step, row)
    again = step.tx.discharges.get(discharge_id)
    assert again is not None, "discharges stay"
    return again


def _decided(step: Step, task: TaskRow, action: str, signed: Signed) -> None:
    step.tx.tasks.decide(DecisionRow(task.task_id, action, signed.by, signed.why, step.now))
    step.tell(telemetry.decision_taken, action)


def _follow_up(step: Step, *participants: str | None) -> None:
    for participant_id in dict.fromkeys(participants):
        if participant_id:
            follow_up(step, participant_id)
