"""What becomes of a discharge that a clinic reported: on a record, or before a clerk, or nothing new."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from hub import telemetry
from hub.contract import Envelope, event_from_json
from hub.domain.dates import day_in_england, spoken
from hub.domain.discharges import Objection, date_that_counts, is_on_record, objection
from hub.domain.events import Discharge, DischargeApplied, DischargeParked, DischargeReported, DischargeUnread
from hub.domain.facts import DischargeFact, TakenBackFact
from hub.domain.letters import NORMAL
from hub.domain.matching import Decision, decide, search_keys
from hub.errors import Reason
from hub.flow.parking import MATCHING, candidates_as_data, close, person_key
from hub.flow.ports.recall import ActionRow
from hub.flow.ports.results import DischargeRow, TaskRow
from hub.flow.recording import entry_of, refold
from hub.flow.step import Step, names_of, said_by

REASON = "colposcopy"
"""Why her date was set, as the actions about her say it."""
_STOOD = ("applied", "waiting", "refused")
"""States of a row that was dealt with, or is: another that says the same brings nothing new."""


def on_discharge(step: Step, envelope: Envelope) -> list[str]:
    """A discharge was reported, or the same place of a message was read again under other tables. Returns whose
    records changed."""
    row = _row(step, envelope)
    hold(step, row)
    known = step.tx.discharges.get(row.discharge_id)
    if known and (_is_settled(step, known, row) or _clerk_decided(step, known)):
        return []
    touched = _set_aside(step, known) if known else []
    return [*touched, *settle(step, row)]


def park_fault(step: Step, envelope: Envelope) -> None:
    """The handler failed for a reason of ours: a clerk and an engineer see it."""
    row = _row(step, envelope)
    hold(step, row)
    known = step.tx.discharges.get(row.discharge_id)
    if not open_tasks_about(step, row.discharge_id):
        park(step, known or row, Reason.OUR_FAULT, state=known.state if known else "waiting")


def settle(step: Step, row: DischargeRow) -> list[str]:
    """Decide what becomes of a discharge that stands on nobody's record. Returns whose records changed."""
    event = row.event
    if isinstance(event, DischargeUnread):
        park(step, row, _reason_of(event), place=event.place, hint=event.hint)
        return []
    if any(other.state in _STOOD and other.discharge_id != row.discharge_id for other in _alike(step, row)):
        _put(step, row, "repeated")
        return []
    decision = decide(event.claim, step.candidates(event.claim))
    if decision.kind != "automatic" or decision.participant_id is None:
        reason = Reason.UNKNOWN if decision.kind == "unknown" else Reason.UNSURE
        park(step, row, reason, decision=decision)
        return []
    return settle_for(step, row, decision.participant_id, why=decision.why)


def settle_for(step: Step, row: DischargeRow, participant_id: str, *, why: str) -> list[str]:
    """The person is certain; whether it goes on her record by itself is for her history and the rules to say."""
    discharge = reported(row).discharge
    if is_on_record(discharge, step.facts(participant_id)):
        _put(step, row, "repeated")
        return []
    if against := objection_to(step, discharge, participant_id):
        park(step, row, against.reason, participant_id=participant_id, hint=against.hint)
        refold(step, participant_id)  # her letters wait
        return [participant_id]
    due_on = date_that_counts(discharge, day_in_england(step.now), step.policies)
    put_on_record(step, row, participant_id, due_on, by="hub", why=why)
    return [participant_id]


def objection_to(step: Step, discharge: Discharge, participant_id: str) -> Objection | None:
    """What speaks against this discharge on her record, as it is now."""
    entry = entry_of(step.participant(participant_id))
    return objection(discharge, entry, step.facts(participant_id), step.policies)


