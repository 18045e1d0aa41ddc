"""The clerks' decisions: match, reject, query, undo. Each is one transaction, a row of who and why, and events."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hub import telemetry
from hub.domain.events import DecisionUndone, ReportParked, ResultQueried, ResultRefused
from hub.domain.matching import decide, search_keys
from hub.domain.people import Participant
from hub.domain.versions import place_after, standing
from hub.errors import Reason
from hub.flow import refusals
from hub.flow.parking import POLICY, close, keys_of, open_tasks_of, park
from hub.flow.ports.records import MatchRow
from hub.flow.ports.results import DecisionRow, ResultRow, TaskRow
from hub.flow.recording import accept, counted_as, enrol, record, record_again, reported, take_off
from hub.flow.review import practice_changed
from hub.flow.settling import (
    bring_back_superseded,
    close_superseded,
    follow_up,
    leave_elsewhere,
    leave_entirely,
    one_task_a_slide,
    reconsider,
)
from hub.flow.slides import is_on_record_elsewhere, newer_waiting, others_of, owners
from hub.flow.step import Step

AS_BEFORE = "As before the decision that was undone."
ELSEWHERE = "Another version of this slide has come onto another person's record since: undo that match first."


class Refused(Exception):
    """The decision cannot be taken; the sentence says why and what to do. Holds nothing personal."""


def match(step: Step, task_id: str, participant_id: str, *, by: str, why: str) -> None:
    """The result belongs to this participant. If the task says that a rule speaks against it on her record, this
    accepts it all the same; a rule that no clerk has seen speak against it becomes a task of its own.

    Another version of the slide on another person's record is taken off there: a slide belongs to one person. A
    version whose date contradicts what it is counts from now on as the newest of its slide.
    """
    task, row = _waiting(step, task_id, by, why)
    if isinstance(row.event, ReportParked):
        raise Refused("This report could not be read to its end: mend the table and replay, or reject it.")
    if step.tx.cohort.get(participant_id) is None:
        raise Refused("There is no such participant in the cohort.")
    newer = newer_waiting(step, row)
    if newer:
        raise Refused(f"A newer version of this slide waits: decide on task {newer.task_id[:8]} first.")
    undo = _accept_recorded(step, row, participant_id) if row.state == "recorded" else {}
    if not undo:
        left = leave_elsewhere(step, row, participant_id, by=by, why=why)
        accepted = task.reason in POLICY and participant_id == task.participant_id
        result = reported(row).result
        place = place_after(result, standing(step.facts(participant_id), result))
        match_id = record(step, row, participant_id, how="clerk", by=by, why=why, accepted=accepted, counts_as=place)
        close_superseded(step, row, participant_id)
        undo = {"match_id": match_id, "left": [other.result_id for other in left]}
    close(step, task, "matched", by=by, why=why)
    _decided(step, task, "match", by, why, undo)
    _follow_up(step, participant_id, task.participant_id, *owners(step, row))


def _accept_recorded(step: Step, row: ResultRow, participant_id: str) -> dict[str, Any]:
    """The result is on the record and a rule questioned it afterwards: accept it as it stands."""
    live = step.tx.records.live_match(row.result_id)
    if live is None or live.participant_id != participant_id:
        raise Refused("The result stands on another person's record: undo that match first.")
    accept(step, row, participant_id, live.match_id, accepted=True, counts_as=counted_as(step, live))
    return {"accepted": live.match_id}


def reject(step: Step, task_id: str, *, by: str, why: str) -> None:
    """The result is not taken after all; the laboratory is told by its refusals list."""
    task, row = _waiting(step, task_id, by, why)
    live = step.tx.records.live_match(row.result_id)
    undo = {"was": live.match_id if live else None}
    if live:
        take_off(step, live, by=by, why=why, state="refused")
    step.tx.results.restate(row.result_id, "refused")
    step.emit(ResultRefused(row.result_id, task.task_id, by, why), row.result_id)
    refusals.refuse(step, row, task)
    close(step, task, "rejected", by=by, why=why)
    _decided(step, task, "reject", by, why, undo)
    bring_back_superseded(step, row)
    _follow_up(step, live.participant_id if live else None, task.participant_id, *owners(step, row))


def query(step: Step, task_id: str, *, by: str, why: str) -> None:
    """A question to the laboratory; the task goes on waiting, marked as queried."""
    task, row = _waiting(step, task_id, by, why)
    step.put_task(replace(task, state="queried", note=why))
    step.emit(ResultQueried(row.result_id, task.task_id, by, why), row.result_id)
    _decided(step, task, "query", by, why, {})


def undo(step: Step, task_id: str, *, by: str, why: str) -> None:
    """Take back the last decision on a task; the records it touched come out as if it had not been taken."""
    _signed(by, why)
    task, row = _held(step, task_id)
    taken = _taken(step.tx.tasks.decisions(task_id))
    if not taken:
        raise Refused("There is no decision on this task to undo.")
    last = taken.pop()
    if last.action == "query" and task.state == "closed":
        raise Refused(f"The task has been closed since ({task.outcome} by {task.closed_by}).")
    touched = _UNDO[last.action](step, row, last, by, why)
    _reopen(step, task, row, taken)
    one_task_a_slide(step, row)
    step.emit(DecisionUndone(row.result_id, task_id, last.action, by, why), row.result_id)
    _decided(step, task, "undo", by, why, {"undoes": last.seq})
    _follow_up(step, *touched, task.participant_id, *owners(step, row))


def _reopen(step: Step, task: TaskRow, row: ResultRow, taken: list[DecisionRow]) -> None:
    """The task as it was after the decisions that still stand, of which only a query leaves it open."""
    queried = taken[-1].why if taken else ""
    state = "queried" if taken else "open"
    again = replace(task, state=state, outcome="", note=queried, closed_at=None, closed_by="")
    step.put_task(again, keys_of(task, row))


def undo_automatic(step: Step, result_id: str, *, by: str, why: str) -> None:
    """The hub's own match was wrong: the slide leaves the record, and a clerk gets what stood there as unsure."""
    _signed(by, why)
    row = step.tx.results.get(result_id)
    if row:
        step.hold_result(row)
        row = step.tx.results.get(result_id)
    live = step.tx.records.live_match(result_id)
    if row is None or live is None:
        raise Refused("This result stands on nobody's record.")
    stood = leave_entirely(step, row, live.participant_id, by=by, why=why)
    claim = reported(stood).claim
    hint = f"The match was taken back by {by}: {why}"
    park(step, stood, Reason.UNSURE, decision=decide(claim, step.candidates(claim)), hint=hint)
    one_task_a_slide(step, stood)
    _follow_up(step, live.participant_id)


