"""Tasks: how a result comes before a clerk, and how a task is closed again."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

from hub import telemetry
from hub.domain.dates import day_in_england
from hub.domain.events import ResultParked, ResultReported, TaskClosed
from hub.domain.letters import ABNORMAL, due_on, priority
from hub.domain.matching import Candidate, Decision, search_keys
from hub.domain.people import Claim
from hub.domain.record import Alert
from hub.errors import Reason
from hub.flow.ports.questions import Kind, QuestionRow
from hub.flow.ports.results import ResultRow, TaskRow
from hub.flow.step import Step

POLICY = frozenset(
    reason.code
    for reason in (
        Reason.SECOND_INADEQUATE,
        Reason.THIRD_HPV_POSITIVE,
        Reason.INVALID_RETURN_TO_ROUTINE,
        Reason.REPEAT_MONTHS,
    )
)
OWES_COLPOSCOPY = frozenset({Reason.SECOND_INADEQUATE, Reason.THIRD_HPV_POSITIVE, Reason.INVALID_RETURN_TO_ROUTINE})
"""Whatever the codes say, somebody may be waiting for a referral that was not made: as soon as an abnormal result."""
ASKING = "asking"
"""The state of a task of which PDS is asked before a clerk is."""
MATCHING = frozenset({Reason.UNSURE.code, Reason.UNKNOWN.code})


def park(
    step: Step,
    row: ResultRow,
    reason: Reason,
    *,
    decision: Decision | None = None,
    participant_id: str | None = None,
    place: str = "",
    hint: str = "",
    state: str = "waiting",
    asking: bool = False,
) -> TaskRow:
    """A clerk gets a task, and the result waits (or, with another `state`, stays where it is). `asking`: PDS is asked
    first, and nobody is told of the task yet."""
    step.tx.results.put(replace(row, state=state))
    claim = row.event.claim
    result = row.event.result if isinstance(row.event, ResultReported) else None
    tested_on = result.test_on if result else day_in_england(step.now)
    task = TaskRow(
        task_id=step.new_id("task"),
        result_id=row.result_id,
        reason=reason.code,
        state=ASKING if asking else "open",
        priority=min(priority(result), ABNORMAL) if reason in OWES_COLPOSCOPY else priority(result),
        due_on=due_on(tested_on),
        person_key=participant_id or person_key(claim, row.result_id),
        opened_at=step.now,
        participant_id=participant_id,
        candidates=candidates_as_data(decision.candidates) if decision else (),
        place=place,
        hint=hint or (decision.why if decision else ""),
    )
    step.open_task(task, keys_of(task, row))
    if asking:
        begin_asking(step, task)
    else:
        tell_of(step, task)
    return task


def begin_asking(step: Step, task: TaskRow) -> None:
    """The question goes into the store with the task."""
    step.tx.questions.put([QuestionRow(Kind.CLAIM, task.task_id, "hub", step.now, step.now)])


def tell_of(step: Step, task: TaskRow) -> None:
    """A task is a clerk's from now on."""
    step.emit(ResultParked(task.result_id, task.task_id, task.reason), task.result_id)
    step.tell(telemetry.task_opened, task.reason)


def question(step: Step, alert: Alert, participant_id: str) -> None:
    """A rule speaks against a result that is on the record already: it stays there, and a clerk looks at it."""
    row = step.tx.results.get(alert.result_id)
    assert row is not None, "a record names results"
    step.hold_result(row)
    if open_tasks_of(step, alert.result_id):
        return
    hint = "What speaks against it became known after it was put on the record, where it stays."
    park(step, row, alert.reason, participant_id=participant_id, hint=hint, state=row.state)


def close(step: Step, task: TaskRow, outcome: str, *, by: str, why: str) -> None:
    """Settle a task, by a clerk or by new evidence."""
    closed = replace(task, state="closed", outcome=outcome, note=why, closed_at=step.now, closed_by=by)
    step.put_task(closed)
    if task.state != ASKING:  # else nobody has heard of it
        step.emit(TaskClosed(task.task_id, outcome, by, why), task.result_id or task.discharge_id)
        step.tell(telemetry.task_closed, outcome)


def open_tasks_of(step: Step, result_id: str) -> list[TaskRow]:
    """The tasks about a result that are not closed: one at most."""
    return [task for task in step.tx.tasks.of_result(result_id) if task.state != "closed"]


def keys_of(task: TaskRow, row: ResultRow) -> frozenset[str]:
    """The keys under which new evidence about people is noticed; none where the person is not what is in doubt."""
    claim = row.event.claim
    return search_keys(claim) if claim and task.reason in MATCHING else frozenset()


def candidates_as_data(candidates: tuple[Candidate, ...]) -> tuple[dict[str, Any], ...]:
    """Candidates as a task keeps them."""
    return tuple(
        {
            "participant_id": candidate.participant_id,
            "score": round(candidate.score, 3),
            "findings": [
                {"field": finding.field, "verdict": finding.verdict, "sentence": finding.sentence}
                for finding in candidate.findings
            ],
        }
        for candidate in candidates
    )


def person_key(claim: Claim | None, otherwise: str) -> str:
    """The same for all waiting results that claim the same person, so that they can be shown as one."""
    if claim is None or not (claim.nhs_number or claim.family_name):
        return otherwise
    words = (claim.nhs_number, (claim.family_name or "").upper(), claim.date_of_birth)
    return hashlib.sha256(repr(words).encode()).hexdigest()[:32]