def put_on_record(
    step: Step, row: DischargeRow, participant_id: str, due_on: date, *, by: str, why: str, case_number: str = ""
) -> None:
    """Her date is set anew: a fact, a row of who and why, and the fold."""
    discharge = reported(row).discharge
    action_id = step.new_id("action")
    stated = discharge.next_test_due_on
    step.add_fact(
        participant_id,
        DischargeFact(action_id, discharge.discharged_on, step.now, stated, due_on, discharge.clinic_code),
    )
    said = "" if due_on == stated else f" The clinic's own date was {spoken(stated)}."
    step.tx.actions.put(
        ActionRow(
            action_id=action_id,
            participant_id=participant_id,
            action="discharge",
            reason=REASON,
            due_on=due_on,
            decided_on=day_in_england(step.now),
            by=by,
            why=why + said,
            decided_at=step.now,
            case_number=case_number,
        )
    )
    for listed in step.tx.notifications.open_of(participant_id):
        step.tx.notifications.put(replace(listed, state="closed"))
    _put(step, replace(row, participant_id=participant_id, action_id=action_id, due_on=due_on), "applied")
    step.emit(DischargeApplied(row.discharge_id, participant_id, due_on, by), row.discharge_id)
    refold(step, participant_id)


def take_off_record(step: Step, row: DischargeRow, *, by: str) -> str:
    """As if it had never been put there. Returns whose record it was; what becomes of the row says the caller."""
    assert row.participant_id and row.action_id, "an applied discharge names its action"
    action = step.tx.actions.get(row.action_id)
    assert action is not None, "an action is never deleted"
    step.hold_person(row.participant_id)
    step.tx.actions.put(replace(action, taken_back_at=step.now, taken_back_by=by))
    step.add_fact(row.participant_id, TakenBackFact(row.action_id))
    refold(step, row.participant_id)
    return row.participant_id


def park(
    step: Step,
    row: DischargeRow,
    reason: Reason,
    *,
    decision: Decision | None = None,
    participant_id: str | None = None,
    place: str = "",
    hint: str = "",
    state: str = "waiting",
) -> None:
    """A clerk gets a task, with the clock that began when the list came; the discharge waits (or, with another
    `state`, stays where it is)."""
    task = TaskRow(
        task_id=step.new_id("task"),
        result_id="",
        discharge_id=row.discharge_id,
        reason=reason.code,
        state="open",
        priority=NORMAL,
        due_on=day_in_england(row.received_at) + timedelta(days=step.policies.discharge.clock_days),
        person_key=participant_id or person_key(row.event.claim, row.discharge_id),
        opened_at=step.now,
        participant_id=participant_id,
        candidates=candidates_as_data(decision.candidates) if decision else (),
        place=place,
        hint=hint or (decision.why if decision else ""),
    )
    _put(step, off_record(row) if state == "waiting" else row, state)
    step.open_task(task, keys_of(task, row))
    step.emit(DischargeParked(row.discharge_id, task.task_id, reason.code), row.discharge_id)
    step.tell(telemetry.task_opened, reason.code)


def reconsider(step: Step, task: TaskRow) -> list[str]:
    """New evidence about people, or about the one whose it is: is it certain now, and does nothing speak against it
    any more? Returns whose records changed."""
    row = _still_waiting(step, task)
    if row is None or not isinstance(row.event, DischargeReported):
        return []
    if task.reason in MATCHING:
        decision = decide(row.event.claim, step.candidates(row.event.claim))
        if decision.kind != "automatic" or decision.participant_id is None or step.tx.tasks.decisions(task.task_id):
            step.put_task(replace(task, candidates=candidates_as_data(decision.candidates)))
            return []
        close(step, task, "settled", by="hub", why="New evidence: the person is now certain.")
        return settle_for(step, row, decision.participant_id, why=decision.why)
    if task.participant_id is None or task.reason == Reason.OUR_FAULT.code:
        return []
    if objection_to(step, row.event.discharge, task.participant_id) or step.tx.tasks.decisions(task.task_id):
        return []
    close(step, task, "settled", by="hub", why="New evidence: nothing speaks against the discharge any more.")
    return settle_for(step, row, task.participant_id, why="New evidence settled the task.")


