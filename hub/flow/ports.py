"""What the journey needs of the outside: a store with transactions, a conveyor, a clock. `hub.io` provides them.

Work on the store is a plain function over a `Transaction`. The store may run it again in a fresh transaction (after
another's failure in the same group, or a lost connection), so it must change nothing but the transaction.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple, Protocol, TypeVar

from hub.contract import Envelope
from hub.domain.demographics import Answer, Question
from hub.domain.events import DischargeReported, DischargeUnread, ReportParked, ResultReported
from hub.domain.facts import Fact
from hub.domain.letter_account import Standing
from hub.domain.people import Participant
from hub.domain.record import Record
from hub.errors import Retry
from hub.flow.feed_ports import Figures, FileFaults, Hours, Slides
from hub.flow.question_ports import Questions

T = TypeVar("T")
Clock = Callable[[], datetime]
FOREVER = datetime.max.replace(tzinfo=UTC)


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
class DischargeRow:
    """A discharge as a clinic reported it. `said` is the same for rows that say the same of the same person. While it
    is applied, `participant_id`, `action_id` (that of its fact) and `due_on` say to whose record, and the date that
    counts. `state`: applied, waiting, refused, repeated (nothing new), superseded."""

    discharge_id: str
    journal_seq: int
    feed: str
    digest: str
    position: str
    event_id: str
    event: DischargeReported | DischargeUnread
    said: str
    received_at: datetime
    state: str = ""
    participant_id: str | None = None
    action_id: str | None = None
    due_on: date | None = None


@dataclass(frozen=True, slots=True)
class TaskRow:
    """One row of the clerks' worklist, about a result or (`result_id` is empty) about a discharge. `candidates` are
    plain data, best first, with their findings."""

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
    discharge_id: str = ""


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
    """A letter that is wished, waiting or cancelled; or withheld: its result gets none. `rule` says why, for programs:
    paused, record-changed, or that of `hub.domain.letters`."""

    letter_id: str
    participant_id: str
    result_id: str | None
    code: str
    state: str
    why: str
    changed_at: datetime
    rule: str = ""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """What a consumer could not handle. `event_id` and `consumer` name it; `body` is kept of what came from the broker
    and is no event of ours."""

    event_id: str
    consumer: str
    type: str
    subject: str
    why: str
    died_at: datetime
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class FileRow:
    """A file that came. `state` is read or corrupt; `sequence` is the number its sender gave it, if any."""

    journal_seq: int
    feed: str
    name: str
    sequence: int | None
    state: str
    received_at: datetime


@dataclass(frozen=True, slots=True)
class OutgoingRow:
    """A message to a laboratory. `local_id` names it to whoever carries it, so that it is sent once; `kind` is
    confirmation, refusals or reconciliation; `state` is wished, sending (it may have been tried), sent (the carrier has
    it), taken (the laboratory has it) or failed."""

    local_id: str
    feed: str
    kind: str
    mailbox: str
    workflow: str
    body: bytes
    wished_at: datetime
    state: str = "wished"
    journal_seq: int | None = None
    message_id: str = ""
    why: str = ""
    changed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of the journal: of one feed or of all, received from `since` on and before `until`."""

    feed: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class RequestRow:
    """A request that a partner has named, with the reply that it got."""

    feed: str
    request_id: str
    digest: str
    journal_seq: int
    reply_seq: int


@dataclass(frozen=True, slots=True)
class TokenKey:
    """What the hub signs its tokens with, for every process of an intake."""

    key_id: str
    secret: bytes = field(repr=False)
    made_at: datetime


@dataclass(frozen=True, slots=True)
class RefusalRow:
    """A result that a clerk refused after it had been acknowledged. Taken: its laboratory has it, as it stands (a
    refusal that is withdrawn has to be taken again)."""

    feed: str
    result_id: str
    journal_seq: int
    position: str
    control_id: str
    slide_number: str
    reason: str
    refused_at: datetime
    withdrawn_at: datetime | None = None
    told_at: datetime | None = None
    taken_at: datetime | None = None
    taken_by: str = ""
    seq: int = 0


