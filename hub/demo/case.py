"""What a case of the story is: messages sent in turn, and how each must be answered and end."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

from hub.flow.ports.results import ResultRow
from hub.flow.ports.store import Transaction

Complaint = str
"""What is not as it should be; empty when all is well."""


def digest_of(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


@dataclass(frozen=True, slots=True)
class Sending:
    """One message. `ends` has one word for each result that must come of it: `recorded`, `superseded`, or the reason
    of the task it waits in. `reason` is why it is refused. `note` must stand in the journal beside it."""

    raw: bytes
    answer: str = "AA"
    ends: tuple[str, ...] = ("recorded",)
    reason: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """One case: its name as a sentence, the feed that sends it, the messages, what else must be true at the end, and
    the event of which PDS tells when the messages are settled."""

    name: str
    feed: str
    sendings: tuple[Sending, ...]
    also: Callable[[Transaction], Complaint] = field(default=lambda _tx: "")
    heard: bytes = b""


def ending(tx: Transaction, row: ResultRow) -> str:
    """How a result ended, in the words of `Sending.ends`."""
    waiting = [task.reason for task in tx.tasks.of_result(row.result_id) if task.state != "closed"]
    return waiting[0] if waiting else row.state


def complaints(tx: Transaction, case: Case) -> list[Complaint]:
    """Everything about a case that did not end as it should."""
    found = [_about(tx, number, sending, case.feed) for number, sending in enumerate(case.sendings, 1)]
    return [complaint for complaint in found if complaint] or [complaint for complaint in (case.also(tx),) if complaint]


def _about(tx: Transaction, number: int, sending: Sending, feed: str) -> Complaint:
    digest = digest_of(sending.raw)
    entry = tx.journal.find(feed, digest) or tx.journal.find("", digest)
    if entry is None:
        return f"message {number} is not in the journal"
    kept = tx.journal.entry(entry.seq)
    if kept is None or kept.raw != sending.raw:
        return f"message {number} is not kept byte for byte"
    if kept.reason != sending.reason:
        return f"message {number} was refused for {kept.reason or 'nothing'}, not for {sending.reason or 'nothing'}"
    if not any(sending.note in note for note in kept.notes or ("",)):
        return f"message {number} has no note of {sending.note}"
    ends = tuple(ending(tx, row) for row in tx.results.of_message(entry.seq))
    return (
        "" if ends == sending.ends else f"message {number} ended {ends or 'nowhere'}, not {sending.ends or 'nowhere'}"
    )
