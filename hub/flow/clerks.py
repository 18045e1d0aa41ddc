"""The clerks' decisions: match, reject, query, undo. Each is one transaction, a row of who and why, and events."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hub import telemetry
from hub.domain.events import ReportParked, ResultQueried, ResultRefused
from hub.domain.matching import decide, search_keys
from hub.domain.people import Participant
from hub.errors import Reason
from hub.flow.ports import DecisionRow, MatchRow, ResultRow, TaskRow
from hub.flow.recording import accept, record, refold, reported, take_off
from hub.flow.settling import close, leave_elsewhere, park, reconsider, settle_waiting
from hub.flow.step import Step


class Refused(Exception):
    """The decision cannot be taken; the sentence says why and what to do. Holds nothing personal."""


def match(step: Step, task_id: str, participant_id: str, *, by: str, why: str) -> None:
    """The result belongs to this participant. Where a rule speaks against the result, this accepts it all the same.

    Another version of the slide on another person's record is taken off there: a slide belongs to one person.
    """
    task, row = _waiting(step, task_id)
    if isinstance(row.event, ReportParked):
        raise Refused("This report could not be read to its end: mend the table and replay, or reject it.")
    if step.tx.cohort.get(participant_id) is None:
        raise Refused("There is no such participant in the cohort.")
    undo = _accept_recorded(step, row, participant_id) if row.state == "recorded" else {}
    if not undo:
        left = leave_elsewhere(step, row, participant_id, by=by, why=why)
        match_id = record(step, row, participant_id, how="clerk", by=by, why=why, accepted=True)
        undo = {"match_id": match_id, "left": [other.result_id for other in left]}
    close(step, task, "matched", by=by, why=why)
    _decided(step, task, "match", by, why, undo)
    _follow_up(step, participant_id)


def _accept_recorded(step: Step, row: ResultRow, participant_id: str) -> dict[str, Any]:
    """The result is on the record and a rule questioned it afterwards: accept it as it stands."""
    live = step.tx.records.live_match(row.result_id)
    if live is None or live.participant_id != participant_id:
        raise Refused("The result stands on another person's record: undo that match first.")
    accept(step, row, participant_id, live.match_id, accepted=True)
    return {"accepted": live.match_id}


def reject(step: Step, task_id: str, *, by: str, why: str) -> None:
    """The result is not taken after all; the laboratory is told by its refusals list."""
    task, row = _waiting(step, task_id)
    live = step.tx.records.live_match(row.result_id)
    if live:
        take_off(step, live, by=by, why=why, state="refused")
    step.tx.results.restate(row.result_id, "refused")
    step.emit(ResultRefused(row.result_id, task.task_id, by, why), row.result_id)
    close(step, task, "rejected", by=by, why=why)
    _decided(step, task, "reject", by, why, {"was": _remembered(live)})
    _follow_up(step, live.participant_id if live else task.participant_id)


def query(step: Step, task_id: str, *, by: str, why: str) -> None:
    """A question to the laboratory; the task goes on waiting, marked as queried."""
    task, row = _waiting(step, task_id)
    step.put_task(replace(task, state="queried", note=why))
    step.emit(ResultQueried(row.result_id, task.task_id, by, why), row.result_id)
    _decided(step, task, "query", by, why, {"state": task.state, "note": task.note})


def undo(step: Step, task_id: str, *, by: str, why: str) -> None:
    """Take back the last decision on a task; the records it touched come out as if it had not been taken."""
    task = _task(step, task_id)
    last = _last_standing(step.tx.tasks.decisions(task_id))
    if last is None:
        raise Refused("There is no decision on this task to undo.")
    row = step.tx.results.get(task.result_id)
    assert row is not None, "a task names a result"
    touched = _UNDO[last.action](step, row, last, by, why)
    state, note = (last.undo["state"], last.undo["note"]) if last.action == "query" else ("open", "")
    reopened = replace(task, state=state, outcome="", note=note, closed_at=None, closed_by="")
    step.put_task(reopened)
    step.tx.tasks.decide(DecisionRow(task_id, "undo", by, why, step.now, {"undoes": last.seq}))
    for participant_id in dict.fromkeys([*touched, task.participant_id]):
        _follow_up(step, participant_id)
    step.tell(telemetry.decision_taken, "undo")


def undo_automatic(step: Step, result_id: str, *, by: str, why: str) -> None:
    """The hub's own match was wrong: the result leaves the record and a clerk gets it as an unsure one."""
    row = step.tx.results.get(result_id)
    live = step.tx.records.live_match(result_id)
    if row is None or live is None:
        raise Refused("This result stands on nobody's record.")
    take_off(step, live, by=by, why=why, state="waiting")
    for task in step.tx.tasks.of_result(result_id):
        if task.state != "closed":
            close(step, task, "undone", by=by, why=why)
    claim = reported(row).claim
    park(step, row, Reason.UNSURE, decision=decide(claim, step.candidates(claim)))
    _follow_up(step, live.participant_id)