def people_changed(step: Step, people: list[Participant]) -> None:
    """The cohort's demographics came or changed: her record is folded anew, and waiting claims are looked at again.

    Nobody decides whose a result is meanwhile, from the cohort as it was.
    """
    step.tx.hold_everything()
    ids = [person.participant_id for person in people]
    before = {person.participant_id: person for person in step.tx.cohort.of(ids)}
    step.tx.cohort.put(people, step.now)
    step.know(people)
    step.tx.records.read_ahead(ids)
    for person in people:
        was = before.get(person.participant_id)
        if was and step.tx.records.summary(person.participant_id):
            follow_up(step, person.participant_id)
        else:
            enrol(step, person)
        if was and was.practice_code != person.practice_code:
            practice_changed(step, person)
    for task in step.tx.tasks.waiting_for_keys(key for person in people for key in search_keys(person)):
        reconsider(step, task)


def _undo_match(step: Step, row: ResultRow, last: DecisionRow, by: str, why: str) -> list[str]:
    live = step.tx.records.live_match(row.result_id)
    if live is None or live.match_id not in (last.undo.get("match_id"), last.undo.get("accepted")):
        raise Refused("The match has been changed since by something else: look at the task's history.")
    counts_as = counted_as(step, live)
    take_off(step, live, by=by, why=why, state="waiting")
    for question in open_tasks_of(step, row.result_id):  # asked because of this match
        close(step, question, "undone", by=by, why=why)
    if "accepted" in last.undo:  # it stood on the record before the decision, and does so again
        record(step, row, live.participant_id, how=live.how, by=by, why=AS_BEFORE, counts_as=counts_as)
    touched = [live.participant_id]
    for result_id in last.undo.get("left", ()):
        touched += _restore(step, result_id, by)
    return touched


