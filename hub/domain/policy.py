"""The programme's policies by date, and the settings that stand where its sources are silent or disagree.

Read from `mappings/policy/`, where each number stands beside its source and its doubt.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum

from hub.domain.dates import day_in_england


class Pivot(Enum):
    """Which of a result's dates decides the policy it falls under (domain.md 1.1: the sources disagree)."""

    TEST_DATE = "test-date"
    AUTHORISED_DATE = "authorised-date"


@dataclass(frozen=True, slots=True)
class RecallRow:
    """One line of the recall table: from which age on, how many months.

    `after_recent_positive` lines hold only for a person with a recent HPV positive history. `months` is what follows
    where the laboratory states none; `allowed` is what it may state. `because` says why, in a person's words.
    """

    codes: str
    self_sample: bool
    from_age_months: int
    after_recent_positive: bool
    months: int
    allowed: frozenset[int]
    because: str


@dataclass(frozen=True, slots=True)
class RecallPolicy:
    """What held from a day on (`from_on`; None: always before). The last line that fits a person is hers.

    `inadequate_count` and `hpv_positive_count`: which one in a row must be referred (domain.md 2.5).
    `highest_stated`: the most months a laboratory may state, without any effect, with an action that sets no date:
    S, S of an inadequate test, H.
    """

    name: str
    title: str
    from_on: date | None
    rows: tuple[RecallRow, ...]
    inadequate_count: int
    hpv_positive_count: int
    highest_stated_suspended: int
    highest_stated_suspended_inadequate: int
    highest_stated_record_only: int

    def row(self, codes: str, self_sample: bool, age_months: int, recent_positive: bool) -> RecallRow | None:
        """The line for this combination at this age: the highest age reached, the special line before the general."""
        fitting = [
            row
            for row in self.rows
            if (row.codes, row.self_sample) == (codes, self_sample)
            and row.from_age_months <= age_months
            and (recent_positive or not row.after_recent_positive)
        ]
        return max(fitting, key=lambda row: (row.from_age_months, row.after_recent_positive), default=None)


@dataclass(frozen=True, slots=True)
class RuleSettings:
    """How histories are counted; each with its doubt in `mappings/policy/settings.toml`."""

    hpv_count_skips_inadequate: bool
    counts_start_again_after_suspension: bool
    recent_positive_months: int
    annual_recall_months: int
    annual_recall_allowed: bool
    return_to_routine_source_types: frozenset[str]


@dataclass(frozen=True, slots=True)
class LetterSettings:
    """When a result on the record gets no letter."""

    age_limit_months: int
    newest_test_only: bool
    source_types_without_letter: frozenset[str]


@dataclass(frozen=True, slots=True)
class CallSettings:
    """The calendar of call and recall (domain.md 1.1 to 1.3), each with its source in the settings' table. `removals`:
    by PDS's code of why no practice's list holds her, what follows: dead, away (not called), or called."""

    notify_weeks_before: int
    invite_weeks_before: int
    remind_weeks_after: int
    non_responder_weeks_after: int
    first_call_weeks_before_25: int
    earliest_due_days: int
    cease_from_age_years: int
    surveillance_results: int
    discharge_routine_from_months: int
    months_after_no_response_routine: int
    months_after_no_response_repeat: int
    ceased_for_good: frozenset[str]
    eligible_from_age_months: int
    early_sample_months: int
    genders_not_called: frozenset[str]
    removals: Mapping[str, str]

    def months_after_no_response(self, recall_type: str) -> int:
        """From the date she did not keep to the next."""
        if recall_type in ("Called", "Routine"):
            return self.months_after_no_response_routine
        return self.months_after_no_response_repeat


@dataclass(frozen=True, slots=True)
class DischargeSettings:
    """When a discharge from colposcopy goes before a clerk, and how soon she must have decided (domain.md 3); after how
    many months without one the clinic is asked."""

    at_most_months: int
    result_counts_months: int
    disagreement_months: int
    clock_days: int
    awaited_months: int


@dataclass(frozen=True, slots=True)
class Policies:
    """Every recall policy, oldest first (the oldest has no `from_on`), and the settings."""

    policies: tuple[RecallPolicy, ...]
    pivot: Pivot
    rules: RuleSettings
    letters: LetterSettings
    call: CallSettings
    discharge: DischargeSettings

    def in_force(self, test_on: date, authorised_at: datetime) -> RecallPolicy:
        """The policy a result falls under. `authorised_at` is when its first version was issued: a later correction
        does not move an old test under a new policy, for the change is not retrospective (domain.md 1.1)."""
        day = test_on if self.pivot is Pivot.TEST_DATE else day_in_england(authorised_at)
        return next(each for each in reversed(self.policies) if each.from_on is None or each.from_on <= day)
