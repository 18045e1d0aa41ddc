"""The acknowledgement of an interchange in the codes of the NHS: accepted in full (IAF) or in part (IAP), all messages
refused (IRA), messages that cannot be told apart (IRM), interchange refused (IRI)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from hub.contract import Item, Reading
from hub.errors import Reject
from hub.formats.edifact import Interchange, MessageVerdict, acknowledge

MOST_ERRORS = 50
"""For each message, and for the interchange as a whole."""


def answer(interchange: Interchange, reading: Reading, at: datetime, reply_id: str) -> bytes:
    """The acknowledgement. `at` is aware."""
    by_message: dict[int, list[Item]] = {}
    for item in reading.items:
        by_message.setdefault(int(item.position.split(".")[0]), []).append(item)
    inside = len(interchange.messages) if _is_read(reading) else 0
    verdicts = [
        MessageVerdict(message.reference, _errors(by_message[message.index]))
        for message in interchange.messages[:inside]
        if message.index in by_message
    ]
    around = [item for number, items in by_message.items() if number > inside for item in items]
    return acknowledge(interchange, _code(reading, verdicts, around), _errors(around), verdicts, at, reply_id)


_OF_THE_WHOLE = {"unreadable", "unknown-sender", "sender-deactivated", "sender-not-proven", "too-large"}


def _is_read(reading: Reading) -> bool:
    """Whether the messages were looked at one by one."""
    first = reading.items[0].outcome if reading.items else None
    return not (isinstance(first, Reject) and first.reason.code in _OF_THE_WHOLE)


def _code(reading: Reading, verdicts: Sequence[MessageVerdict], around: Sequence[Item]) -> str:
    if not _is_read(reading):
        return "IRI"
    if not verdicts:
        return "IRM"
    if all(verdict.errors for verdict in verdicts):
        return "IRA"
    return "IAP" if around or any(verdict.errors for verdict in verdicts) else "IAF"


def _errors(items: Sequence[Item]) -> tuple[str, ...]:
    """One sentence for each thing wrong: reason, place, what to do."""
    stops = [item.outcome for item in items if isinstance(item.outcome, Reject)]
    said = dict.fromkeys(_sentence(stop) for stop in stops)
    return tuple(said)[:MOST_ERRORS]


def _sentence(stop: Reject) -> str:
    place = f" at {stop.place.text}" if stop.place else ""
    return " ".join(filter(None, (f"{stop.reason.code}{place}:", stop.reason.sentence, stop.hint)))
