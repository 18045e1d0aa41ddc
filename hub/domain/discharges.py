"""Whether a clinic's discharge may go on a person's record by itself, and the date that counts (domain.md 3)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime

from hub.domain.actions import earliest_due_on
from hub.domain.call import BY_AGE, CEASED, Entry
from hub.domain.codes import RECORD_ONLY, SUSPEND
from hub.domain.dates import add_months, months_of_age, spoken
from hub.domain.events import Discharge
from hub.domain.facts import DischargeFact, Fact, StepFact, TakenBackFact
from hub.domain.policy import DischargeSettings, Policies
from hub.domain.record import OnRecord, Record, fold
from hub.errors import Reason

DEATH = "death"
"""The reason for ceasing somebody who has died (`mappings/actions.toml`)."""
_LAST = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Objection:
    """What speaks against a discharge. `hint` holds dates, nothing personal."""

    reason: Reason
    hint: str = ""


def date_that_counts(discharge: Discharge, on: date, policies: Policies) -> date:
    """The clinic's date is the authority; but nobody is called before the earliest date that may be entered."""
    return max(discharge.next_test_due_on, earliest_due_on(on, policies.call))


def is_on_record(discharge: Discharge, facts: Iterable[Fact]) -> bool:
    """Whether her record holds it already: the same day of discharge, the same date of the clinic's."""
    facts = list(facts)
    taken_back = {fact.fact_id for fact in facts if isinstance(fact, TakenBackFact)}
    said = (discharge.discharged_on, discharge.next_test_due_on)
    return any(
        (fact.discharged_on, fact.stated_due_on) == said
        for fact in facts
        if isinstance(fact, DischargeFact) and fact.fact_id not in taken_back
    )


def objection(discharge: Discharge, entry: Entry, facts: Iterable[Fact], policies: Policies) -> Objection | None:
    """What first speaks against it, the gravest first."""
    facts = list(facts)
    record = fold(entry, facts, policies)
    return (
        _of_the_person(discharge, entry, record, policies)
        or _of_the_date(discharge, policies.discharge)
        or _of_her_results(discharge, record, policies.discharge)
        or _of_later_decisions(discharge, entry, facts, policies)
    )


def date_problem(discharge: Discharge, due_on: date, on: date, policies: Policies) -> str:
    """Why a clerk may not enter this date, and what to do; empty where it may be entered."""
    earliest, latest = earliest_due_on(on, policies.call), _latest(discharge, policies.discharge)
    if due_on < earliest:
        return f"The date is too early: the earliest is {spoken(earliest)}."
    if due_on > latest:
        return f"The date is too late: the latest is {spoken(latest)}."
    return ""


def _of_the_person(discharge: Discharge, entry: Entry, record: Record, policies: Policies) -> Objection | None:
    ceased = record.call.ceased
    if ceased == DEATH:
        return Objection(Reason.DISCHARGE_OF_DECEASED)
    if ceased == BY_AGE:
        return Objection(Reason.DISCHARGE_NOT_ELIGIBLE, "She is over the age of screening, and nothing is followed up.")
    if record.recall_type == CEASED:
        return Objection(Reason.DISCHARGE_OF_CEASED, f"The reason is {ceased}.")
    if months_of_age(entry.date_of_birth, discharge.discharged_on) < policies.call.eligible_from_age_months:
        return Objection(Reason.DISCHARGE_NOT_ELIGIBLE, "She is too young to be called.")
    return None


def _of_the_date(discharge: Discharge, settings: DischargeSettings) -> Objection | None:
    due_on, latest = discharge.next_test_due_on, _latest(discharge, settings)
    if due_on > latest:
        return Objection(Reason.DISCHARGE_DATE, f"The latest is {spoken(latest)}.")
    if due_on <= discharge.discharged_on:
        return Objection(Reason.DISCHARGE_DATE, "It is no later than the day of discharge.")
    return None


def _of_her_results(discharge: Discharge, record: Record, settings: DischargeSettings) -> Objection | None:
    telling = [kept for kept in record.results if kept.result.action_code != RECORD_ONLY]
    if not telling:
        return None
    last = telling[-1]
    if last.result.test_on > discharge.discharged_on:
        return Objection(Reason.DISCHARGE_OVERTAKEN, f"The test was taken on {spoken(last.result.test_on)}.")
    if _disagrees(discharge, last, settings):
        assert last.months is not None
        due_on = add_months(last.result.test_on, last.months)
        hint = f"By the test of {spoken(last.result.test_on)} the next is due on {spoken(due_on)}."
        return Objection(Reason.DISCHARGE_DISAGREES, hint)
    return None


def _of_later_decisions(discharge: Discharge, entry: Entry, facts: list[Fact], policies: Policies) -> Objection | None:
    """A deferral or a reinstating that came after the discharge: her date is what that says, not the clinic's."""
    stated = discharge.next_test_due_on
    applied = DischargeFact("proposed", discharge.discharged_on, _LAST, stated, stated, discharge.clinic_code)
    others = [fact for fact in facts if not isinstance(fact, DischargeFact | StepFact)]
    stands = fold(entry, [*others, applied], policies).next_test_due_on
    if stands in (None, stated):
        return None
    return Objection(Reason.DISCHARGE_OVERTAKEN, f"A decision taken later sets her date: {spoken(stands)}.")


def _disagrees(discharge: Discharge, last: OnRecord, settings: DischargeSettings) -> bool:
    """Whether a test of not long before the discharge set a date that is far from the clinic's. A test that referred
    her set none."""
    tested_on = last.result.test_on
    if last.result.action_code == SUSPEND or last.months is None:
        return False
    if add_months(tested_on, settings.result_counts_months) < discharge.discharged_on:
        return False
    due_on, stated = add_months(tested_on, last.months), discharge.next_test_due_on
    apart = settings.disagreement_months
    return not add_months(due_on, -apart) <= stated <= add_months(due_on, apart)


def _latest(discharge: Discharge, settings: DischargeSettings) -> date:
    return add_months(discharge.discharged_on, settings.at_most_months)
