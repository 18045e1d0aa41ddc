"""The acknowledgement of an interchange in the codes of the NHS: accepted in full (IAF) or in part (IAP), all messages
refused (IRA), no messages to be told apart (IRM), interchange refused (IRI)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from hub.contract import Item, Reading
from hub.errors import Reason, Reject
from hub.formats.edifact import Interchange, MessageVerdict, acknowledge

MOST_ERRORS = 50
"""For each message, and for the interchange as a whole."""
_OF_THE_WHOLE = {
    Reason.UNREADABLE,
    Reason.UNKNOWN_SENDER,
    Reason.SENDER_DEACTIVATED,
    Reason.SENDER_NOT_PROVEN,
    Reason.TOO_LARGE,
}


def answer(interchange: Interchange, reading: Reading, at: datetime, reply_id: str) -> bytes:
    """The acknowledgement. `at` is aware."""
    by_message: dict[int, list[Item]] = {}
    for item in reading.items:
        by_message.setdefault(int(item.position.split(".")[0]), []).append(item)
    if not interchange.messages or _is_refused_whole(interchange, reading):
        code = "IRM" if interchange.header and not _is_refused_whole(interchange, reading) else "IRI"
        return acknowledge(interchange, code, _errors(reading.refused), (), at, reply_id)
    verdicts = [
        MessageVerdict(message.reference, _errors(by_message[message.index]))
        for message in interchange.messages
        if message.index in by_message  # else it is an acknowledgement
    ]
    return acknowledge(interchange, _code(verdicts), (), verdicts, at, reply_id)


def _is_refused_whole(interchange: Interchange, reading: Reading) -> bool:
    """Whether the messages were not looked at one by one."""
    first = reading.items[0].outcome if reading.items else None
    return bool(interchange.faults) or (isinstance(first, Reject) and first.reason in _OF_THE_WHOLE)


def _code(verdicts: Sequence[MessageVerdict]) -> str:
    if all(verdict.errors for verdict in verdicts):
        return "IRA"
    return "IAP" if any(verdict.errors for verdict in verdicts) else "IAF"


def _errors(items: Sequence[Item]) -> tuple[str, ...]:
    """One sentence for each thing wrong: reason, place, what to do."""
    stops = [item.outcome for item in items if isinstance(item.outcome, Reject)]
    said = dict.fromkeys(_sentence(stop) for stop in stops)
    return tuple(said)[:MOST_ERRORS]


def _sentence(stop: Reject) -> str:
    place = f" at {stop.place.text}" if stop.place else ""
    return " ".join(filter(None, (f"{stop.reason.code}{place}:", stop.reason.sentence, stop.hint)))
