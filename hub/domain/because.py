"""Why a record is as it is: a sentence for people, and beside it where the rule stands."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from hub.domain.facts import CallStep
from hub.errors import Reason


class Because(NamedTuple):
    """`source`: a section of domain.md, the project's sourced facts, or a setting in `mappings/policy/`."""

    sentence: str
    source: str


def setting(name: str, section: str) -> str:
    """A setting of call and recall, with the facts that it stands for."""
    return f"settings.toml [call] {name}; domain.md {section}"


COHORT = "the cohort file"
LABORATORY = "the laboratory"
FIRST_CALL = setting("first_call_weeks_before_25", "1.2")
EARLIEST = setting("earliest_due_days", "1.2")
TEST_PLUS_MONTHS = "domain.md 4.4"
OVER_AGE = setting("cease_from_age_years", "1.1")
CEASED_AGAIN = setting("ceased_for_good", "4.3")
NOT_RESPONDED = setting("months_after_no_response", "1.1, 1.2")
DISCHARGED = setting("discharge_routine_from_months", "3")
DECIDED = DIED = "domain.md 1.3"
AWAY = setting("removals", "4.7")
MALE = setting("genders_not_called", "1.1")
REINSTATED = "domain.md 1.2, 1.3"
RULES: Mapping[Reason, str] = MappingProxyType(
    {
        Reason.SECOND_INADEQUATE: "domain.md 2.5",
        Reason.THIRD_HPV_POSITIVE: "domain.md 2.5",
        Reason.INVALID_RETURN_TO_ROUTINE: "domain.md 2.5",
        Reason.REPEAT_MONTHS: "domain.md 2.4",
    }
)
NEXT: Mapping[CallStep, str] = MappingProxyType(
    {
        CallStep.NOTIFIED: setting("notify_weeks_before", "1.2"),
        CallStep.INVITED: setting("invite_weeks_before", "1.2"),
        CallStep.REMINDED: setting("remind_weeks_after", "1.2"),
        CallStep.NON_RESPONDER: setting("non_responder_weeks_after", "1.2"),
    }
)
"""Why the next step of call and recall is on its day."""


def policy(name: str) -> str:
    """A recall policy."""
    return f"{name}.toml; domain.md 1.1, 2.4"
