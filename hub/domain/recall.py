"""From a result to months: what the policy of its time sets, and what the laboratory may state instead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from hub.domain.codes import HPV_NEGATIVE, HPV_POSITIVE, RECORD_ONLY, ROUTINE, SUSPEND, is_inadequate
from hub.domain.dates import add_months, months_of_age
from hub.domain.events import TestResult
from hub.domain.policy import Policies, RecallPolicy, RuleSettings


@dataclass(frozen=True, slots=True)
class Interval:
    """`months` until the next test is due (None: this result sets no date), and whether what the laboratory stated is
    allowed. `because` says where the months come from."""

    months: int | None
    allowed: bool
    because: str


def interval(
    result: TestResult, earlier: Sequence[TestResult], born_on: date, policy: RecallPolicy, policies: Policies
) -> Interval:
    """The months of one result. `earlier` are her results before it, oldest first.

    What the laboratory states goes before the policy's own months; whether it may state that is `allowed`. A
    combination the policy does not know sets no date unless months are stated, and never passes as allowed.
    """
    if result.action_code in (SUSPEND, RECORD_ONLY):
        return _without_date(result, policy)
    recent = has_recent_positive(result, earlier, policies.rules)
    row = policy.row(result.combination, result.self_sample, months_of_age(born_on, result.test_on), recent)
    stated = result.repeat_months
    if row is None:
        return Interval(stated, False, "the policy knows no months for these codes")
    if stated is None:
        return Interval(row.months, True, f"{row.months} months by the policy: {row.because}")
    allowed = stated in row.allowed or _is_annual(result, stated, policies.rules)
    stands = "as the policy allows" if allowed else "which the policy does not allow"
    return Interval(stated, allowed, f"{stated} months as the laboratory stated, {stands}: {row.because}")


def has_recent_positive(result: TestResult, earlier: Sequence[TestResult], rules: RuleSettings) -> bool:
    """ "Recent hrHPV positive history" (domain.md 1.1): an HPV positive result less than five years before this test
    and not followed by a clinician-taken HPV negative. What a self-sample finds negative clears nothing."""
    since = add_months(result.test_on, -rules.recent_positive_months)
    for before in reversed(earlier):
        if before.infection_code == HPV_POSITIVE:
            return before.test_on > since
        if before.infection_code == HPV_NEGATIVE and not before.self_sample:
            return False
    return False


def _without_date(result: TestResult, policy: RecallPolicy) -> Interval:
    """S and H set no date: months stated with them have no effect, but an impossible number is worth a look."""
    if result.action_code == RECORD_ONLY:
        highest = policy.highest_stated_record_only
    elif is_inadequate(result):
        highest = policy.highest_stated_suspended_inadequate
    else:
        highest = policy.highest_stated_suspended
    return Interval(None, (result.repeat_months or 0) <= highest, "this action sets no date")


def _is_annual(result: TestResult, stated: int, rules: RuleSettings) -> bool:
    """Routine recall every year for people with HIV (domain.md 1.1): we see the months, never the flag."""
    routine = result.action_code == ROUTINE and not result.self_sample
    return rules.annual_recall_allowed and routine and stated == rules.annual_recall_months
