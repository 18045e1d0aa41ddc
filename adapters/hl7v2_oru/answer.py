"""The immediate answer to a frame, in words a laboratory can act on."""

from __future__ import annotations

from datetime import datetime

from hub.contract import Item, Reading
from hub.errors import Reject
from hub.formats.hl7v2 import ErrorLine, Frame, Verdict, acknowledge, application_acknowledgement

_MOST_ERRORS = 50
"""A batch of thousands may fail as a whole: the first fifty say enough, and every receiver can hold them."""


def answer(frame: Frame, reading: Reading, at: datetime, reply_id: str) -> bytes:
    """AA, AE or AR (CA, CE, CR) with one ERR for each thing wrong. `at` is aware."""
    return acknowledge(frame, _verdict(frame, reading), at, reply_id)


def application_answer(frame: Frame, reading: Reading, at: datetime, reply_id: str) -> bytes:
    """The same verdict as the second message of enhanced mode: AA, AE or AR. `at` is aware."""
    return application_acknowledgement(frame, _verdict(frame, reading), at, reply_id)


def _verdict(frame: Frame, reading: Reading) -> Verdict:
    # Two orders of one person say the same of her: once is enough.
    errors = dict.fromkeys(_error(frame, item) for item in reading.refused)
    return Verdict(reading.answer, _control_id(frame, reading), tuple(errors)[:_MOST_ERRORS])


def _control_id(frame: Frame, reading: Reading) -> str:
    """What MSA-2 quotes: the batch, the message, or of several without a batch header the first that failed."""
    if reading.refused and not frame.is_batch:
        number = _message_number(reading.refused[0])
        if number <= len(frame.messages):
            return frame.messages[number - 1].control_id
    return frame.control_id


def _error(frame: Frame, item: Item) -> ErrorLine:
    stop = item.outcome
    assert isinstance(stop, Reject)
    words = [stop.reason.sentence, stop.hint]
    number, count = _message_number(item), len(frame.messages)
    if (frame.is_batch or count > 1) and number <= count:
        words.insert(0, f"Message {number} of {count}:")
    return ErrorLine(stop.place, stop.reason.code, stop.reason.hl7_code, " ".join(filter(None, words)))


def _message_number(item: Item) -> int:
    return int(item.position.split(".")[0])
