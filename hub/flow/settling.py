"""What becomes of a reported result: on a record, or before a clerk. Nothing else."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

from hub import telemetry
from hub.domain.events import ReportParked, ResultParked, ResultReported, TaskClosed, Version
from hub.domain.letters import due_on, priority
from hub.domain.matching import Candidate, Decision, decide, search_keys
from hub.domain.people import Claim
from hub.errors import Reason
from hub.flow.ports import ResultRow, TaskRow
from hub.flow.recording import alerts_with, record, refold, reported, take_off
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
MATCHING = frozenset({Reason.UNSURE.code, Reason.UNKNOWN.code})
REASONS = {reason.code: reason for reason in Reason}


def settle(step: Step, row: ResultRow) -> None:
    """Decide what becomes of a result that stands on nobody's record."""
    event = row.event
    if isinstance(event, ReportParked):
        park(step, row, REASONS[event.reason], place=event.place, hint=event.hint)
        return
    others = _others(step, row)
    if _is_duplicate(row, others):
        repeats = any(other.event == event for other in others)
        hint = "It says the same as the report before it, fact for fact." if repeats else "It says something else."
        park(step, row, Reason.DUPLICATE_SLIDE, decision=_decision(step, event.claim), hint=hint)
        return
    decision = _decision(step, event.claim)
    if decision.kind != "automatic" or decision.participant_id is None:
        park(step, row, Reason.UNKNOWN if decision.kind == "unknown" else Reason.UNSURE, decision=decision)
    elif _ruled_out(step, row, decision.participant_id):
        hint = "A clerk has taken this result off the record of the person who fits."
        park(step, row, Reason.UNSURE, decision=decision, hint=hint)
    elif _on_record_elsewhere(step, others, decision.participant_id):
        hint = "Another version of this slide stands on another person's record."
        park(step, row, Reason.UNSURE, decision=decision, hint=hint)
    else:
        settle_for(step, row, decision.participant_id, why=decision.why)


def settle_for(step: Step, row: ResultRow, participant_id: str, *, why: str) -> None:
    """The person is certain; the programme's rules decide whether the result goes on her record by itself."""
    alerts = alerts_with(step, row, participant_id)
    own = next((alert for alert in alerts if alert.result_id == row.result_id), None)
    if own:
        park(step, row, own.reason, participant_id=participant_id)
        refold(step, participant_id)
        return
    record(step, row, participant_id, how="automatic", by="hub", why=why)
    for alert in alerts:
        _question(step, alert.result_id, alert.reason, participant_id)
    _close_superseded(step, row)
    settle_waiting(step, participant_id)
    refold(step, participant_id)


def settle_waiting(step: Step, participant_id: str) -> None:
    """Results of this person that waited for a rule alone: does the rule still speak against them?"""
    for task in step.open_tasks(participant_id):
        row = step.tx.results.get(task.result_id)
        if task.reason not in POLICY or row is None or row.state != "waiting":
            continue
        if any(alert.result_id == row.result_id for alert in alerts_with(step, row, participant_id)):
            continue
        close(step, task, "settled", by="hub", why="New evidence: the rule no longer speaks against the result.")
        record(step, row, participant_id, how="automatic", by="hub", why="New evidence settled the task.")


def reconsider(step: Step, task: TaskRow) -> None:
    """New evidence about people: does the claim of a waiting task now belong to somebody with certainty?"""
    row = step.tx.results.get(task.result_id)
    if row is None or task.reason not in MATCHING or not isinstance(row.event, ResultReported):
        return
    decision = _decision(step, row.event.claim)
    certain = decision.participant_id if decision.kind == "automatic" else None
    if certain is None or _ruled_out(step, row, certain) or _on_record_elsewhere(step, _others(step, row), certain):
        step.put_task(replace(task, candidates=_candidates(decision.candidates)))
        return
    close(step, task, "settled", by="hub", why="New evidence: the person is now certain.")
    settle_for(step, row, certain, why=decision.why)


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
) -> None:
    """A clerk gets a task, and the result waits (or, with another `state`, stays where it is)."""
    step.tx.results.put(replace(row, state=state))
    claim = row.event.claim
    result = row.event.result if isinstance(row.event, ResultReported) else None
    tested_on = result.test_on if result else step.now.date()
    task = TaskRow(
        task_id=step.new_id("task"),
        result_id=row.result_id,
        reason=reason.code,
        state="open",
        priority=priority(result),
        due_on=due_on(tested_on),
        person_key=participant_id or _person_key(claim, row.result_id),
        opened_at=step.now,
        participant_id=participant_id,
        candidates=_candidates(decision.candidates) if decision else (),
        place=place,
        hint=hint or (decision.why if decision else ""),
    )
    step.put_task(task, search_keys(claim) if claim and reason.code in MATCHING else ())
    step.emit(ResultParked(row.result_id, task.task_id, reason.code), row.result_id)
    step.tell(telemetry.task_opened, reason.code)


