"""What the journey needs of the outside: a store with transactions, a conveyor, a clock. `hub.io` provides them.

Work on the store is a plain function over a `Transaction`. The store may run it again in a fresh transaction (after
another's failure in the same group, or a lost connection), so it must change nothing but the transaction.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Protocol, TypeVar

from hub.contract import Envelope
from hub.domain.events import ReportParked, ResultReported
from hub.domain.people import Participant
from hub.domain.record import Fact, Record

T = TypeVar("T")
Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Arrival:
    """How a message came in."""

    door: str
    peer: str
    received_at: datetime


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
    repeats: int = 0


@dataclass(frozen=True, slots=True)
class StoredReply:
    """What was answered. `then` is the application acknowledgement that followed as a message of its own, if any;
    `seq` names the reply so that its delivery can be told later; `code` is AA, AE or AR."""

    code: str
    reason: str
    place: str
    body: bytes | None
    answered_at: datetime
    then: bytes | None = None
    seq: int = 0


@dataclass(frozen=True, slots=True)
class ResultRow:
    """A result (or what could be read of one) with the place it was read from."""

    result_id: str
    journal_seq: int
    feed: str
    digest: str
    position: str
    event_id: str
    event: ResultReported | ReportParked
    state: str


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
class TaskRow:
    """One row of the clerks' worklist. `candidates` are plain data, best first, with their findings."""

    task_id: str
    result_id: str
    reason: str
    state: str
    priority: int
    due_on: date
    person_key: str
    opened_at: datetime
    participant_id: str | None = None
    candidates: tuple[dict[str, Any], ...] = ()
    place: str = ""
    hint: str = ""
    outcome: str = ""
    note: str = ""
    closed_at: datetime | None = None
    closed_by: str = ""


@dataclass(frozen=True, slots=True)
class DecisionRow:
    task_id: str
    action: str
    by: str
    why: str
    decided_at: datetime
    undo: dict[str, Any] = field(default_factory=dict)
    seq: int = 0


@dataclass(frozen=True, slots=True)
class LetterRow:
    letter_id: str
    participant_id: str
    result_id: str
    code: str
    state: str
    why: str
    changed_at: datetime


class Journal(Protocol):
    def find(self, feed: str, digest: str) -> JournalEntry | None: ...
    def append(self, entry: JournalEntry) -> int: ...
    def control_id_used(self, feed: str, control_id: str) -> bool: ...
    def restate(self, seq: int, state: str, results: int) -> None: ...
    def answered(self, seq: int, reply: StoredReply) -> int: ...
    def repeated(self, seq: int, arrival: Arrival) -> None: ...
    def reply(self, seq: int) -> StoredReply: ...
    def replied(self, outcomes: Iterable[tuple[int, bool]]) -> None: ...
    def entry(self, seq: int) -> JournalEntry | None: ...
    def lookup(self, name: str) -> list[JournalEntry]: ...
    def page(self, after: int, limit: int, feed: str | None = None, state: str | None = None) -> list[JournalEntry]: ...
    def newest(self, limit: int, feed: str | None = None, state: str | None = None) -> list[JournalEntry]: ...
    def replies(self, seq: int) -> list[StoredReply]: ...


class Events(Protocol):
    def put(self, envelope: Envelope, *, consumed: bool) -> bool: ...
    def unconfirmed(self, after: int, limit: int) -> list[tuple[int, Envelope]]: ...
    def confirm(self, rows: Sequence[int], at: datetime) -> None: ...
    def unfinished(self, before: datetime, after: int, limit: int) -> list[tuple[int, Envelope]]: ...
    def take(self, event_id: str, consumer: str, at: datetime) -> bool: ...
    def finish(self, event_id: str, wanted: int, at: datetime) -> None: ...
    def about(self, subjects: Sequence[str]) -> list[tuple[Envelope, datetime | None, datetime | None]]: ...
    def backlog(self) -> dict[str, int]: ...


class Cohort(Protocol):
    def put(self, participants: Sequence[Participant], at: datetime) -> None: ...
    def candidates(self, keys: Iterable[str]) -> list[Participant]: ...
    def get(self, participant_id: str) -> Participant | None: ...
    def by_nhs_number(self, nhs_number: str) -> Participant | None: ...
    def ids_of(self, nhs_numbers: Sequence[str]) -> dict[str, str]: ...
    def count(self) -> int: ...


