"""What happened to one message, from the bytes to the letter, in the order of time. Nothing here names a person."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from hub.contract import Envelope, event_from_json
from hub.domain.events import RecordChanged, ReportParked, ResultReported
from hub.flow.admission import REHEARSAL
from hub.flow.ports.journal import JournalEntry
from hub.flow.ports.questions import QuestionRow
from hub.flow.ports.records import MatchRow
from hub.flow.ports.results import DischargeRow, ResultRow, TaskRow
from hub.flow.ports.store import Transaction
from hub.flow.told import stages

SENT = {
    "owed": "whether the answer went out is not known",
    "sent": "the answer was sent",
    "undelivered": "the answer could not be sent",
}
"""What became of the reply, which is kept apart from what became of the message."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing that happened. `position` names the result of the message that it happened to."""

    at: datetime
    what: str
    detail: str
    position: str = ""


def timeline(tx: Transaction, seq: int, position: str = "") -> list[Moment]:
    """Of a message with all its results, or with one of them."""
    entry = tx.journal.entry(seq)
    assert entry is not None, "the journal never loses a row"
    moments = [*_message(tx, entry), *_file(tx, entry)]
    for row in tx.results.of_message(seq):
        if position in ("", row.position):
            moments += _result(tx, row)
    for discharge in tx.discharges.of_message(seq):
        if position in ("", discharge.position):
            moments += _discharge(tx, discharge)
    return sorted(moments, key=lambda one: one.at)


def _message(tx: Transaction, entry: JournalEntry) -> Iterator[Moment]:
    notes = f" ({', '.join(entry.notes)})" if entry.notes else ""
    how = f"{entry.message_type or 'no type'}, {len(entry.raw)} bytes, {entry.arrival.door} from {entry.arrival.peer}"
    yield Moment(entry.arrival.received_at, "received", f"{how}, digest {entry.digest[:12]}{notes}")
    replies = tx.journal.replies(entry.seq)
    for reply in replies:
        words = " ".join(word for word in (reply.code or "nothing", reply.reason, reply.place) if word)
        newest = SENT.get(entry.reply_state) if reply is replies[-1] else None
        yield Moment(reply.answered_at, "answered", f"{words}; {newest}" if newest else words)
        if reply.sent_at:
            yield Moment(reply.sent_at, "answer sent", "")
    for arrival in tx.journal.came_again(entry.seq):
        yield Moment(arrival.received_at, "came again", f"from {arrival.peer}; stored once, the same answer")
    if entry.arrival.door == REHEARSAL and (at := tx.withheld.of_feed(entry.feed).get(entry.seq)):
        yield Moment(at, "answer kept back", "to see whether the sender asks again")


def _file(tx: Transaction, entry: JournalEntry) -> Iterator[Moment]:
    """What went back to the laboratory for a file, beside the answer."""
    for message in tx.outgoing.about(entry.feed, entry.seq):
        yield Moment(message.wished_at, f"{message.kind} wished", f"to {message.mailbox} under {message.workflow}")
        if message.state != "wished" and message.changed_at:
            yield Moment(message.changed_at, f"{message.kind} {message.state}", message.why)


def _result(tx: Transaction, row: ResultRow) -> Iterator[Moment]:
    matches = tx.records.matches_of(row.result_id)
    for moment in (*_events(tx, row.result_id), *_matches(tx, row, matches), *_letters(tx, row, matches)):
        yield _at(moment, row)
    for task in tx.tasks.of_result(row.result_id):
        for moment in _task(tx, task):
            yield _at(moment, row)


def _discharge(tx: Transaction, row: DischargeRow) -> Iterator[Moment]:
    for moment in _events(tx, row.discharge_id):
        yield _at(moment, row)
    if action := tx.actions.get(row.action_id) if row.action_id else None:
        said = f"due on {row.due_on}, by {action.by}: {action.why}"
        yield Moment(action.decided_at, "discharged", said, row.position)
    for task in tx.tasks.of_discharge(row.discharge_id):
        for moment in _task(tx, task):
            yield _at(moment, row)


def _at(moment: Moment, row: ResultRow | DischargeRow) -> Moment:
    return Moment(moment.at, moment.what, moment.detail, row.position)


def _events(tx: Transaction, subject: str) -> Iterator[Moment]:
    for envelope, confirmed_at, finished_at in tx.events.about([subject]):
        yield Moment(envelope.occurred_at, "event", f"{envelope.type} {envelope.event_id}{_said(envelope)}")
        if confirmed_at:
            yield Moment(confirmed_at, "on the conveyor", envelope.type)
        if finished_at and finished_at != confirmed_at:
            yield Moment(finished_at, "handled", envelope.type)


def _said(envelope: Envelope) -> str:
    """What was read, in codes; and whether it takes the place of an earlier reading."""
    event = event_from_json(envelope.type, envelope.data)
    words = ""
    if isinstance(event, ResultReported):
        words = f": {event.result.combination} {event.result.version.value}".replace(":  ", ": ")
    elif isinstance(event, ReportParked):
        words = f": {event.reason} {event.place}"
    return words + (f", supersedes {envelope.supersedes}" if envelope.supersedes else "")


def _matches(tx: Transaction, row: ResultRow, matches: list[MatchRow]) -> Iterator[Moment]:
    for match in matches:
        yield Moment(match.matched_at, "matched", f"{match.how} by {match.by}: {match.why}")
        if match.undone_at:
            yield Moment(match.undone_at, "match undone", f"by {match.undone_by}")
    when = {at for match in matches for at in (match.matched_at, match.undone_at)}
    for envelope, _, _ in tx.events.about(list(dict.fromkeys(match.participant_id for match in matches))):
        if envelope.type == RecordChanged.__name__ and (envelope.digest == row.digest or envelope.occurred_at in when):
            event = event_from_json(envelope.type, envelope.data)
            assert isinstance(event, RecordChanged)
            due = event.next_test_due_on or "none"
            yield Moment(envelope.occurred_at, "record changed", f"{event.recall_type}, next test due {due}")


def _letters(tx: Transaction, row: ResultRow, matches: list[MatchRow]) -> Iterator[Moment]:
    for participant_id in dict.fromkeys(match.participant_id for match in matches):
        of_result = [letter for letter in tx.letters.of(participant_id) if letter.result_id == row.result_id]
        for letter, at, what, why in stages(tx, of_result):
            why = letter.why if what == letter.state and letter.why else why
            yield Moment(at, f"letter {what}", f"{letter.code} {why}".strip())


def _question(question: QuestionRow) -> Moment:
    """PDS is asked for a task's claim."""
    if question.settled_at:
        return Moment(question.settled_at, "PDS was asked", f"{question.outcome} (by {question.by})")
    waits = f"no answer yet after {question.tries} tries ({question.why})" if question.why else "no answer yet"
    return Moment(question.opened_at, "PDS is asked", f"{waits}; again from {question.next_at:%Y-%m-%d %H:%M:%S}Z")


def _task(tx: Transaction, task: TaskRow) -> Iterator[Moment]:
    waits = "" if task.closed_at else ", and it has waited since"
    yield Moment(task.opened_at, "task opened", f"{task.reason} {task.task_id}{waits}")
    for question in tx.questions.about(task.task_id):
        yield _question(question)
    for one in tx.tasks.decisions(task.task_id):
        yield Moment(one.decided_at, "decision", f"{one.action} by {one.by}: {one.why}")
    if task.closed_at:
        yield Moment(task.closed_at, "task closed", f"{task.outcome} by {task.closed_by}")
