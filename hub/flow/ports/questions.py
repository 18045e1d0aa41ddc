"""What PDS is to be asked: each question waits in the store until it is answered, whatever dies meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import NamedTuple, Protocol


class Kind(Enum):
    """Whom a question helps. The first are asked first: a result waits for them."""

    CLAIM = "claim"  # whose is this result? the subject is its task
    CLERK = "clerk"  # the same, asked by a clerk, and never waiting
    PERSON = "person"  # what is known of her now? the subject is her NHS number


@dataclass(frozen=True, slots=True)
class QuestionRow:
    """A question. `by` is who wants to know: `hub`, the kind of an event, or a clerk. `why` is why the last try brought
    no answer. `subject` may be an NHS number: it stands in no log."""

    kind: Kind
    subject: str
    by: str
    opened_at: datetime
    next_at: datetime
    tries: int = 0
    why: str = ""
    state: str = "waiting"
    outcome: str = ""
    version: int | None = None
    settled_at: datetime | None = None
    seq: int = 0


class Backlog(NamedTuple):
    """The questions of one kind that wait."""

    waiting: int
    oldest_at: datetime | None


class Questions(Protocol):
    def put(self, questions: Sequence[QuestionRow]) -> None: ...
    def take(self, limit: int, at: datetime, again_at: datetime) -> list[QuestionRow]: ...
    def put_off(self, seq: int, next_at: datetime, why: str) -> None: ...
    def ask_again(self, nhs_numbers: Sequence[str], at: datetime) -> None: ...
    def settle(self, question: QuestionRow, outcome: str, at: datetime, version: int | None = None) -> bool: ...
    def about(self, subject: str) -> list[QuestionRow]: ...
    def backlog(self) -> dict[str, Backlog]: ...
