"""What becomes of a reported result: on a record, or before a clerk. Nothing else."""

from __future__ import annotations

from dataclasses import replace

from hub.domain.events import ReportParked, ResultReported, Version
from hub.domain.matching import Decision, decide
from hub.domain.people import Claim
from hub.errors import Reason
from hub.flow.parking import MATCHING, POLICY, candidates_as_data, close, open_tasks_of, park
from hub.flow.ports import MatchRow, ResultRow, TaskRow
from hub.flow.recording import objection, record, refold, reported, take_off
from hub.flow.step import Step

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
        reason = Reason.UNKNOWN if decision.kind == "unknown" else Reason.UNSURE
        task = park(step, row, reason, decision=decision)
        close_overtaken(step, row, task, others)
    elif _ruled_out(step, row, others, decision.participant_id):
        hint = "A clerk has taken this slide off the record of the person who fits."
        park(step, row, Reason.UNSURE, decision=decision, hint=hint)
    elif _on_record_elsewhere(step, others, decision.participant_id):
        hint = "Another version of this slide stands on another person's record."
        park(step, row, Reason.UNSURE, decision=decision, hint=hint)
    else:
        settle_for(step, row, decision.participant_id, why=decision.why)


def settle_for(step: Step, row: ResultRow, participant_id: str, *, why: str) -> None:
    """The person is certain; the programme's rules decide whether the result goes on her record by itself."""
    alert = objection(step, row, participant_id)
    if alert:
        park(step, row, alert.reason, participant_id=participant_id)
        refold(step, participant_id)
        return
    record(step, row, participant_id, how="automatic", by="hub", why=why)
    close_superseded(step, row, participant_id)
    follow_up(step, participant_id)


def follow_up(step: Step, participant_id: str) -> None:
    """What is known of this person has changed: what waited for a rule is looked at again, and her record folded.

    One result that is settled may settle the next, so it goes on until none is.
    """
    while any(_settled(step, task, participant_id) for task in step.open_tasks(participant_id)):
        pass
    refold(step, participant_id)


def _settled(step: Step, task: TaskRow, participant_id: str) -> bool:
    """Whether the rule for which the task was opened no longer speaks against its result."""
    row = step.tx.results.get(task.result_id)
    if task.reason not in POLICY or row is None or objection(step, row, participant_id):
        return False
    if row.state == "waiting":
        if _on_record_elsewhere(step, _others(step, row), participant_id):
            return False
        record(step, row, participant_id, how="automatic", by="hub", why="New evidence settled the task.")
    close(step, task, "settled", by="hub", why="New evidence: the rule no longer speaks against the result.")
    return True


def reconsider(step: Step, task: TaskRow) -> None:
    """New evidence about people: does the claim of a waiting task now belong to somebody with certainty?"""
    row = step.tx.results.get(task.result_id)
    if row is None or task.reason not in MATCHING or not isinstance(row.event, ResultReported):
        return
    if row.state != "waiting":  # another task of the same round has settled this one with it
        return
    decision, others = _decision(step, row.event.claim), _others(step, row)
    certain = decision.participant_id if decision.kind == "automatic" else None
    if certain is None or _ruled_out(step, row, others, certain) or _on_record_elsewhere(step, others, certain):
        step.put_task(replace(task, candidates=candidates_as_data(decision.candidates)))
        return
    close(step, task, "settled", by="hub", why="New evidence: the person is now certain.")
    settle_for(step, row, certain, why=decision.why)


def _decision(step: Step, claim: Claim) -> Decision:
    return decide(claim, step.candidates(claim))


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


def _ruled_out(step: Step, row: ResultRow, others: list[ResultRow], participant_id: str) -> bool:
    """A clerk has said that this slide is not hers: the hub never matches any version of it to her again by itself."""
    known = [version.result_id for version in (row, *others) if version.state]  # without a state it was never matched
    return any(_is_ruled_out(step.tx.records.matches_of(result_id), participant_id) for result_id in known)


def _is_ruled_out(matches: list[MatchRow], participant_id: str) -> bool:
    hers = [match for match in matches if match.participant_id == participant_id]
    stands = any(match.undone_at is None for match in hers)
    return not stands and any(match.undone_by != "hub" for match in hers)


