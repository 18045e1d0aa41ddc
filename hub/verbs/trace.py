"""`hub trace`: one timeline from the bytes to the letter."""

from __future__ import annotations

import argparse
import getpass
import sys
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from hub.errors import CannotRun
from hub.verbs.person import say_why
from hub.verbs.speaking import data_argument, json_argument, opened_store, say, say_json

if TYPE_CHECKING:
    from hub.flow.ports import JournalEntry, ResultRow, Transaction
    from hub.io.store import SqlStore

EXAMPLES = (
    "hub trace NM00017                    a message, by control id, journal number or digest",
    "hub trace 9c1e0d52-...               a result, by its id",
    "hub trace --slide 26010017           by slide number",
    "hub trace --person                   a person's record and why; the NHS number is asked for, never an argument",
)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", nargs="?", help="control id, journal number, digest, or a result's id")
    parser.add_argument("--slide", metavar="NUMBER", help="a slide number")
    parser.add_argument("--person", action="store_true", help="a person: the NHS number is read from standard input")
    data_argument(parser)
    json_argument(parser)


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing that happened."""

    at: datetime
    what: str
    detail: str


def run(options: argparse.Namespace) -> int:
    if sum(map(bool, (options.id, options.slide, options.person))) != 1:
        raise CannotRun("Name one thing to trace: an id, --slide NUMBER or --person.")
    with opened_store(options) as store:
        if options.person:
            return _person(store, options)
        timelines = [store.read_now(lambda tx, seq=seq: _timeline(tx, seq)) for seq in _journal_numbers(store, options)]  # type: ignore[misc]  # mypy cannot infer a lambda with a default
    if not timelines:
        say_json([]) if options.json else say("Nothing goes by that name. `hub journal list` shows what arrived.")
        return 1
    if options.json:
        say_json(
            [{"at": one.at.isoformat(), "what": one.what, "detail": one.detail} for line in timelines for one in line]
        )
        return 0
    for line in timelines:
        for one in line:
            say(f"{one.at:%Y-%m-%d %H:%M:%S.%f}Z  {one.what:18} {one.detail}")
        say()
    return 0


def _journal_numbers(store: SqlStore, options: argparse.Namespace) -> list[int]:
    if options.slide:
        rows = store.read_now(lambda tx: tx.results.of_slide_number(options.slide))
        return sorted({row.journal_seq for row in rows})
    row = store.read_now(lambda tx: tx.results.get(options.id))
    if row:
        return [row.journal_seq]
    return [entry.seq for entry in store.read_now(lambda tx: tx.journal.lookup(options.id))]


def _timeline(tx: Transaction, seq: int) -> list[Moment]:
    entry = tx.journal.entry(seq)
    assert entry is not None, "the journal never loses a row"
    moments = _message(tx, entry)
    for row in tx.results.of_message(seq):
        moments += _result(tx, row)
    return sorted(moments, key=lambda one: one.at)


def _message(tx: Transaction, entry: JournalEntry) -> list[Moment]:
    notes = f" ({', '.join(entry.notes)})" if entry.notes else ""
    how = f"{entry.message_type or 'no type'}, {len(entry.raw)} bytes, {entry.arrival.door} from {entry.arrival.peer}"
    moments = [Moment(entry.arrival.received_at, "received", f"{how}, digest {entry.digest[:12]}{notes}")]
    for reply in tx.journal.replies(entry.seq):
        words = " ".join(word for word in (reply.code or "nothing", reply.reason, reply.place) if word)
        moments.append(Moment(reply.answered_at, "answered", words))
    if entry.repeats:
        moments.append(Moment(entry.arrival.received_at, "came again", f"{entry.repeats} times, stored once"))
    return moments


def _result(tx: Transaction, row: ResultRow) -> list[Moment]:
    moments = []
    for envelope, confirmed_at, finished_at in tx.events.about([row.result_id]):
        moments.append(Moment(envelope.occurred_at, "event", f"{envelope.type} {envelope.event_id}"))
        if confirmed_at:
            moments.append(Moment(confirmed_at, "on the conveyor", envelope.type))
        if finished_at and finished_at != confirmed_at:
            moments.append(Moment(finished_at, "handled", envelope.type))
    for match in tx.records.matches_of(row.result_id):
        moments.append(Moment(match.matched_at, "matched", f"{match.how} by {match.by}: {match.why}"))
        if match.undone_at:
            moments.append(Moment(match.undone_at, "match undone", f"by {match.undone_by}"))
    for task in tx.tasks.of_result(row.result_id):
        moments.append(Moment(task.opened_at, "task opened", f"{task.reason} {task.task_id}"))
        moments += [
            Moment(one.decided_at, "decision", f"{one.action} by {one.by}: {one.why}")
            for one in tx.tasks.decisions(task.task_id)
        ]
        if task.closed_at:
            moments.append(Moment(task.closed_at, "task closed", f"{task.outcome} by {task.closed_by}"))
    return moments + _letters(tx, row)


def _letters(tx: Transaction, row: ResultRow) -> list[Moment]:
    match = tx.records.live_match(row.result_id)
    letters = tx.letters.of(match.participant_id) if match else []
    return [
        Moment(letter.changed_at, f"letter {letter.state}", f"{letter.code} {letter.why}".strip())
        for letter in letters
        if letter.result_id == row.result_id
    ]


def _person(store: SqlStore, options: argparse.Namespace) -> int:
    from hub.domain.nhs_number import normalise

    typed = getpass.getpass("NHS number (not shown): ") if sys.stdin.isatty() else sys.stdin.readline()
    person = store.read_now(lambda tx: tx.cohort.by_nhs_number(normalise(typed)))
    if person is None:
        say("Nobody of the cohort has this NHS number.")
        return 1
    record = store.read_now(lambda tx: tx.records.get(person.participant_id)) or {}
    letters = store.read_now(lambda tx: tx.letters.of(person.participant_id))
    tasks = store.read_now(lambda tx: tx.tasks.open_for(person.participant_id))
    if options.json:
        say_json(
            {
                "participant_id": person.participant_id,
                "record": record,
                "letters": [{"code": one.code, "state": one.state, "why": one.why} for one in letters],
                "open_tasks": [task.task_id for task in tasks],
            }
        )
        return 0
    due = record.get("next_test_due_on", person.next_test_due_on) or "none"
    say(f"participant {person.participant_id}")
    say(f"recall type {record.get('recall_type', 'Called')}, next test due {due}")
    say_why(record)
    for alert in record.get("alerts", ()):
        say(f"  ! {alert['reason']} (result {alert['result_id']})")
    for letter in letters:
        say(f"letter {letter.code or 'none'}: {letter.state} {letter.why}".rstrip())
    for task in tasks:
        say(f"task {task.task_id[:8]}: {task.reason}")
    return 0