class Results(Protocol):
    def get(self, result_id: str) -> ResultRow | None: ...
    def put(self, row: ResultRow) -> None: ...
    def restate(self, result_id: str, state: str) -> None: ...
    def of_slide(self, laboratory_code: str, slide_number: str) -> list[ResultRow]: ...
    def of_slide_number(self, slide_number: str) -> list[ResultRow]: ...
    def of_message(self, journal_seq: int) -> list[ResultRow]: ...


class Records(Protocol):
    def match(self, row: MatchRow) -> None: ...
    def undo_match(self, match_id: str, by: str, at: datetime) -> None: ...
    def live_match(self, result_id: str) -> MatchRow | None: ...
    def matches_of(self, result_id: str) -> list[MatchRow]: ...
    def add_fact(self, participant_id: str, fact: Fact, at: datetime) -> None: ...
    def facts(self, participant_id: str) -> list[Fact]: ...
    def save(self, participant_id: str, record: Record, at: datetime) -> None: ...
    def summary(self, participant_id: str) -> tuple[str, date | None, str] | None: ...
    def get(self, participant_id: str) -> dict[str, Any] | None: ...


class Tasks(Protocol):
    def open(self, task: TaskRow, keys: Iterable[str]) -> None: ...
    def get(self, task_id: str) -> TaskRow | None: ...
    def of_result(self, result_id: str) -> list[TaskRow]: ...
    def open_for(self, participant_id: str) -> list[TaskRow]: ...
    def waiting_for_keys(self, keys: Iterable[str]) -> list[TaskRow]: ...
    def update(self, task: TaskRow, keys: Iterable[str] = ()) -> None: ...
    def find(self, prefix: str) -> list[TaskRow]: ...
    def worklist(self, limit: int, state: str | None = None) -> list[TaskRow]: ...
    def decide(self, decision: DecisionRow) -> None: ...
    def decisions(self, task_id: str) -> list[DecisionRow]: ...


class Letters(Protocol):
    def of(self, participant_id: str) -> list[LetterRow]: ...
    def put(self, letter: LetterRow) -> None: ...


class Counts(Protocol):
    """Figures over the whole store, for the demo's summary, `hub journal` and the metrics."""

    def answers(self) -> dict[str, int]: ...
    def refusals(self) -> dict[str, int]: ...
    def results(self) -> dict[str, int]: ...
    def parked(self) -> dict[str, int]: ...
    def letters(self) -> dict[str, int]: ...
    def letters_held(self) -> dict[str, int]: ...
    def journal(self) -> dict[str, int]: ...
    def without_outcome(self) -> int: ...


class Transaction(Protocol):
    def probe(self) -> None: ...
    @property
    def journal(self) -> Journal: ...
    @property
    def events(self) -> Events: ...
    @property
    def cohort(self) -> Cohort: ...
    @property
    def results(self) -> Results: ...
    @property
    def records(self) -> Records: ...
    @property
    def tasks(self) -> Tasks: ...
    @property
    def letters(self) -> Letters: ...
    @property
    def counts(self) -> Counts: ...


Work = Callable[[Transaction], T]


class Store(Protocol):
    async def write(self, work: Work[T], *, at_door: bool = False) -> T:
        """Run the work and commit. When this returns, the work survives a crash and a power cut.

        `at_door` says that a sender waits for it: such work goes before the rest.
        """

    async def read(self, work: Work[T]) -> T:
        """Run the work over a steady view; it must not write."""

    async def away(self) -> str:
        """Why nothing can be written just now; empty where it can."""

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event handed to one consumer. Acknowledge it after the commit; what is not acknowledged comes again."""

    consumer: str
    envelope: Envelope
    acknowledge: Callable[[], None]


class Conveyor(Protocol):
    async def publish(self, envelopes: Sequence[Envelope]) -> list[bool]:
        """Hand over; True at the place of each event that the conveyor now holds safely."""

    def deliveries(self, consumer: str) -> AsyncIterator[Delivery]: ...


def pages(fetch: Callable[[int], list[T]], key: Callable[[T], int]) -> Iterator[list[T]]:
    """Walk a listing page by page (keyset, never OFFSET): each page is fetched after the last key of the one before."""
    after = 0
    while page := fetch(after):
        yield page
        after = key(page[-1])