def _on_record_elsewhere(step: Step, others: list[ResultRow], participant_id: str) -> bool:
    matches = (step.tx.records.live_match(other.result_id) for other in others)
    return any(match and match.participant_id != participant_id for match in matches)


def is_on_record_elsewhere(step: Step, row: ResultRow, participant_id: str) -> bool:
    """Whether another version of this slide stands on the record of another person."""
    return _on_record_elsewhere(step, _others(step, row), participant_id)


def leave_elsewhere(step: Step, row: ResultRow, participant_id: str, *, by: str, why: str) -> list[ResultRow]:
    """A slide belongs to one person: take its other versions off anybody else's record. Returns what was taken off."""
    left = []
    for other in _others(step, row):
        match = step.tx.records.live_match(other.result_id)
        if match and match.participant_id != participant_id:
            _leave(step, match, by, why)
            follow_up(step, match.participant_id)
            left.append(other)
    return left


def leave_entirely(step: Step, row: ResultRow, participant_id: str, *, by: str, why: str) -> ResultRow:
    """Take every version of this slide off her record; returns the newest of them, which a clerk gets."""
    live = []
    for version in (row, *_others(step, row)):
        match = step.tx.records.live_match(version.result_id)
        if match and match.participant_id == participant_id:
            _leave(step, match, by, why)
            live.append(version)
    return max(live, key=lambda version: reported(version).result.authorised_at)


def _leave(step: Step, match: MatchRow, by: str, why: str) -> None:
    take_off(step, match, by=by, why=why, state="superseded")
    for task in open_tasks_of(step, match.result_id):
        close(step, task, "undone", by=by, why=why)


def close_superseded(step: Step, row: ResultRow, participant_id: str) -> list[str]:
    """A correction that found its person settles the tasks of the versions before it; returns those tasks' ids."""
    if reported(row).result.version is Version.FINAL:
        return []
    closed = []
    for other in _others(step, row):
        if other.state == "waiting" and _is_older(other, row):
            closed += [_close_as_superseded(step, other, task) for task in open_tasks_of(step, other.result_id)]
    held = dict.fromkeys(task.participant_id for task in closed if task)
    for other_person in held:
        if other_person and other_person != participant_id:
            follow_up(step, other_person)  # her letters waited for a result that was never hers
    return [task.task_id for task in closed if task]


def close_overtaken(step: Step, row: ResultRow, task: TaskRow, others: list[ResultRow]) -> None:
    """The same where the correction came first: an older version that fits nobody with certainty is settled by it."""
    for other in others:
        corrects = isinstance(other.event, ResultReported) and other.event.result.version is not Version.FINAL
        if corrects and other.state == "recorded" and _is_older(row, other):
            _close_as_superseded(step, row, task)
            return


def _close_as_superseded(step: Step, row: ResultRow, task: TaskRow) -> TaskRow | None:
    if task.reason == Reason.DUPLICATE_SLIDE.code:  # two reports of one slide stay a question, whatever corrects them
        return None
    step.tx.results.restate(row.result_id, "superseded")
    close(step, task, "superseded", by="hub", why="New evidence: a correction of the same slide settled it.")
    return task


def bring_back_superseded(step: Step, row: ResultRow) -> None:
    """A correction is refused: the version before it, if that only gave way to the correction, waits again."""
    if isinstance(row.event, ReportParked) or row.event.result.version is Version.FINAL:
        return
    others = _others(step, row)
    if any(other.state in ("recorded", "waiting") for other in others):
        return
    gave_way = [other for other in others if other.state == "superseded" and _is_older(other, row)]
    if gave_way:
        settle(step, max(gave_way, key=lambda other: other.journal_seq))


def _is_older(one: ResultRow, other: ResultRow) -> bool:
    """Whether one version was issued before the other; where that could not be read, whether it came before."""
    if isinstance(one.event, ReportParked) or isinstance(other.event, ReportParked):
        return one.journal_seq < other.journal_seq
    return one.event.result.authorised_at < other.event.result.authorised_at