def people_changed(step: Step, people: list[Participant]) -> None:
    """The cohort's demographics came or changed: her record is folded anew, and waiting claims are looked at again."""
    step.tx.cohort.put(people, step.now)
    step.know(people)
    for person in people:
        if step.tx.records.summary(person.participant_id):
            refold(step, person.participant_id)
    for task in step.tx.tasks.waiting_for_keys({key for person in people for key in search_keys(person)}):
        reconsider(step, task)


def _undo_match(step: Step, row: ResultRow, last: DecisionRow, by: str, why: str) -> list[str]:
    live = step.tx.records.live_match(row.result_id)
    if live is None or live.match_id not in (last.undo.get("match_id"), last.undo.get("accepted")):
        raise Refused("The match has been changed since by something else: look at the task's history.")
    take_off(step, live, by=by, why=why, state="waiting")
    if "accepted" in last.undo:  # it stood on the record before the decision, and does so again
        record(step, row, live.participant_id, how="automatic", by="hub", why="As before the decision that was undone.")
    touched = [live.participant_id]
    for result_id in last.undo.get("left", ()):
        touched += _restore(step, result_id, by)
    return touched


def _undo_reject(step: Step, row: ResultRow, last: DecisionRow, by: str, _why: str) -> list[str]:
    step.tx.results.restate(row.result_id, "waiting")
    was = last.undo["was"]
    if was is None:
        return []
    record(step, row, was["participant_id"], how=was["how"], by=by, why="As before the decision that was undone.")
    return [was["participant_id"]]


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
    why = "As before the decision that was undone."
    record(step, row, last.participant_id, how=last.how, by=by, why=why, accepted=last.how == "clerk")
    return [last.participant_id]


def _remembered(live: MatchRow | None) -> dict[str, str] | None:
    return {"participant_id": live.participant_id, "how": live.how} if live else None


def _last_standing(decisions: list[DecisionRow]) -> DecisionRow | None:
    """The newest decision that no later undo has taken back."""
    undone = {decision.undo["undoes"] for decision in decisions if decision.action == "undo"}
    standing = [decision for decision in decisions if decision.action != "undo" and decision.seq not in undone]
    return standing[-1] if standing else None


def _follow_up(step: Step, participant_id: str | None) -> None:
    if participant_id is None:
        return
    settle_waiting(step, participant_id)
    refold(step, participant_id)


def _decided(step: Step, task: TaskRow, action: str, by: str, why: str, undo: dict[str, Any]) -> None:
    step.tx.tasks.decide(DecisionRow(task.task_id, action, by, why, step.now, undo))
    step.tell(telemetry.decision_taken, action)


def _task(step: Step, task_id: str) -> TaskRow:
    task = step.tx.tasks.get(task_id)
    if task is None:
        raise Refused("There is no such task.")
    return task


def _waiting(step: Step, task_id: str) -> tuple[TaskRow, ResultRow]:
    task = _task(step, task_id)
    if task.state == "closed":
        raise Refused(f"The task is closed already ({task.outcome} by {task.closed_by}). Undo it first to decide anew.")
    row = step.tx.results.get(task.result_id)
    assert row is not None, "a task names a result"
    return task, row
