"""The facts of which a person's record is folded. Each is kept for ever; taking one back is one more fact."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum

from hub.domain.dates import day_in_england
from hub.domain.events import TestResult


@dataclass(frozen=True, slots=True)
class ResultFact:
    """A result (or a version of one) was put on this record. `digest` is that of the message it came in.

    `policy_accepted`: a clerk took it although a rule of the programme speaks against it.
    `counts_as_authorised_at`: a clerk took it although its date puts it before a version it is to replace; among the
    versions of its slide it counts as authorised then.
    """

    result_id: str
    match_id: str
    result: TestResult
    digest: str
    policy_accepted: bool = False
    counts_as_authorised_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class UndoneFact:
    """That match was taken back, whenever it is or was made."""

    match_id: str


@dataclass(frozen=True, slots=True)
class DischargeFact:
    """Colposcopy discharged her to recall (domain.md 3). `stated_due_on` is the date the clinic named, `due_on` the one
    that counts (never earlier than may be entered). Of two with the same day the one we heard of last counts."""

    fact_id: str
    discharged_on: date
    decided_at: datetime
    stated_due_on: date
    due_on: date
    clinic: str


@dataclass(frozen=True, slots=True)
class DeferredFact:
    """Her next test was put off (domain.md 1.3). `reason` is a key of `mappings/policy/actions.toml`."""

    fact_id: str
    decided_at: datetime
    due_on: date
    reason: str


@dataclass(frozen=True, slots=True)
class CeasedFact:
    """She is not called any more (domain.md 1.3). `reason` is a key of `mappings/policy/actions.toml`."""

    fact_id: str
    decided_at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class ReinstatedFact:
    """She is called again after she was ceased, with this date."""

    fact_id: str
    decided_at: datetime
    due_on: date


class CallStep(Enum):
    """What call and recall does about one due date, in this order (domain.md 1.2). INVITE_NOW is a practice's answer to
    the prior notification list, before the four weeks are over."""

    NOTIFIED = "notified"
    INVITE_NOW = "invite-now"
    INVITED = "invited"
    REMINDED = "reminded"
    NON_RESPONDER = "non-responder"


@dataclass(frozen=True, slots=True)
class StepFact:
    """A step was taken about the due date `about_due_on`. About another due date it says nothing: a result or a
    deferral has gone between."""

    step: CallStep
    taken_on: date
    about_due_on: date


@dataclass(frozen=True, slots=True)
class TakenBackFact:
    """That discharge, deferral, ceasing or reinstating was taken back, whenever it is or was made."""

    fact_id: str


Decision = DischargeFact | DeferredFact | CeasedFact | ReinstatedFact
Fact = ResultFact | UndoneFact | Decision | StepFact | TakenBackFact


def day_of(fact: Decision | StepFact) -> date:
    """The day from which it counts."""
    if isinstance(fact, DischargeFact):
        return fact.discharged_on
    return fact.taken_on if isinstance(fact, StepFact) else day_in_england(fact.decided_at)