@dataclass(frozen=True, slots=True)
class ActionRow:
    """What was decided about a person: defer, cease, reinstate or discharge. `action_id` is that of its fact."""

    action_id: str
    participant_id: str
    action: str
    reason: str
    due_on: date | None
    decided_on: date
    by: str
    why: str
    decided_at: datetime
    case_number: str = ""
    taken_back_at: datetime | None = None
    taken_back_by: str = ""


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


@dataclass(frozen=True, slots=True)
class RunReport:
    """What a day's run of call and recall did. `taken`: the steps, counted. `cohort`: where each person stood when it
    ended, each in exactly one place; empty while it has not. `ended_at` is None then."""

    run_on: date
    taken: dict[str, int]
    cohort: dict[str, int]
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class NotificationRow:
    """Somebody on a practice's list: due, not-responded or to-review (`why` says for what). `answer` is invite, defer,
    cease or empty."""

    notification_id: str
    participant_id: str
    practice_code: str
    list: str
    about_due_on: date
    listed_on: date
    state: str = "open"
    answer: str = ""
    answered_at: datetime | None = None
    answered_by: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class MergeRow:
    """All of one participant became another's. `moved`: by table, the keys of the rows that did."""

    merge_id: str
    gone_id: str
    kept_id: str
    merged_at: datetime
    by: str
    why: str
    moved: Mapping[str, list[str]]
    undone_at: datetime | None = None
    undone_by: str = ""


@dataclass(frozen=True, slots=True)
class CohortFileRow:
    """How far a file of the cohort was taken: up to this line."""

    digest: str
    line: int
    taken: int
    refused: int
    begun_at: datetime
    ended_at: datetime | None = None


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


class Events(Protocol):
    def put(self, envelope: Envelope, *, consumed: bool) -> None: ...
    def claim(self, after: int, limit: int) -> list[tuple[int, Envelope]]: ...
    def confirm(self, rows: Sequence[int], at: datetime) -> None: ...
    def unfinished(self, before: datetime, ahead: datetime = FOREVER) -> int: ...
    def relay_again(self, before: datetime, ahead: datetime, after: int, limit: int) -> tuple[int, int]: ...
    def revive(self, event_id: str, consumer: str) -> None: ...
    def oldest(self) -> tuple[datetime | None, datetime | None]: ...
    def find(self, event_id: str) -> Envelope | None: ...
    def take(self, event_ids: Collection[str], consumer: str, at: datetime) -> set[str]: ...
    def finish(self, event_id: str, wanted: int, at: datetime) -> None: ...
    def after(self, seq: int, limit: int) -> list[tuple[int, Envelope]]: ...
    def last(self) -> int: ...
    def about(self, subjects: Sequence[str]) -> list[tuple[Envelope, datetime | None, datetime | None]]: ...
    def backlog(self) -> dict[str, int]: ...


class Dead(Protocol):
    def put(self, letter: DeadLetter) -> None: ...
    def page(self, limit: int) -> list[DeadLetter]: ...
    def find(self, prefix: str) -> list[DeadLetter]: ...
    def take_away(self, event_ids: Sequence[str]) -> None: ...
    def count(self) -> int: ...


class Duties(Protocol):
    def take_turn(self, name: str, every: timedelta, at: datetime) -> bool: ...
    def begun_at(self, name: str) -> datetime: ...
    def keep_turn(self, name: str, begun_at: datetime, at: datetime) -> bool: ...


class Pace(Protocol):
    """How often a partner is asked, by all processes together."""

    def take(self, partner: str, every: timedelta, longest: timedelta, at: datetime) -> timedelta | None: ...
    def hold_back(self, partner: str, by: timedelta, at: datetime) -> None: ...


class Files(Protocol):
    def put(self, file: FileRow) -> None: ...
    def page(self, feed: str, limit: int) -> list[FileRow]: ...
    def gaps(self, feed: str, limit: int) -> list[tuple[int, int]]: ...


