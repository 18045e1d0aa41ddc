"""The canonical screening events: facts in our words, past tense. Immutable, plain data, JSON by their field names.

An event says nothing of how it travelled: feed, message, position and time stand in the envelope (`hub.contract`).
Changing a field here changes the published schemas under `hub/schemas/`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum

from hub.domain.people import Claim


class Version(Enum):
    """What kind of word on a slide this is (HL7 v2: OBR-25 F, C, X)."""

    FINAL = "final"
    CORRECTED = "corrected"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class TestResult:
    """One cervical test result in national codes (domain.md 2.1 to 2.4).

    `result_code`, `infection_code`, `action_code` are single characters (`X`, `0`, `A`); a self-sample has the result
    code `X`. `repeat_months` is what the laboratory stated, if anything. `authorised_at` orders the versions of one
    slide: it is when the laboratory issued this version (timezone-aware).
    The slide number together with the laboratory code is unique over all people (domain.md 2.7).
    """

    __test__ = False  # not a pytest class

    laboratory_code: str
    slide_number: str
    test_on: date
    authorised_at: datetime
    result_code: str = ""
    infection_code: str = ""
    action_code: str = ""
    repeat_months: int | None = None
    self_sample: bool = False
    version: Version = Version.FINAL
    source_type: str | None = None
    sender_code: str | None = None
    sample_taker_code: str | None = None

    @property
    def combination(self) -> str:
        """Result, HPV and action code together, as a laboratory says them: `X0A`."""
        return f"{self.result_code}{self.infection_code}{self.action_code}"


@dataclass(frozen=True, slots=True)
class ResultReported:
    """A laboratory reported a result (or a new version of one) for the person it claims."""

    claim: Claim
    result: TestResult


@dataclass(frozen=True, slots=True)
class ReportParked:
    """A report was taken but could not be read to its end because of our own tables: a clerk or engineer must act.

    `reason` is a `hub.errors.Reason` code; `place` names where in the message it stands. What could be read is kept.
    """

    reason: str
    place: str
    hint: str
    claim: Claim | None = None
    laboratory_code: str | None = None
    slide_number: str | None = None


@dataclass(frozen=True, slots=True)
class Discharge:
    """What a clinic says of somebody it has discharged to recall (domain.md 3). `next_test_due_on` is the clinic's own
    date; `seen_on` the day she was last there, where the clinic says it. `clinic_code` is the ODS code."""

    clinic_code: str
    discharged_on: date
    next_test_due_on: date
    seen_on: date | None = None


@dataclass(frozen=True, slots=True)
class DischargeReported:
    """A colposcopy clinic reported that it has discharged the person it claims."""

    claim: Claim
    discharge: Discharge


@dataclass(frozen=True, slots=True)
class DischargeUnread:
    """A report of a discharge was taken but could not be read to its end because of our own tables or a fault of ours.

    `reason` is a `hub.errors.Reason` code; `place` names where in the message it stands.
    """

    reason: str
    place: str
    hint: str
    claim: Claim | None = None


@dataclass(frozen=True, slots=True)
class DischargeApplied:
    """A discharge was put on a participant's record, with the date that counts. `by` is a clerk or `hub`."""

    discharge_id: str
    participant_id: str
    due_on: date
    by: str


@dataclass(frozen=True, slots=True)
class DischargeParked:
    """A discharge waits for a clerk; `reason` is a `hub.errors.Reason` code."""

    discharge_id: str
    task_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class DischargeRefused:
    """A clerk refused a discharge after it had been acknowledged: the clinic must be told."""

    discharge_id: str
    task_id: str
    by: str
    why: str


@dataclass(frozen=True, slots=True)
class ResultMatched:
    """A result was put on a participant's record. `how` is `automatic` or `clerk`."""

    result_id: str
    match_id: str
    participant_id: str
    how: str
    by: str
    why: str


@dataclass(frozen=True, slots=True)
class MatchUndone:
    """A match was taken back: the result leaves that participant's record."""

    result_id: str
    match_id: str
    participant_id: str
    by: str
    why: str


@dataclass(frozen=True, slots=True)
class ResultParked:
    """A result waits for a clerk; `reason` is a `hub.errors.Reason` code."""

    result_id: str
    task_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class ResultRefused:
    """A clerk refused a result after it had been acknowledged: the laboratory must be told."""

    result_id: str
    task_id: str
    by: str
    why: str


@dataclass(frozen=True, slots=True)
class ResultQueried:
    """A clerk put a question to the laboratory; the result goes on waiting."""

    result_id: str
    task_id: str
    by: str
    why: str


@dataclass(frozen=True, slots=True)
class TaskClosed:
    """A task was settled. `outcome` says how; `by` is a clerk or `hub` where new evidence settled it."""

    task_id: str
    outcome: str
    by: str
    why: str


@dataclass(frozen=True, slots=True)
class DecisionUndone:
    """A clerk took a decision back; `decision` is `match`, `reject` or `query`. The task is open again."""

    result_id: str
    task_id: str
    decision: str
    by: str
    why: str


@dataclass(frozen=True, slots=True)
class RecordChanged:
    """The fold of a participant's facts came out differently than before. `ceased` is the reason, empty while she is
    called."""

    participant_id: str
    recall_type: str
    next_test_due_on: date | None
    policy: str
    recall_status: str = "No action"
    ceased: str = ""


@dataclass(frozen=True, slots=True)
class LetterWished:
    """A letter is wished for a participant: an effect, carried out by whoever sends letters. An invitation or a
    reminder is about no result."""

    letter_id: str
    participant_id: str
    result_id: str | None
    code: str


Event = (
    ResultReported
    | ReportParked
    | DischargeReported
    | DischargeUnread
    | DischargeApplied
    | DischargeParked
    | DischargeRefused
    | ResultMatched
    | MatchUndone
    | ResultParked
    | ResultRefused
    | ResultQueried
    | TaskClosed
    | DecisionUndone
    | RecordChanged
    | LetterWished
)
