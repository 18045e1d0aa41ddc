"""What the hub's account of its feeds needs of the store: slides as they came, hours, files that need looking after,
and the figures of a stretch of time. A part of `hub.flow.ports`; `hub.io.store` provides them.

A stretch of time is `since` up to, and not with, `until`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class SlideRow:
    """One result of a message, as it was at receipt; `slide_number` is empty where it could not be read. `reason` and
    `place` say why it was refused; empty: it was taken."""

    journal_seq: int
    position: str
    feed: str
    slide_number: str
    reason: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class HourCount:
    """How many answers with this code a feed got in the hour that began at `hour_at`, the last one at `last_at`."""

    feed: str
    hour_at: datetime
    code: str
    count: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class FileFault:
    """A file that is *missing* or *corrupt*. `state` is open, informed (the laboratory knows) or resolved.

    A missing file has the numbers `first` to `last` under which nothing came, or a person added it: `name`, `due_on`.
    A corrupt one is the message `journal_seq`. `fault_id` is drawn from what it is about.
    """

    fault_id: str
    feed: str
    kind: str
    found_at: datetime
    state: str = "open"
    first: int | None = None
    last: int | None = None
    journal_seq: int | None = None
    name: str = ""
    due_on: date | None = None
    added_by: str = ""
    informed_on: date | None = None
    informed_who: str = ""
    changed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class FileNote:
    """One entry of a fault's diary: what was done, and what there is to say."""

    fault_id: str
    written_at: datetime
    by: str
    what: str
    text: str
    seq: int = 0


@dataclass(frozen=True, slots=True)
class AnswerCount:
    """How often a feed was answered so; `example` is the newest message of them."""

    feed: str
    code: str
    reason: str
    place: str
    count: int
    example: int


@dataclass(frozen=True, slots=True)
class RefusedLater:
    """A result refused after AA: by a clerk, or by a rule of history."""

    slide_number: str
    reason: str
    refused_at: datetime | None
    journal_seq: int


class Slides(Protocol):
    def put(self, rows: Sequence[SlideRow]) -> None: ...
    def messages_of_slide(self, feed: str, slide_number: str, limit: int) -> list[int]: ...
    def messages_of_control_id(self, feed: str, control_id: str, limit: int) -> list[int]: ...
    def of_message(self, journal_seq: int) -> list[SlideRow]: ...
    def received(self, feed: str, since: datetime, until: datetime) -> list[SlideRow]: ...
    def newest_of(self, feed: str, slide_numbers: Sequence[str]) -> dict[str, SlideRow]: ...


class Hours(Protocol):
    def count(self, since: datetime, until: datetime) -> list[HourCount]: ...
    def put(self, hours: Sequence[HourCount]) -> None: ...
    def since(self, since: datetime, feed: str | None = None) -> list[HourCount]: ...
    def newest(self) -> datetime | None: ...
    def last_of(self, feed: str) -> datetime | None: ...


class FileFaults(Protocol):
    def put(self, fault: FileFault) -> bool: ...
    def change(self, fault: FileFault) -> None: ...
    def get(self, fault_id: str) -> FileFault | None: ...
    def find(self, prefix: str) -> list[FileFault]: ...
    def of_feed(self, feed: str, limit: int) -> list[FileFault]: ...
    def unresolved(self) -> dict[tuple[str, str], int]: ...
    def note(self, note: FileNote) -> None: ...
    def diary(self, fault_id: str) -> list[FileNote]: ...
    def feeds_with_files(self) -> list[str]: ...
    def corrupt(self, feed: str) -> list[tuple[int, str]]: ...
    def numbers_came(self, feed: str, first: int, last: int) -> dict[int, datetime]: ...


class Figures(Protocol):
    def answers(self, since: datetime, until: datetime) -> list[AnswerCount]: ...
    def waits(self, since: datetime, until: datetime) -> dict[str, Mapping[int, int]]: ...
    def needing_a_clerk(self, since: datetime, until: datetime) -> dict[str, tuple[int, int]]: ...
    def control_ids_reused(self, feed: str, since: datetime, until: datetime, limit: int) -> list[str]: ...
    def refused_later(self, feed: str, since: datetime, until: datetime) -> list[RefusedLater]: ...
    def oldest_owed(self, since: datetime, until: datetime) -> dict[str, datetime]: ...
    def oldest_unfinished(self) -> dict[str, datetime]: ...
    def newest_bytes(self, feed: str, since: datetime, limit: int) -> list[tuple[datetime, bytes]]: ...
