"""The programme's rules that need a history: what makes a laboratory's result one that a clerk must look at.

Each rule sees one result and what came before it on the record, oldest first. Self-samples are outside the two
counts: they have their own letters and a clinician's sample always follows (domain.md 2.4, 10).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from hub.domain.codes import (
    HPV_NEGATIVE,
    HPV_POSITIVE,
    HPV_UNAVAILABLE,
    RECORD_ONLY,
    ROUTINE,
    SUSPEND,
    is_inadequate,
)
from hub.domain.events import TestResult
from hub.domain.policy import RecallPolicy, RuleSettings
from hub.errors import Reason


def objections(
    result: TestResult,
    earlier: Sequence[TestResult],
    policy: RecallPolicy,
    rules: RuleSettings,
    discharged: Sequence[date] = (),
) -> Iterator[Reason]:
    """Every rule of history that speaks against the action of this result. `discharged`: the days on which colposcopy
    discharged her, in any order."""
    if is_second_inadequate(result, earlier, policy, rules):
        yield Reason.SECOND_INADEQUATE
    if is_third_hpv_positive(result, earlier, policy, rules):
        yield Reason.THIRD_HPV_POSITIVE
    if is_invalid_return_to_routine(result, earlier, rules, discharged):
        yield Reason.INVALID_RETURN_TO_ROUTINE


def is_second_inadequate(
    result: TestResult, earlier: Sequence[TestResult], policy: RecallPolicy, rules: RuleSettings
) -> bool:
    """The second in a row that is HPV unavailable or inadequate, in any mixture, and not referred (domain.md 2.5)."""
    if result.action_code == SUSPEND or result.self_sample or not is_inadequate(result):
        return False
    before = 0
    for one in _back_through(earlier, rules):
        if not is_inadequate(one):
            break
        before += 1
    return before + 1 >= policy.inadequate_count


def is_third_hpv_positive(
    result: TestResult, earlier: Sequence[TestResult], policy: RecallPolicy, rules: RuleSettings
) -> bool:
    """The third HPV positive in a row, whatever the cytology, and not referred (domain.md 2.5).

    Tests without an HPV answer neither count nor break the row; nor does an inadequate one, while the setting says so.
    """
    if result.action_code == SUSPEND or result.self_sample or not _counts_as_positive(result, rules):
        return False
    before = 0
    for one in _back_through(earlier, rules):
        if one.infection_code == HPV_NEGATIVE or _breaks_as_unavailable(one, rules):
            break
        before += _counts_as_positive(one, rules)
    return before + 1 >= policy.hpv_positive_count


def is_invalid_return_to_routine(
    result: TestResult, earlier: Sequence[TestResult], rules: RuleSettings, discharged: Sequence[date] = ()
) -> bool:
    """Routine recall (A) that does not follow from the history. Its exact meaning is not published (domain.md 2.5).

    Our definition: (1) the last conclusive clinician-taken test before it suspended her, and no discharge from
    colposcopy has come since; (2) it is a self-sample, and the last HPV positive was not yet followed by a
    clinician-taken HPV negative. HPV negative after HPV positive with negative cytology, or after an inadequate
    test, is a proper return and raises nothing.
    """
    if result.action_code != ROUTINE:
        return False
    if result.self_sample and _awaits_clinician(earlier):
        return True
    if result.source_type in rules.return_to_routine_source_types:
        return False
    return _is_under_colposcopy(earlier, [day for day in discharged if day <= result.test_on])


def _back_through(earlier: Sequence[TestResult], rules: RuleSettings) -> Iterator[TestResult]:
    """Clinician-taken tests from the newest back, as far as the counts reach."""
    for one in reversed(earlier):
        if one.self_sample:
            continue
        if one.action_code == SUSPEND and rules.counts_start_again_after_suspension:
            return
        yield one


def _counts_as_positive(result: TestResult, rules: RuleSettings) -> bool:
    skipped = rules.hpv_count_skips_inadequate and is_inadequate(result)
    return result.infection_code == HPV_POSITIVE and not skipped


def _breaks_as_unavailable(result: TestResult, rules: RuleSettings) -> bool:
    return result.infection_code == HPV_UNAVAILABLE and not rules.hpv_count_skips_inadequate


def _is_under_colposcopy(earlier: Sequence[TestResult], discharged: Sequence[date]) -> bool:
    """Whether the last test that decided something referred her, and she was not discharged since. An inadequate
    repeat, a result recorded only, or a self-sample does not discharge anybody."""
    for one in reversed(earlier):
        if one.action_code == SUSPEND:
            return not any(day >= one.test_on for day in discharged)
        if not (one.self_sample or one.action_code == RECORD_ONLY or is_inadequate(one)):
            return False
    return False


def _awaits_clinician(earlier: Sequence[TestResult]) -> bool:
    for one in reversed(earlier):
        if one.infection_code == HPV_POSITIVE:
            return True
        if one.infection_code == HPV_NEGATIVE and not one.self_sample:
            return False
    return False
