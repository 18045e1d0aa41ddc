"""A person's record: matches, facts, what the fold came to, and her letters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple, Protocol

from hub.domain.facts import Fact
from hub.domain.failsafe import Position
from hub.domain.letter_account import Standing
from hub.domain.record import Record


@dataclass(frozen=True, slots=True)
class MatchRow:
    match_id: str
    result_id: str
    participant_id: str
    how: str
    by: str
    why: str
    matched_at: datetime
    undone_at: datetime | None = None
    undone_by: str = ""


@dataclass(frozen=True, slots=True)
class LetterRow:
    """A letter that is wished, waiting or cancelled; or withheld: its result gets none; or it has left the house: sent,
    delivered, failed. `rule` says why, for programs: paused, record-changed, or that of `hub.domain.letters`."""

    letter_id: str
    participant_id: str
    result_id: str | None
    code: str
    state: str
    why: str
    changed_at: datetime
    rule: str = ""


class Summary(NamedTuple):
    """What the rest of the hub knows of a record without reading it: the columns of its fold."""

    recall_type: str
    next_test_due_on: date | None
    policy: str
    recall_status: str
    ceased: str


@dataclass(frozen=True, slots=True)
class DueStep:
    """Somebody about whom call and recall does something next, from the day `on`."""

    participant_id: str
    step: str
    on: date


class Records(Protocol):
    def read_ahead(self, participant_ids: Sequence[str]) -> None: ...
    def match(self, row: MatchRow) -> None: ...
    def undo_match(self, match_id: str, by: str, at: datetime) -> None: ...
    def live_match(self, result_id: str) -> MatchRow | None: ...
    def matches_of(self, result_id: str) -> list[MatchRow]: ...
    def add_fact(self, participant_id: str, fact: Fact, at: datetime) -> None: ...
    def facts(self, participant_id: str) -> list[Fact]: ...
    def save(self, participant_id: str, record: Record, at: datetime) -> None: ...
    def summary(self, participant_id: str) -> Summary | None: ...
    def due(self, on: date, after: tuple[date, str] | None, limit: int) -> list[DueStep]: ...
    def still_due(self, participant_ids: Sequence[str], on: date) -> list[DueStep]: ...
    def page(self, after: str, limit: int) -> list[str]: ...
    def count_due(self, on: date) -> dict[str, int]: ...
    def whole_cohort(self, on: date) -> dict[str, int]: ...
    def get(self, participant_id: str) -> dict[str, Any] | None: ...


class Letters(Protocol):
    def read_ahead(self, participant_ids: Sequence[str]) -> None: ...
    def of(self, participant_id: str) -> list[LetterRow]: ...
    def put(self, letter: LetterRow) -> None: ...
    def get(self, letter_ids: Sequence[str]) -> list[LetterRow]: ...
    def restate(self, letter_ids: Sequence[str], state: str, at: datetime) -> None: ...


@dataclass(frozen=True, slots=True)
class Span:
    """The messages that came from `since` on and before `until`, from `feed`; what is empty sets no bound."""

    since: datetime | None = None
    until: datetime | None = None
    feed: str = ""


class LetterAccount(Protocol):
    def received(self, span: Span) -> int: ...
    def standings(self, span: Span) -> list[tuple[Standing, int]]: ...
    def each(self, span: Span) -> Iterator[tuple[str, Standing]]: ...


class Failsafe(Protocol):
    def positions(self, at: datetime) -> list[tuple[Position, int]]: ...
    def each(self, at: datetime) -> Iterator[tuple[str, Position]]: ...
    def unseen(self) -> list[str]: ...