class Outgoing(Protocol):
    def put(self, message: OutgoingRow) -> None: ...
    def knows(self, local_id: str) -> bool: ...
    def in_state(self, state: str, limit: int) -> list[OutgoingRow]: ...
    def find(self, local_id: str, message_id: str) -> OutgoingRow | None: ...
    def claim(self, message: OutgoingRow, at: datetime) -> bool: ...
    def settle(self, local_id: str, state: str, at: datetime, message_id: str = "", why: str = "") -> None: ...
    def of_feed(self, feed: str, limit: int) -> list[OutgoingRow]: ...
    def about(self, feed: str, journal_seq: int) -> list[OutgoingRow]: ...


class Withheld(Protocol):
    """Answers that a rehearsal kept back, to see whether the sender asks again."""

    def put(self, reply_seq: int, at: datetime) -> None: ...
    def of_feed(self, feed: str) -> dict[int, datetime]: ...


class Requests(Protocol):
    def known(self, names: Sequence[tuple[str, str]]) -> dict[tuple[str, str], tuple[RequestRow, StoredReply, str]]: ...
    def put(self, request: RequestRow) -> bool: ...


class Proofs(Protocol):
    def use(self, feed: str, jti: str, expires_at: datetime, at: datetime) -> bool: ...
    def keys(self) -> list[TokenKey]: ...
    def put_key(self, key: TokenKey, forget_before: datetime) -> None: ...


class Refusals(Protocol):
    def put(self, refusal: RefusalRow) -> None: ...
    def withdraw(self, result_id: str, at: datetime) -> None: ...
    def get(self, seq: int) -> RefusalRow | None: ...
    def page(self, after: int, limit: int, feed: str | None = None, taken: bool | None = None) -> list[RefusalRow]: ...
    def take(self, seq: int, at: datetime, by: str) -> None: ...
    def not_told(self, feed: str, limit: int) -> list[RefusalRow]: ...
    def told(self, seqs: Sequence[int], at: datetime) -> None: ...


class Cohort(Protocol):
    def put(self, participants: Sequence[Participant], at: datetime) -> None: ...
    def read_ahead(self, keys: Iterable[str]) -> None: ...
    def candidates(self, keys: Iterable[str]) -> list[Participant]: ...
    def get(self, participant_id: str) -> Participant | None: ...
    def of(self, participant_ids: Sequence[str]) -> list[Participant]: ...
    def by_nhs_number(self, nhs_number: str) -> Participant | None: ...
    def ids_of(self, nhs_numbers: Sequence[str]) -> dict[str, str]: ...
    def count(self) -> int: ...


class Results(Protocol):
    def read_ahead(self, result_ids: Sequence[str], slides: Sequence[tuple[str, str]]) -> None: ...
    def get(self, result_id: str) -> ResultRow | None: ...
    def put(self, row: ResultRow) -> None: ...
    def restate(self, result_id: str, state: str) -> None: ...
    def of_slide(self, laboratory_code: str, slide_number: str) -> list[ResultRow]: ...
    def of_slide_number(self, slide_number: str) -> list[ResultRow]: ...
    def of_message(self, journal_seq: int) -> list[ResultRow]: ...


class Discharges(Protocol):
    def get(self, discharge_id: str) -> DischargeRow | None: ...
    def put(self, row: DischargeRow) -> None: ...
    def saying(self, said: str, feed: str) -> list[DischargeRow]: ...
    def of_message(self, journal_seq: int) -> list[DischargeRow]: ...
    def find(self, prefix: str) -> list[DischargeRow]: ...
    def newest(self, limit: int, state: str, feed: str | None = None) -> list[DischargeRow]: ...
    def counts(self, feed: str | None = None) -> dict[str, int]: ...


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
    def count_due(self, on: date) -> dict[str, int]: ...
    def whole_cohort(self, on: date) -> dict[str, int]: ...
    def get(self, participant_id: str) -> dict[str, Any] | None: ...


class Notifications(Protocol):
    def read_ahead(self, participant_ids: Sequence[str]) -> None: ...
    def put(self, row: NotificationRow) -> None: ...
    def get(self, notification_id: str) -> NotificationRow | None: ...
    def open_of(self, participant_id: str) -> list[NotificationRow]: ...
    def of_practice(self, practice_code: str, of_list: str, since: date, limit: int) -> list[NotificationRow]: ...


