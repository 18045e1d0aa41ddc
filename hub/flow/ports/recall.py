"""Call and recall: the practices' lists, what was decided about a person, and the daily runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol


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


@dataclass(frozen=True, slots=True)
class RunReport:
    """What a day's run of call and recall did. `taken`: the steps, counted. `cohort`: where each person stood when it
    ended, each in exactly one place; empty while it has not. `ended_at` is None then. `silent`: how many waited
    silently at its end, by the failsafe's places; empty where nobody did."""

    run_on: date
    taken: dict[str, int]
    cohort: dict[str, int]
    ended_at: datetime | None
    silent: dict[str, int] = field(default_factory=dict)


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


class RecallRuns(Protocol):
    def begin(self, run_on: date, at: datetime) -> None: ...
    def add(self, run_on: date, counts: Mapping[str, int]) -> None: ...
    def end(self, run_on: date, at: datetime, cohort: Mapping[str, int], silent: Mapping[str, int]) -> None: ...
    def report(self, run_on: date) -> RunReport | None: ...
    def newest_ended(self) -> RunReport | None: ...
    def any_begun(self) -> bool: ...
