"""Where is my result? What a laboratory is told about what it sent: what happened, when, and who must act next.

Only of its own feed, and of nobody's person: neither names nor numbers of people, nor what a clerk wrote, nor whose
record it is. Everything is found by an index that was filled at receipt.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hub.contract import result_identity
from hub.flow.ports.feeds import SlideRow
from hub.flow.ports.journal import JournalEntry
from hub.flow.ports.results import ResultRow, TaskRow
from hub.flow.ports.store import Transaction
from hub.flow.told import stages

LIMIT = 50
"""Messages told of at most, the newest. One slide has a handful; a control id used for everything has no end."""


@dataclass(frozen=True, slots=True)
class Happened:
    """One thing that happened to a result, in plain words; `detail` is a code, a reason, a place."""

    at: datetime
    what: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """One result of one message, or a message of which no result could be read (`position` and slide are empty then).

    `stands`: refused, underway, waiting, on-record, superseded, or acknowledgement. `since` is the time of that.
    `reason` says why it was refused, or waits.
    """

    control_id: str
    slide_number: str
    position: str
    stands: str
    since: datetime
    reason: str
    place: str
    happened: tuple[Happened, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "control_id": self.control_id,
            "slide_number": self.slide_number,
            "position": self.position,
            "stands": self.stands,
            "since": self.since.isoformat(),
            "reason": self.reason,
            "place": self.place,
            "happened": [{"at": one.at.isoformat(), "what": one.what, "detail": one.detail} for one in self.happened],
        }


def whereabouts(tx: Transaction, feed: str, *, control_id: str = "", slide_number: str = "") -> list[Whereabouts]:
    """Of every message of this feed with that control id, or with that slide in it: the newest first."""
    if slide_number:
        seqs = tx.slides.messages_of_slide(feed, slide_number, LIMIT)
    else:
        seqs = tx.slides.messages_of_control_id(feed, control_id, LIMIT) if control_id else []
    found = []
    for entry in reversed(tx.journal.listed(seqs)):
        if not control_id or entry.control_id == control_id:
            found += _of_message(tx, entry, slide_number)
    return found


def _of_message(tx: Transaction, entry: JournalEntry, slide_number: str) -> list[Whereabouts]:
    received = _receipt(tx, entry)
    rows = tx.slides.of_message(entry.seq)
    if slide_number:
        rows = [row for row in rows if row.slide_number == slide_number]
    if not rows:  # taken down before slides were, or nothing in it could be read
        return [_whole_message(entry, received)]
    return [_of_slide(tx, entry, row, received) for row in rows]


def _receipt(tx: Transaction, entry: JournalEntry) -> list[Happened]:
    happened = [Happened(entry.arrival.received_at, "received", entry.arrival.door)]
    for reply in tx.journal.replies(entry.seq):
        words = " ".join(word for word in (reply.code or "nothing", reply.reason, reply.place) if word)
        happened.append(Happened(reply.sent_at or reply.answered_at, "answered", words))
    return happened


def _whole_message(entry: JournalEntry, happened: list[Happened]) -> Whereabouts:
    stands = {"acknowledgement": "acknowledgement", "refused": "refused"}.get(entry.state, "underway")
    since = happened[-1].at
    return Whereabouts(entry.control_id, "", "", stands, since, entry.reason, entry.place, tuple(happened))


def _of_slide(tx: Transaction, entry: JournalEntry, slide: SlideRow, received: list[Happened]) -> Whereabouts:
    if slide.reason:
        stands, since, reason, place = "refused", received[-1].at, slide.reason, slide.place
        happened = received
    else:
        result_id = result_identity(entry.feed, entry.digest, slide.position)
        happened = sorted([*received, *_road(tx, result_id)], key=lambda one: one.at)
        stands, since, reason, place = _standing(tx, entry, tx.results.get(result_id), happened)
    return Whereabouts(
        entry.control_id, slide.slide_number, slide.position, stands, since, reason, place, tuple(happened)
    )


def _road(tx: Transaction, result_id: str) -> Iterator[Happened]:
    """From the event to the letter."""
    yield from _events(tx, result_id)
    participants = set()
    for match in tx.records.matches_of(result_id):
        participants.add(match.participant_id)
        yield Happened(match.matched_at, "matched", match.how)
        if match.undone_at:
            yield Happened(match.undone_at, "match undone")
    yield from _tasks(tx, result_id)
    letters = [letter for each in sorted(participants) for letter in tx.letters.of(each)]
    for letter, at, what, _ in stages(tx, [letter for letter in letters if letter.result_id == result_id]):
        yield Happened(at, f"letter {what}", letter.code)


def _events(tx: Transaction, result_id: str) -> Iterator[Happened]:
    for envelope, confirmed_at, finished_at in tx.events.about([result_id]):
        if envelope.type in ("ResultReported", "ReportParked"):
            if confirmed_at:
                yield Happened(confirmed_at, "published", envelope.type)
            if finished_at:
                yield Happened(finished_at, "finished", envelope.type)


def _tasks(tx: Transaction, result_id: str) -> Iterator[Happened]:
    for task in tx.tasks.of_result(result_id):
        yield Happened(task.opened_at, "waiting for a clerk", task.reason)
        if task.closed_at:
            yield Happened(task.closed_at, "settled", task.outcome)


def _standing(
    tx: Transaction, entry: JournalEntry, row: ResultRow | None, happened: list[Happened]
) -> tuple[str, datetime, str, str]:
    """Where it is, since when, why, and the place that the reason names."""
    if row is None:
        return "underway", entry.arrival.received_at, "", ""
    task = _task_that_counts(tx, row)
    if row.state == "waiting" and task:
        return "waiting", task.opened_at, task.reason, task.place
    if row.state == "refused" and task and task.closed_at:
        return "refused", task.closed_at, task.reason, task.place
    stands = {"recorded": "on-record", "superseded": "superseded", "refused": "refused"}.get(row.state, "underway")
    return stands, _since(stands, happened), "", ""


def _task_that_counts(tx: Transaction, row: ResultRow) -> TaskRow | None:
    """The open one; else the last that was closed."""
    tasks = sorted(tx.tasks.of_result(row.result_id), key=lambda task: (task.closed_at is None, task.opened_at))
    return tasks[-1] if tasks else None


def _since(stands: str, happened: list[Happened]) -> datetime:
    words = {"on-record": "matched"}.get(stands, "finished")
    return next((one.at for one in reversed(happened) if one.what == words), happened[0].at)