class PersonActions(Protocol):
    def put(self, row: ActionRow) -> None: ...
    def get(self, action_id: str) -> ActionRow | None: ...
    def of(self, participant_id: str) -> list[ActionRow]: ...


class Merges(Protocol):
    def move(self, gone_id: str, kept_id: str) -> dict[str, list[str]]: ...
    def move_back(self, row: MergeRow) -> None: ...
    def put(self, row: MergeRow) -> None: ...
    def get(self, merge_id: str) -> MergeRow | None: ...
    def of(self, participant_id: str) -> list[MergeRow]: ...


class CohortFiles(Protocol):
    def get(self, digest: str) -> CohortFileRow | None: ...
    def put(self, row: CohortFileRow) -> None: ...


class RecallRuns(Protocol):
    def begin(self, run_on: date, at: datetime) -> None: ...
    def add(self, run_on: date, counts: Mapping[str, int]) -> None: ...
    def end(self, run_on: date, at: datetime, cohort: Mapping[str, int]) -> None: ...
    def report(self, run_on: date) -> RunReport | None: ...
    def newest_ended(self) -> RunReport | None: ...
    def any_begun(self) -> bool: ...


class Tasks(Protocol):
    def read_ahead(self, participant_ids: Sequence[str]) -> None: ...
    def open(self, task: TaskRow, keys: Iterable[str]) -> None: ...
    def get(self, task_id: str) -> TaskRow | None: ...
    def of_result(self, result_id: str) -> list[TaskRow]: ...
    def of_discharge(self, discharge_id: str) -> list[TaskRow]: ...
    def open_for(self, participant_id: str) -> list[TaskRow]: ...
    def waiting_for_keys(self, keys: Iterable[str]) -> list[TaskRow]: ...
    def update(self, task: TaskRow, keys: Iterable[str] = ()) -> None: ...
    def find(self, prefix: str) -> list[TaskRow]: ...
    def worklist(self, limit: int, state: str | None = None) -> list[TaskRow]: ...
    def about_discharges(self, limit: int, feed: str | None = None) -> list[TaskRow]: ...
    def decide(self, decision: DecisionRow) -> None: ...
    def decisions(self, task_id: str) -> list[DecisionRow]: ...


class Letters(Protocol):
    def read_ahead(self, participant_ids: Sequence[str]) -> None: ...
    def of(self, participant_id: str) -> list[LetterRow]: ...
    def put(self, letter: LetterRow) -> None: ...


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
    """Several may be at work at once, in several processes. Whoever decides about a slide or a person holds its name,
    so that nobody decides about the same thing from what is just being changed."""

    def probe(self) -> None: ...
    def probe_reading(self) -> None: ...
    def hold(self, *names: str) -> None: ...
    def write_down(self) -> None: ...
    def hold_everything(self) -> None: ...
    @property
    def journal(self) -> Journal: ...
    @property
    def events(self) -> Events: ...
    @property
    def dead(self) -> Dead: ...
    @property
    def duties(self) -> Duties: ...
    @property
    def pace(self) -> Pace: ...
    @property
    def questions(self) -> Questions: ...
    @property
    def files(self) -> Files: ...
    @property
    def outgoing(self) -> Outgoing: ...
    @property
    def withheld(self) -> Withheld: ...
    @property
    def requests(self) -> Requests: ...
    @property
    def proofs(self) -> Proofs: ...
    @property
    def refusals(self) -> Refusals: ...
    @property
    def slides(self) -> Slides: ...
    @property
    def hours(self) -> Hours: ...
    @property
    def file_faults(self) -> FileFaults: ...
    @property
    def figures(self) -> Figures: ...
    @property
    def cohort(self) -> Cohort: ...
    @property
    def results(self) -> Results: ...
    @property
    def discharges(self) -> Discharges: ...
    @property
    def records(self) -> Records: ...
    @property
    def notifications(self) -> Notifications: ...
    @property
    def actions(self) -> PersonActions: ...
    @property
    def merges(self) -> Merges: ...
    @property
    def cohort_files(self) -> CohortFiles: ...
    @property
    def recall_runs(self) -> RecallRuns: ...
    @property
    def tasks(self) -> Tasks: ...
    @property
    def letters(self) -> Letters: ...
    @property
    def letter_account(self) -> LetterAccount: ...
    @property
    def counts(self) -> Counts: ...


