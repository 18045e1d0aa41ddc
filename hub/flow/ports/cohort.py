"""The people of the cohort, two who were one, the files they came in, and PDS, who knows them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from hub.domain.demographics import Answer, Question
from hub.domain.people import Participant


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


class Cohort(Protocol):
    def put(self, participants: Sequence[Participant], at: datetime) -> None: ...
    def read_ahead(self, keys: Iterable[str]) -> None: ...
    def candidates(self, keys: Iterable[str]) -> list[Participant]: ...
    def get(self, participant_id: str) -> Participant | None: ...
    def of(self, participant_ids: Sequence[str]) -> list[Participant]: ...
    def by_nhs_number(self, nhs_number: str) -> Participant | None: ...
    def ids_of(self, nhs_numbers: Sequence[str]) -> dict[str, str]: ...
    def count(self) -> int: ...


class Merges(Protocol):
    def move(self, gone_id: str, kept_id: str) -> dict[str, list[str]]: ...
    def move_back(self, row: MergeRow) -> None: ...
    def put(self, row: MergeRow) -> None: ...
    def get(self, merge_id: str) -> MergeRow | None: ...
    def of(self, participant_id: str) -> list[MergeRow]: ...


class CohortFiles(Protocol):
    def get(self, digest: str) -> CohortFileRow | None: ...
    def put(self, row: CohortFileRow) -> None: ...


class DemographicsRegister(Protocol):
    """PDS. What it does not answer just now is `Retry`; whatever it answers is for good."""

    async def ask(self, question: Question) -> Answer: ...
