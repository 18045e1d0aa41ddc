"""What becomes of a reported result: on a record, or before a clerk. Nothing else."""

from __future__ import annotations

from dataclasses import replace

from hub.domain.events import ReportParked, ResultReported, Version
from hub.domain.matching import Decision, decide
from hub.domain.people import Claim
from hub.domain.versions import standing
from hub.errors import Reason
from hub.flow import discharges
from hub.flow.parking import MATCHING, POLICY, candidates_as_data, close, open_tasks_of, park
from hub.flow.ports.records import MatchRow
from hub.flow.ports.results import ResultRow, TaskRow
from hub.flow.recording import objection, record, refold, reported, take_off
from hub.flow.slides import (
    corrects,
    is_duplicate,
    is_older,
    is_on_record_elsewhere,
    is_ruled_out,
    newest_first,
    others_of,
    owners,
)
from hub.flow.step import Step

REASONS = {reason.code: reason for reason in Reason}


_MISDATED = {
    Version.FINAL: "A first report that is dated after the correction or withdrawal of it.",
    Version.CORRECTED: "A correction that is dated before the version it should replace, or no later.",
    Version.WITHDRAWN: "A withdrawal that is dated before the version it should take back, or no later.",
}


def settle(step: Step, row: ResultRow) -> None:
    """Decide what becomes of a result that stands on nobody's record."""
    event, others = row.event, others_of(step, row)
    if isinstance(event, ReportParked):
        park(step, row, REASONS[event.reason], place=event.place, hint=event.hint)
        follow_up_owners(step, row)
        return
    decision = _decision(step, event.claim)
    certain = decision.participant_id if decision.kind == "automatic" else None
    if is_duplicate(row, others):
        repeats = any(other.event == event for other in others)
        hint = "It says the same as the report before it, fact for fact." if repeats else "It says something else."
        _park_version(step, row, Reason.DUPLICATE_SLIDE, decision, hint)
    elif certain is None:
        reason = Reason.UNKNOWN if decision.kind == "unknown" else Reason.UNSURE
        _park_version(step, row, reason, decision)
    elif is_ruled_out(step, row, others, certain):
        hint = "A clerk has taken this slide off the record of the person who fits."
        _park_version(step, row, Reason.UNSURE, decision, hint)
    elif is_on_record_elsewhere(step, others, certain):
        hint = "Another version of this slide stands on another person's record."
        _park_version(step, row, Reason.UNSURE, decision, hint)
    else:
        settle_for(step, row, certain, why=decision.why)


def settle_for(step: Step, row: ResultRow, participant_id: str, *, why: str) -> None:
    """The person is certain; whether the result goes on her record by itself is for the dates of the slide's versions
    and for the programme's rules to say."""
    alert = objection(step, row, participant_id)
    if alert:
        hint = _MISDATED[reported(row).result.version] if alert.reason is Reason.DUPLICATE_SLIDE else ""
        park(step, row, alert.reason, participant_id=participant_id, hint=hint)
        one_task_a_slide(step, row)
        refold(step, participant_id)
        return
    record(step, row, participant_id, how="automatic", by="hub", why=why)
    close_superseded(step, row, participant_id)
    follow_up(step, participant_id)


def _park_version(step: Step, row: ResultRow, reason: Reason, decision: Decision, hint: str = "") -> None:
    """Whose it is, or which of two reports is right, is for a clerk; the letters of whoever has the slide wait."""
    asking = step.asks_pds and reason is Reason.UNKNOWN
    task = park(step, row, reason, decision=decision, hint=hint, asking=asking)
    if decision.kind != "automatic":
        close_overtaken(step, row, task)
    one_task_a_slide(step, row)
    follow_up_owners(step, row)


def follow_up_owners(step: Step, row: ResultRow) -> None:
    """Something waits, or waits no longer, that concerns a slide on somebody's record."""
    for participant_id in owners(step, row):
        follow_up(step, participant_id)


def follow_up(step: Step, participant_id: str) -> None:
    """What is known of this person has changed: what waited for a rule is looked at again, and her record folded.

    One result that is settled may settle the next, so it goes on until none is.
    """
    while any(_settled(step, task, participant_id) for task in step.open_tasks(participant_id)):
        pass
    refold(step, participant_id)


def _settled(step: Step, task: TaskRow, participant_id: str) -> bool:
    """Whether the rule for which the task was opened no longer speaks against its result, or its discharge."""
    if task.discharge_id:
        return bool(discharges.reconsider(step, task))
    if task.reason not in POLICY or task.participant_id != participant_id:
        return False
    row = _still_open(step, task)
    if row is None or objection(step, row, participant_id):
        return False
    if row.state == "waiting":
        if is_on_record_elsewhere(step, others_of(step, row), participant_id):
            return False
        record(step, row, participant_id, how="automatic", by="hub", why="New evidence settled the task.")
    close(step, task, "settled", by="hub", why="New evidence: the rule no longer speaks against the result.")
    return True


def _still_open(step: Step, task: TaskRow) -> ResultRow | None:
    """The result of a task that is open, held and then read; None where somebody has just closed it."""
    row = step.tx.results.get(task.result_id)
    if row is None:
        return None
    step.hold_result(row)
    now = step.tx.tasks.get(task.task_id)
    return step.tx.results.get(task.result_id) if now and now.state != "closed" else None