def close(step: Step, task: TaskRow, outcome: str, *, by: str, why: str) -> None:
    """Settle a task, by a clerk or by new evidence."""
    closed = replace(task, state="closed", outcome=outcome, note=why, closed_at=step.now, closed_by=by)
    step.put_task(closed)
    step.emit(TaskClosed(task.task_id, outcome, by, why), task.result_id)
    step.tell(telemetry.task_closed, outcome)


def _decision(step: Step, claim: Claim) -> Decision:
    return decide(claim, step.candidates(claim))


def _candidates(candidates: tuple[Candidate, ...]) -> tuple[dict[str, Any], ...]:
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


def _others(step: Step, row: ResultRow) -> list[ResultRow]:
    """The other results under the same laboratory and slide number that were not refused."""
    result = reported(row).result
    rows = step.tx.results.of_slide(result.laboratory_code, result.slide_number)
    return [other for other in rows if other.result_id != row.result_id and other.state != "refused"]


def _is_duplicate(row: ResultRow, others: list[ResultRow]) -> bool:
    """A second first report for one slide (domain.md 2.7: slide number + laboratory is unique over everyone)."""
    if reported(row).result.version is not Version.FINAL:
        return False
    return any(isinstance(other.event, ReportParked) or other.event.result.version is Version.FINAL for other in others)


def _ruled_out(step: Step, row: ResultRow, participant_id: str) -> bool:
    """A person has said that this result is not hers: the hub never matches it to her again by itself."""
    matches = step.tx.records.matches_of(row.result_id) if row.state else ()  # without a state it was never matched
    return any(match.participant_id == participant_id and match.undone_by not in ("", "hub") for match in matches)


def _on_record_elsewhere(step: Step, others: list[ResultRow], participant_id: str) -> bool:
    matches = (step.tx.records.live_match(other.result_id) for other in others)
    return any(match and match.participant_id != participant_id for match in matches)


def leave_elsewhere(step: Step, row: ResultRow, participant_id: str, *, by: str, why: str) -> list[ResultRow]:
    """A slide belongs to one person: take its other versions off anybody else's record. Returns what was taken off."""
    left = []
    for other in _others(step, row):
        match = step.tx.records.live_match(other.result_id)
        if match and match.participant_id != participant_id:
            take_off(step, match, by=by, why=why, state="superseded")
            refold(step, match.participant_id)
            left.append(other)
    return left


def _close_superseded(step: Step, row: ResultRow) -> None:
    """A correction that found its person settles the tasks of the versions before it."""
    if reported(row).result.version is Version.FINAL:
        return
    for other in _others(step, row):
        if other.state != "waiting" or not _is_older(other, row):
            continue
        for task in step.tx.tasks.of_result(other.result_id):
            if task.state != "closed" and task.reason != Reason.DUPLICATE_SLIDE.code:
                step.tx.results.restate(other.result_id, "superseded")
                close(
                    step, task, "superseded", by="hub", why="New evidence: a correction of the same slide settled it."
                )


def _is_older(other: ResultRow, row: ResultRow) -> bool:
    if isinstance(other.event, ReportParked):
        return other.journal_seq < row.journal_seq
    return other.event.result.authorised_at < reported(row).result.authorised_at


def _question(step: Step, result_id: str, reason: Reason, participant_id: str) -> None:
    """A late result makes one that is on the record already doubtful: it stays there, and a clerk looks."""
    row = step.tx.results.get(result_id)
    if row is None or any(task.state != "closed" for task in step.tx.tasks.of_result(result_id)):
        return
    hint = "An earlier test arrived after this result was recorded."
    park(step, row, reason, participant_id=participant_id, hint=hint, state="recorded")


def _person_key(claim: Claim | None, otherwise: str) -> str:
    """The same for all waiting results that claim the same person, so that they can be shown as one."""
    if claim is None or not (claim.nhs_number or claim.family_name):
        return otherwise
    words = (claim.nhs_number, (claim.family_name or "").upper(), claim.date_of_birth)
    return hashlib.sha256(repr(words).encode()).hexdigest()[:32]