def reported(row: DischargeRow) -> DischargeReported:
    """The event of a row that is known to hold a readable discharge."""
    assert isinstance(row.event, DischargeReported)
    return row.event


def off_record(row: DischargeRow) -> DischargeRow:
    """The row of a discharge that stands on nobody's record."""
    return replace(row, participant_id=None, action_id=None, due_on=None)


def hold(step: Step, row: DischargeRow) -> None:
    """Nobody else decides about this discharge, or one that says the same, until the step is committed."""
    step.tx.hold(*names_of(row.discharge_id, row.event))


def open_tasks_about(step: Step, discharge_id: str) -> list[TaskRow]:
    """The tasks about a discharge that are not closed: one at most."""
    return [task for task in step.tx.tasks.of_discharge(discharge_id) if task.state != "closed"]


def keys_of(task: TaskRow, row: DischargeRow) -> frozenset[str]:
    """The keys under which new evidence about people is noticed; none where the person is not what is in doubt."""
    claim = row.event.claim
    return search_keys(claim) if claim and task.reason in MATCHING else frozenset()


def _put(step: Step, row: DischargeRow, state: str) -> None:
    step.tx.discharges.put(replace(row, state=state))
    step.tell(telemetry.discharge_settled, state)


def _alike(step: Step, row: DischargeRow) -> list[DischargeRow]:
    return step.tx.discharges.saying(row.said, row.feed)


def _is_settled(step: Step, known: DischargeRow, row: DischargeRow) -> bool:
    """The same reading has been handled. What waits only because we failed on it is tried again."""
    failed = any(task.reason == Reason.OUR_FAULT.code for task in open_tasks_about(step, known.discharge_id))
    return known.event_id == row.event_id and not failed


def _clerk_decided(step: Step, known: DischargeRow) -> bool:
    """Nothing a clerk has decided is undone by reading again."""
    return any(step.tx.tasks.decisions(task.task_id) for task in step.tx.tasks.of_discharge(known.discharge_id))


def _set_aside(step: Step, known: DischargeRow) -> list[str]:
    """Undo what became of the earlier reading; returns the participants whose records it concerned."""
    hold(step, known)
    touched = []
    for task in open_tasks_about(step, known.discharge_id):
        close(step, task, "read again", by="hub", why="The message was read again under today's tables.")
        touched += [task.participant_id] if task.participant_id else []
    if known.state == "applied":
        touched.append(take_off_record(step, known, by="hub"))
    step.tx.discharges.put(replace(off_record(known), state="superseded"))
    return touched


def _still_waiting(step: Step, task: TaskRow) -> DischargeRow | None:
    """The discharge of a task that is open, held and then read; None where somebody has just closed it."""
    row = step.tx.discharges.get(task.discharge_id)
    if row is None:
        return None
    hold(step, row)
    now = step.tx.tasks.get(task.task_id)
    return step.tx.discharges.get(task.discharge_id) if now and now.state != "closed" else None


def _row(step: Step, envelope: Envelope) -> DischargeRow:
    event = event_from_json(envelope.type, envelope.data)
    assert isinstance(event, DischargeReported | DischargeUnread)
    entry = step.tx.journal.find(envelope.feed, envelope.digest)
    assert entry is not None, "an event read from a message stands beside its journal row"
    return DischargeRow(
        discharge_id=envelope.subject,
        journal_seq=entry.seq,
        feed=envelope.feed,
        digest=envelope.digest,
        position=envelope.position,
        event_id=envelope.event_id,
        event=event,
        said=said_by(envelope.subject, event),
        received_at=entry.arrival.received_at,
    )


def _reason_of(event: DischargeUnread) -> Reason:
    return next(reason for reason in Reason if reason.code == event.reason)
