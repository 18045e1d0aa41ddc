"""What may be decided about a person: putting off, ceasing, reinstating (domain.md 1.3)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from hub.domain.call import CEASED, Call
from hub.domain.dates import add_months, spoken
from hub.domain.policy import CallSettings

CASE_NUMBER = re.compile(r"CAS-[0-9]{5}-[A-Z0-9]{5}")
"""CSAS signs every action with one (domain.md 1.3)."""


@dataclass(frozen=True, slots=True)
class DeferralReason:
    """`practice`: from and to how many months a practice may put off by itself; None: only CSAS."""

    title: str
    max_months: int
    practice: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class CeasingReason:
    title: str
    letter: str = ""
    practice: bool = False


@dataclass(frozen=True, slots=True)
class Actions:
    """The reasons by their names, as facts and decisions carry them."""

    deferrals: Mapping[str, DeferralReason]
    ceasings: Mapping[str, CeasingReason]


def earliest_due_on(on: date, settings: CallSettings) -> date:
    """The earliest date that may be entered on a day: ten weeks from tomorrow (domain.md 1.2)."""
    return on + timedelta(days=settings.earliest_due_days)


def deferral_problem(
    reason: str, due_on: date, on: date, now: Call, actions: Actions, settings: CallSettings, *, by_practice: bool
) -> str:
    """Why this may not be decided, and what to do; empty where it may."""
    known = actions.deferrals.get(reason)
    if known is None:
        return f"There is no such reason. Reasons: {', '.join(actions.deferrals)}."
    if now.next_test_due_on is None:
        return f"She has no date that could be put off: she is {now.recall_type.lower()}."
    least, most = (1, known.max_months) if not by_practice else known.practice or (0, 0)
    if most == 0:
        return f"{known.title}: a practice cannot put this off by itself. Send the form to CSAS."
    earliest = max(earliest_due_on(on, settings), add_months(on, least) if by_practice else date.min)
    if due_on < earliest:
        return f"The date is too early: the earliest is {spoken(earliest)}."
    if due_on > add_months(on, most):
        return f"{known.title} allows {most} months at most: the latest is {spoken(add_months(on, most))}."
    return ""


def ceasing_problem(reason: str, now: Call, actions: Actions, *, by_practice: bool) -> str:
    """Why this may not be decided, and what to do; empty where it may."""
    known = actions.ceasings.get(reason)
    if known is None:
        return f"There is no such reason. Reasons: {', '.join(actions.ceasings)}."
    if by_practice and not known.practice:
        return f"{known.title}: a practice cannot cease for this by itself. Send the signed form to CSAS."
    return f"She is ceased already ({now.ceased})." if now.recall_type == CEASED else ""


def reinstating_problem(due_on: date, on: date, now: Call, settings: CallSettings) -> str:
    """Why this may not be decided, and what to do; empty where it may."""
    if now.recall_type != CEASED:
        return f"She is not ceased: she is {now.recall_type.lower()}."
    if due_on < earliest_due_on(on, settings):
        return f"The date is too early: the earliest is {spoken(earliest_due_on(on, settings))}."
    return ""
