"""What the journal keeps: how a message came in, byte for byte, what was answered, and what was kept back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Arrival:
    """How a message came in."""

    door: str
    peer: str
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Via:
    """The way a message comes in: the door, who stands there, and what that proves.

    `peer` is what the journal keeps of whoever stands there. `feed` is the feed whose sender the door has proven; empty
    where the message alone says whose it is, and `certificate` (its common name, verified) and `address` may prove it.
    `NO_FEED` is for a sender that the door has proven, and that is nobody's: whatever the message says, no feed fits.
    `file` is the name of the file, None for what is no file. `delivery` is what the carrier calls this delivery, so
    that one that comes again, because its receipt got lost, is confirmed once. `request` is what a partner called its
    request.
    """

    door: str
    peer: str
    dialect: str
    feed: str = ""
    certificate: str = ""
    address: str = ""
    file: str | None = None
    delivery: str = ""
    request: str = ""


NO_FEED = "-"
"""Can be no feed's id."""


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """A message as the journal holds it; `raw` is left empty in listings."""

    feed: str
    digest: str
    arrival: Arrival
    control_id: str
    message_type: str
    state: str
    results: int
    notes: tuple[str, ...]
    traceparent: str
    raw: bytes = b""
    seq: int = 0
    answer: str = ""
    reason: str = ""
    place: str = ""
    reply_state: str = ""
    answered_at: datetime | None = None
    repeats: int = 0


@dataclass(frozen=True, slots=True)
class StoredReply:
    """What was answered. `then` is the application acknowledgement that followed as a message of its own, if any;
    `seq` names the reply so that its delivery can be told later; `code` is AA, AE or AR. `answered_at` is the time of
    receipt, `sent_at` when the answer was handed to the connection; None where that is not known."""

    code: str
    reason: str
    place: str
    body: bytes | None
    answered_at: datetime
    then: bytes | None = None
    seq: int = 0
    sent_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of the journal: of one feed or of all, received from `since` on and before `until`."""

    feed: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class Journal(Protocol):
    def find(self, feed: str, digest: str) -> JournalEntry | None: ...
    def read_ahead(self, names: Sequence[tuple[str, str]]) -> None: ...
    def number(self, feed: str, digest: str) -> int | None: ...
    def known(self, names: Sequence[tuple[str, str]]) -> dict[tuple[str, str], JournalEntry]: ...
    def append(self, entries: Sequence[JournalEntry]) -> list[int]: ...
    def control_ids_used(self, names: Sequence[tuple[str, str]]) -> set[tuple[str, str]]: ...
    def restate(self, seq: int, state: str, results: int) -> None: ...
    def answered(self, replies: Sequence[tuple[int, StoredReply]]) -> list[int]: ...
    def repeated(self, seq: int, arrival: Arrival) -> None: ...
    def reply(self, seq: int) -> StoredReply: ...
    def replied(self, outcomes: Iterable[tuple[int, bool, datetime]]) -> None: ...
    def entry(self, seq: int) -> JournalEntry | None: ...
    def listed(self, seqs: Sequence[int]) -> list[JournalEntry]: ...
    def lookup(self, name: str) -> list[JournalEntry]: ...
    def page(self, after: int, limit: int, feed: str | None = None, state: str | None = None) -> list[JournalEntry]: ...
    def newest(self, limit: int, feed: str | None = None, state: str | None = None) -> list[JournalEntry]: ...
    def whole(self, after: int, limit: int, stretch: Stretch) -> list[JournalEntry]: ...
    def count(self, stretch: Stretch) -> int: ...
    def replies(self, seq: int) -> list[StoredReply]: ...
    def came_again(self, seq: int) -> list[Arrival]: ...


class Withheld(Protocol):
    """Answers that a rehearsal kept back, to see whether the sender asks again."""

    def put(self, reply_seq: int, at: datetime) -> None: ...
    def of_feed(self, feed: str) -> dict[int, datetime]: ...
