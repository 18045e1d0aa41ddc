"""Results and discharges as they were reported, and the tasks that clerks have with them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Protocol

from hub.domain.events import DischargeReported, DischargeUnread, ReportParked, ResultReported


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