def reconsider(step: Step, task: TaskRow) -> None:
    """New evidence about people: does the claim of a waiting task now belong to somebody with certainty?"""
    if task.discharge_id:
        for participant_id in discharges.reconsider(step, task):
            follow_up(step, participant_id)
        return
    row = step.tx.results.get(task.result_id)
    if row is None or task.reason not in MATCHING or not isinstance(row.event, ResultReported):
        return
    if row.state != "waiting":  # another task of the same round has settled this one with it
        return
    decision, others = _decision(step, row.event.claim), others_of(step, row)
    certain = decision.participant_id if decision.kind == "automatic" else None
    if certain is None or is_ruled_out(step, row, others, certain) or is_on_record_elsewhere(step, others, certain):
        step.put_task(replace(task, candidates=candidates_as_data(decision.candidates)))
        return
    close(step, task, "settled", by="hub", why="New evidence: the person is now certain.")
    settle_for(step, row, certain, why=decision.why)


def _decision(step: Step, claim: Claim) -> Decision:
    return decide(claim, step.candidates(claim))


def leave_elsewhere(step: Step, row: ResultRow, participant_id: str, *, by: str, why: str) -> list[ResultRow]:
    """A slide belongs to one person: take its other versions off anybody else's record. Returns what was taken off."""
    left = []
    for other in others_of(step, row):
        match = step.tx.records.live_match(other.result_id)
        if match and match.participant_id != participant_id:
            _leave(step, match, by, why)
            follow_up(step, match.participant_id)
            left.append(other)
    return left


def leave_entirely(step: Step, row: ResultRow, participant_id: str, *, by: str, why: str) -> ResultRow:
    """Take every version of this slide off her record; returns the one that counted, which a clerk gets."""
    stood = standing(step.facts(participant_id), reported(row).result)
    versions = {version.result_id: version for version in (row, *others_of(step, row))}
    for result_id in versions:
        match = step.tx.records.live_match(result_id)
        if match and match.participant_id == participant_id:
            _leave(step, match, by, why)
    return versions[stood.result_id] if stood else row


def _leave(step: Step, match: MatchRow, by: str, why: str) -> None:
    take_off(step, match, by=by, why=why, state="superseded")
    for task in open_tasks_of(step, match.result_id):
        close(step, task, "undone", by=by, why=why)


def close_superseded(step: Step, row: ResultRow, participant_id: str) -> None:
    """A correction that found its person settles the tasks of the versions before it."""
    for held in dict.fromkeys(task.participant_id for task in _close_older(step, row)):
        if held and held != participant_id:
            follow_up(step, held)  # her letters waited for a result that was never hers


def one_task_a_slide(step: Step, row: ResultRow) -> None:
    """Of the versions of a slide that wait, a clerk gets the newest: an older one must not come onto a record while
    the laboratory's last word lies beside it. Holds whichever of them came first."""
    now = step.tx.results.get(row.result_id)
    if now is None or now.state != "waiting":
        return
    waiting = [other for other in others_of(step, row) if other.state == "waiting"]
    closed = _close_older(step, row)
    if any(corrects(other) and is_older(row, other) for other in waiting):
        closed += [task for task in open_tasks_of(step, row.result_id) if _gives_way(step, row, task)]
    for held in dict.fromkeys(task.participant_id for task in closed):
        if held:
            follow_up(step, held)


def _close_older(step: Step, row: ResultRow) -> list[TaskRow]:
    """Close the tasks of the versions that this one corrects or withdraws."""
    if not corrects(row):
        return []
    older = [other for other in others_of(step, row) if other.state == "waiting" and is_older(other, row)]
    tasks = [(other, task) for other in older for task in open_tasks_of(step, other.result_id)]
    return [task for other, task in tasks if _gives_way(step, other, task)]


def close_overtaken(step: Step, row: ResultRow, task: TaskRow) -> None:
    """The same where the correction came first: an older version that fits nobody with certainty is settled by it."""
    if any(corrects(other) and other.state == "recorded" and is_older(row, other) for other in others_of(step, row)):
        _gives_way(step, row, task)


def _gives_way(step: Step, row: ResultRow, task: TaskRow) -> bool:
    """Close a task whose result a newer version supersedes. Two first reports of one slide stay a question, whatever
    corrects them; a report that could not be read may be anything."""
    if isinstance(row.event, ReportParked) or is_duplicate(row, others_of(step, row)):
        return False
    step.tx.results.restate(row.result_id, "superseded")
    close(step, task, "superseded", by="hub", why="New evidence: a correction of the same slide settled it.")
    return True


def bring_back_superseded(step: Step, row: ResultRow) -> None:
    """A correction is refused: what only gave way to it is decided on again, as if it had just come."""
    if not corrects(row):
        return
    for other in newest_first(others_of(step, row)):  # the newest that comes back keeps the older ones away
        live = [one for one in others_of(step, row) if one.state in ("recorded", "waiting")]
        if other.state == "superseded" and not any(_replaces(one, other) for one in live):
            settle(step, other)


def _replaces(live: ResultRow, gone: ResultRow) -> bool:
    """Whether a version stands or waits in the place of another: a newer correction, or another first report."""
    return is_older(gone, live) if corrects(live) else not corrects(gone)
