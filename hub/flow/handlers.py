"""Which consumer handles which event, and how: event → changes and further events, each handler a function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from hub.contract import Envelope, event_from_json
from hub.domain.events import DischargeReported, DischargeUnread, ReportParked, ResultReported
from hub.domain.policy import Policies
from hub.errors import Reason
from hub.flow.consumers import RECORDS
from hub.flow.discharges import on_discharge, park_fault
from hub.flow.letters import hold_letters
from hub.flow.parking import close, open_tasks_of, park
from hub.flow.ports.events import DeadLetter
from hub.flow.ports.results import ResultRow
from hub.flow.ports.store import Clock, Transaction
from hub.flow.readings import clerk_decided, is_outdated
from hub.flow.recording import take_off
from hub.flow.settling import follow_up, settle
from hub.flow.slides import owners
from hub.flow.step import Step

OUR_FAULT = "our workers failed on it"


@dataclass(frozen=True, slots=True)
class Context:
    """What handlers need besides the transaction."""

    policies: Policies
    clock: Clock
    asks_pds: bool = False


def handle(tx: Transaction, envelope: Envelope, context: Context) -> Step:
    """Handle one event; returns the step, whose `told` is to be told after the commit."""
    step = _step(tx, envelope, context)
    HANDLERS[envelope.type](step, envelope)
    return step


def park_as_our_fault(tx: Transaction, envelope: Envelope, context: Context) -> Step:
    """The handler failed for a reason of ours: the report waits as a task instead of being lost or tried for ever.

    What was known of the same place before stays as it was; the task is opened beside it.
    """
    step = _step(tx, envelope, context)
    step.tx.dead.put(DeadLetter(envelope.event_id, RECORDS, envelope.type, envelope.subject, OUR_FAULT, step.now))
    _FAULTS[envelope.type](step, envelope)
    return step


def _park_result(step: Step, envelope: Envelope) -> None:
    row = _row(step, envelope)
    step.hold_result(row)
    known = step.tx.results.get(row.result_id)
    if not open_tasks_of(step, row.result_id):
        park(step, known or row, Reason.OUR_FAULT, state=known.state if known else "waiting")
        for participant_id in owners(step, row):
            hold_letters(step, participant_id)  # not by a fold, which may be what failed


def on_discharge_reported(step: Step, envelope: Envelope) -> None:
    """A discharge was reported; what waited for her record is looked at again."""
    for participant_id in dict.fromkeys(on_discharge(step, envelope)):
        follow_up(step, participant_id)


def on_reported(step: Step, envelope: Envelope) -> None:
    """A result was reported, or the same place of a message was read again under other tables."""
    row = _row(step, envelope)
    step.hold_result(row)
    known = step.tx.results.get(row.result_id)
    if known and (_is_settled(step, known, row) or clerk_decided(step.tx, known) or _is_outdated(step, known, row)):
        return
    if known is None:
        settle(step, row)
        return
    touched = _set_aside(step, known)
    settle(step, replace(row, state="superseded"))
    for participant_id in dict.fromkeys(touched):
        follow_up(step, participant_id)


def _is_settled(step: Step, known: ResultRow, row: ResultRow) -> bool:
    """The same reading has been handled. What waits only because we failed on it is tried again (`hub dead retry`)."""
    failed = any(task.reason == Reason.OUR_FAULT.code for task in open_tasks_of(step, known.result_id))
    return known.event_id == row.event_id and not failed


def _is_outdated(step: Step, known: ResultRow, row: ResultRow) -> bool:
    return known.event_id != row.event_id and is_outdated(step.tx, row.event_id, row.result_id)


def _set_aside(step: Step, known: ResultRow) -> list[str]:
    """Undo what became of the earlier reading; returns the participants whose records it concerned."""
    step.hold_result(known)  # under other tables it may have been another slide
    why = "The message was read again under today's tables."
    touched = []
    for task in open_tasks_of(step, known.result_id):
        close(step, task, "read again", by="hub", why=why)
        touched += [task.participant_id] if task.participant_id else []
    match = step.tx.records.live_match(known.result_id)
    if match:
        take_off(step, match, by="hub", why=why, state="superseded")
        touched.append(match.participant_id)
    return [*touched, *owners(step, known)]


def _row(step: Step, envelope: Envelope) -> ResultRow:
    event = event_from_json(envelope.type, envelope.data)
    assert isinstance(event, ResultReported | ReportParked)
    number = step.tx.journal.number(envelope.feed, envelope.digest)
    assert number is not None, "an event read from a message stands beside its journal row"
    return ResultRow(
        result_id=envelope.subject,
        journal_seq=number,
        feed=envelope.feed,
        digest=envelope.digest,
        position=envelope.position,
        event_id=envelope.event_id,
        event=event,
        state="",
    )


def _step(tx: Transaction, envelope: Envelope, context: Context) -> Step:
    return Step(
        tx,
        context.policies,
        context.clock(),
        cause=envelope.event_id,
        traceparent=envelope.traceparent,
        feed=envelope.feed,
        digest=envelope.digest,
        asks_pds=context.asks_pds,
    )


HANDLERS: dict[str, Callable[[Step, Envelope], None]] = {
    ResultReported.__name__: on_reported,
    ReportParked.__name__: on_reported,
    DischargeReported.__name__: on_discharge_reported,
    DischargeUnread.__name__: on_discharge_reported,
}
_FAULTS: dict[str, Callable[[Step, Envelope], None]] = {
    ResultReported.__name__: _park_result,
    ReportParked.__name__: _park_result,
    DischargeReported.__name__: park_fault,
    DischargeUnread.__name__: park_fault,
}
