"""The confirmation of receipt: what came, what was taken, each refusal with its place. It holds no value of the file.

Lines of `what|...`, for people and programs alike. No text of ours holds a bar.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from hub.contract import Item, Reading
from hub.domain.events import DischargeUnread, ReportParked
from hub.errors import Reject

MOST_REFUSALS = 10_000
"""A file that fails as a whole is mended as a whole: so many say enough, and every mailbox can hold them."""


def confirmation(lines: int, reading: Reading, at: datetime, reply_id: str, control_id: str = "") -> bytes:
    """The lines, each ended by CRLF, in UTF-8. `lines` is how many the file has, blank ones aside. `at` is aware.
    `control_id` is what the file calls itself, where it does."""
    said = ["|".join(_plain(part) for part in line) for line in _lines(lines, reading, at, reply_id, control_id)]
    return "".join(f"{line}\r\n" for line in said).encode()


def _lines(lines: int, reading: Reading, at: datetime, reply_id: str, control_id: str) -> Iterator[tuple[str, ...]]:
    yield "confirmation", reply_id
    if control_id:
        yield "of", control_id
    yield "received", at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    yield "feed", reading.feed
    yield "number", "" if reading.sequence is None else str(reading.sequence)
    yield "answer", reading.answer
    yield "lines", str(lines)
    parked = [item for item in reading.taken if isinstance(item.outcome, ReportParked | DischargeUnread)]
    yield "taken", str(len(reading.taken) - len(parked))
    yield "taken, waiting for us", str(len(parked))
    yield "refused", str(len({item.position.split(".")[0] for item in reading.refused}))
    for item in reading.refused[:MOST_REFUSALS]:
        yield _refusal(item)
    if left := len(reading.refused[MOST_REFUSALS:]):
        yield "more refusals", str(left)


def _refusal(item: Item) -> tuple[str, ...]:
    stop = item.outcome
    assert isinstance(stop, Reject)
    place = stop.place.text if stop.place else "the file"
    return "refusal", place, stop.reason.code, " ".join(filter(None, (stop.reason.sentence, stop.hint)))


def _plain(part: str) -> str:
    """A column's name may hold anything, and so may a control id; a line has its bars where they belong."""
    return "".join("/" if character == "|" else character if character.isprintable() else " " for character in part)
