"""Which letter follows from the record, and how soon a clerk must look at what waits (domain.md 2.4, 4.5, 6.1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from types import MappingProxyType

from hub.domain.call import BY_AGE, MOVED_AWAY, REGISTERED_MALE, UNKNOWN_REMOVAL
from hub.domain.codes import COMBINATIONS, HPV_NEGATIVE, HPV_UNAVAILABLE, ROUTINE, combination
from hub.domain.dates import add_months
from hub.domain.events import TestResult
from hub.domain.facts import CallStep
from hub.domain.policy import LetterSettings, Policies
from hub.domain.record import DECEASED, OnRecord, Record

TURNAROUND = timedelta(days=14)
"""From the sample to the person's letter, in at least 98 of 100 cases (domain.md 4.5)."""

CEASED_LETTER = "C"
"""In the place of the action code: in letter codes only (domain.md 2.4)."""

INVITATIONS: Mapping[tuple[CallStep, bool], str] = MappingProxyType(
    {
        (CallStep.INVITED, True): "PA1",
        (CallStep.REMINDED, True): "PA2",
        (CallStep.INVITED, False): "PA3",
        (CallStep.REMINDED, False): "PA4",
    }
)
"""By step, and whether she has a practice (domain.md 6.1)."""
AGE_CEASING = "CUA"
"""She did not respond, and is over the age of calling (domain.md 1.3). Ceased by a result, she is told with that."""

WHY_GONE: Mapping[str, str] = MappingProxyType(
    {
        DECEASED: "She has died.",
        MOVED_AWAY: "No practice of England has her on its list.",
        REGISTERED_MALE: "The register has her as male.",
        UNKNOWN_REMOVAL: "She was removed from every practice's list, for a reason that our table does not know.",
    }
)
"""By `Record.gone`: why nothing is written to her."""

URGENT, ABNORMAL, NORMAL = 0, 1, 2


@dataclass(frozen=True, slots=True)
class LetterDue:
    """This result gets this letter of the national catalogue."""

    result_id: str
    code: str


@dataclass(frozen=True, slots=True)
class LetterNotDue:
    """This result gets no letter, and why. `rule` is stable: source-type, too-old, deceased, moved-away, not-newest,
    no-code."""

    result_id: str
    why: str
    rule: str


def letters_due(record: Record, policies: Policies, on: date) -> tuple[LetterDue | LetterNotDue, ...]:
    """For every result on the record, in its order, its letter or why there is none on the day `on`.

    Whether a letter must wait (a task about her is open) is not decided here, nor whether it was sent before.
    """
    return tuple(_letter(record, index, policies.letters, on) for index in range(len(record.results)))


def letter_code(record: Record, index: int) -> str | None:
    """`PX0A` for what a clinician took, `K-0A`, `K-9R`, `K1UH`, `K2UH` for self-samples; `PX0C`, `K-0C` where the
    result is the one after which she is no longer called for her age; None for old codes (domain.md 2.4, 6.1)."""
    result = record.results[index].result
    if combination(result) is None:
        return None
    ends = record.call.ceased == BY_AGE and record.call.decided_by == record.results[index].result_id
    in_a_row = _unavailable_in_a_row(record.results, index)
    return _code(result.combination, result.self_sample, ends=ends, in_a_row=in_a_row)


def result_codes() -> frozenset[str]:
    """Every code that `letter_code` can give."""
    return frozenset(
        _code(codes, self_sample, ends=ends, in_a_row=in_a_row)
        for codes, self_sample in COMBINATIONS
        for ends in (False, codes.endswith(ROUTINE))
        for in_a_row in (1, 2)
    )


def priority(result: TestResult | None) -> int:
    """How soon a clerk must look: urgent referral 0, abnormal or codes we cannot read 1, normal 2."""
    known = combination(result) if result else None
    if known is None:
        return ABNORMAL
    if known.urgent:
        return URGENT
    return ABNORMAL if known.abnormal else NORMAL


def due_on(test_on: date) -> date:
    """The day by which the person should hold her result."""
    return test_on + TURNAROUND if test_on <= date.max - TURNAROUND else date.max


def _code(codes: str, self_sample: bool, *, ends: bool, in_a_row: int) -> str:
    result_code, infection_code, action_code = codes[0], codes[1], codes[2]
    action = CEASED_LETTER if ends and infection_code == HPV_NEGATIVE else action_code
    if not self_sample:
        return f"P{result_code}{infection_code}{action}"
    return f"K{in_a_row}UH" if infection_code == HPV_UNAVAILABLE else f"K-{infection_code}{action}"


def _letter(record: Record, index: int, settings: LetterSettings, on: date) -> LetterDue | LetterNotDue:
    kept = record.results[index]
    code = letter_code(record, index)
    if code is None:
        return LetterNotDue(kept.result_id, "There is no letter for these codes.", "no-code")
    if kept.result.source_type in settings.source_types_without_letter:
        return LetterNotDue(kept.result_id, "Taken in colposcopy: the clinic tells her.", "source-type")
    if on > add_months(kept.result.test_on, settings.age_limit_months):
        why = f"The test is more than {settings.age_limit_months} months old."
        return LetterNotDue(kept.result_id, why, "too-old")
    if record.gone:
        return LetterNotDue(kept.result_id, WHY_GONE[record.gone], record.gone)
    if settings.newest_test_only and index < len(record.results) - 1:
        return LetterNotDue(kept.result_id, "A newer test is on the record.", "not-newest")
    return LetterDue(kept.result_id, code)


def _unavailable_in_a_row(results: tuple[OnRecord, ...], index: int) -> int:
    """1 for the first unavailable self-sample, 2 for every one that follows it without another result between."""
    if index == 0:
        return 1
    before = results[index - 1].result
    return 2 if before.self_sample and before.infection_code == HPV_UNAVAILABLE else 1