def _undo_reject(step: Step, row: ResultRow, last: DecisionRow, by: str, _why: str) -> list[str]:
    step.tx.results.restate(row.result_id, "waiting")
    refusals.withdraw(step, row)
    was = last.undo["was"]
    return [
        _put_back(step, row, match, by) for match in step.tx.records.matches_of(row.result_id) if match.match_id == was
    ]


def _undo_query(_step: Step, _row: ResultRow, _last: DecisionRow, _by: str, _why: str) -> list[str]:
    return []


_UNDO: dict[str, Callable[[Step, ResultRow, DecisionRow, str, str], list[str]]] = {
    "match": _undo_match,
    "reject": _undo_reject,
    "query": _undo_query,
}


def _restore(step: Step, result_id: str, by: str) -> list[str]:
    """Put back what an undone match had taken off another person's record."""
    row = step.tx.results.get(result_id)
    matches = step.tx.records.matches_of(result_id)
    if row is None or not matches or row.state != "superseded":
        return []
    last = max(matches, key=lambda match: match.undone_at or match.matched_at)
    return [_put_back(step, row, last, by)]


def _put_back(step: Step, row: ResultRow, match: MatchRow, by: str) -> str:
    """Put a result back on the record it stood on by this match; returns whose that is."""
    if is_on_record_elsewhere(step, others_of(step, row), match.participant_id):
        raise Refused(ELSEWHERE)
    record_again(step, row, match, by=by, why=AS_BEFORE)
    return match.participant_id


def _taken(decisions: list[DecisionRow]) -> list[DecisionRow]:
    """The decisions that no later undo has taken back, oldest first."""
    undone = {decision.undo["undoes"] for decision in decisions if decision.action == "undo"}
    return [decision for decision in decisions if decision.action != "undo" and decision.seq not in undone]


def _follow_up(step: Step, *participants: str | None) -> None:
    for participant_id in dict.fromkeys(participants):
        if participant_id:
            follow_up(step, participant_id)


def _decided(step: Step, task: TaskRow, action: str, by: str, why: str, undo: dict[str, Any]) -> None:
    step.tx.tasks.decide(DecisionRow(task.task_id, action, by, why, step.now, undo))
    step.tell(telemetry.decision_taken, action)


def _task(step: Step, task_id: str) -> TaskRow:
    task = step.tx.tasks.get(task_id)
    if task is None:
        raise Refused("There is no such task.")
    return task


def _held(step: Step, task_id: str) -> tuple[TaskRow, ResultRow]:
    """The task and its result, as they are once nobody else decides about them."""
    row = step.tx.results.get(_task(step, task_id).result_id)
    assert row is not None, "a task names a result"
    step.hold_result(row)
    again = step.tx.results.get(row.result_id)
    assert again is not None, "results stay"
    return _task(step, task_id), again


def _signed(by: str, why: str) -> None:
    if not by.strip():
        raise Refused("Say who decides: every decision bears a name.")
    if not why.strip():
        raise Refused("Say why: every decision bears a reason.")


def _waiting(step: Step, task_id: str, by: str, why: str) -> tuple[TaskRow, ResultRow]:
    """A task that may be decided on, and its result."""
    _signed(by, why)
    task, row = _held(step, task_id)
    if task.state == "closed":
        raise Refused(f"The task is closed already ({task.outcome} by {task.closed_by}). Undo it first to decide anew.")
    return task, row