Work = Callable[[Transaction], T]


class Store(Protocol):
    @property
    def poll_seconds(self) -> float:
        """How often whoever waits for others' events looks by himself."""

    async def write(self, work: Work[T], *, at_door: bool = False) -> T:
        """Run the work and commit. When this returns, the work survives a crash and a power cut.

        `at_door` says that a sender waits for it: such work goes before the rest.
        """

    async def read(self, work: Work[T]) -> T:
        """Run the work over a steady view; it must not write."""

    def claiming(self) -> AbstractAsyncContextManager[Claiming]:
        """One transaction over several awaits: `await run(work)` does a piece of it."""

    async def listen(self, wake: Callable[[], None]) -> None:
        """Call `wake` whenever another process may have put events into the outbox; until cancelled."""

    async def away(self) -> str:
        """Why nothing can be written just now; empty where it can."""

    async def close(self) -> None: ...


class Claiming(Protocol):
    async def __call__(self, work: Work[T]) -> T: ...


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event handed to one consumer. Acknowledge it after the commit; what is not acknowledged comes again."""

    consumer: str
    envelope: Envelope
    acknowledge: Callable[[], None]


@dataclass(frozen=True, slots=True)
class DeadDelivery:
    """What a queue gave up on: an event, or (without envelope) something that is none of ours."""

    queue: str
    why: str
    body: bytes
    envelope: Envelope | None
    acknowledge: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Depth:
    """How many events wait in a queue, and how many may be in consumers' hands at most; whether it is one of ours,
    whose events are finished when they are handled."""

    waiting: int
    in_hands: int
    ours: bool = True


class Conveyor(Protocol):
    """Brings events to consumers. It may forget everything at any moment; what it cannot do just now is `Retry`."""

    async def publish(self, envelopes: Sequence[Envelope]) -> list[bool]:
        """Hand over; True at the place of each event that the conveyor now holds safely."""

    def deliveries(self, consumer: str) -> AsyncIterator[Delivery]: ...

    def dead(self) -> AsyncIterator[DeadDelivery]: ...

    async def depths(self) -> dict[str, Depth]:
        """By the name of the queue."""

    async def away(self) -> str:
        """Why nothing can be handed over just now; empty where it can."""

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Tracked:
    """What a carrier knows of a message that was handed to it. `state` is partly (the rest must follow), sent, taken or
    failed."""

    message_id: str
    state: str
    why: str = ""


class CarrierAway(Retry):
    """The carrier cannot be used just now. `unsent`: what was to be handed over has certainly not arrived there."""

    unsent = False


class NotCarried(Exception):
    """The carrier will never take this message. `why` is its code, never its words."""

    def __init__(self, why: str) -> None:
        self.why = why
        super().__init__(why)


class Carrier(Protocol):
    """Brings messages to laboratories. It may take the same message twice: whoever is in doubt asks it first."""

    async def send(self, message: OutgoingRow, begun: str = "") -> str:
        """Hand over; the carrier's name for it. `begun` is its name for what it has of this message already."""

    async def track(self, local_id: str) -> Tracked | None:
        """What became of it; None where the carrier does not know it."""


class DemographicsRegister(Protocol):
    """PDS. What it does not answer just now is `Retry`; whatever it answers is for good."""

    async def ask(self, question: Question) -> Answer: ...


def pages(fetch: Callable[[int], list[T]], key: Callable[[T], int]) -> Iterator[list[T]]:
    """Walk a listing page by page (keyset, never OFFSET): each page is fetched after the last key of the one before."""
    after = 0
    while page := fetch(after):
        yield page
        after = key(page[-1])
