"""Whether a person may be tested on a day: the sample taker's question, and the laboratory's early-sample rule."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from hub.domain.call import BY_AGE, CALLED, CEASED, INADEQUATE, REPEAT_ADVISED, ROUTINE_RECALL, SUSPENDED, Entry
from hub.domain.dates import add_months, reaches_age_on, spoken
from hub.domain.facts import Fact
from hub.domain.policy import Policies
from hub.domain.record import Record, fold


@dataclass(frozen=True, slots=True)
class Eligibility:
    """`why` is a sentence for the person who asks; `rule` is stable. `since` is the day from which it holds, where it
    is known; `next_on` her next test due date."""

    eligible: bool
    rule: str
    why: str
    since: date | None
    next_on: date | None


def eligibility(entry: Entry, facts: list[Fact], policies: Policies, on: date) -> Eligibility:
    """Whether a screening test of her may be taken on that day."""
    record = fold(entry, facts, policies)
    found = _by_state(record, entry, policies, on)
    return found or _by_date(record, policies, on)


def _by_state(record: Record, entry: Entry, policies: Policies, on: date) -> Eligibility | None:
    """What speaks against any test, whatever its date."""
    kind, due_on = record.recall_type, record.next_test_due_on
    if kind == CEASED and record.call.ceased != BY_AGE:
        return Eligibility(False, "ceased", f"She is ceased ({record.call.ceased}).", None, None)
    if kind == CEASED:
        return Eligibility(
            False, "over-age", "She is over the age of screening, and nothing is followed up.", None, None
        )
    if kind == SUSPENDED:
        return Eligibility(False, "colposcopy", "She is under the care of colposcopy.", None, None)
    first_on = reaches_age_on(entry.date_of_birth, policies.call.eligible_from_age_months)
    if on < first_on:
        return Eligibility(False, "under-age", f"She is first called when she is 24 and a half, on {spoken(first_on)}.",
                           None, due_on)  # fmt: skip
    return None


def _by_date(record: Record, policies: Policies, on: date) -> Eligibility:
    due_on = record.next_test_due_on
    if due_on is None:
        return Eligibility(True, "no-date", "She has no date: she may be tested.", None, None)
    if record.recall_type in (REPEAT_ADVISED, INADEQUATE):
        earliest, what = due_on, "A repeat is advised, and not before its date"
    else:
        assert record.recall_type in (ROUTINE_RECALL, CALLED)
        earliest = add_months(due_on, -policies.call.early_sample_months)
        what = f"On routine recall a sample is taken at most {policies.call.early_sample_months} months early"
    if on < earliest:
        return Eligibility(False, "too-early", f"{what}: from {spoken(earliest)} on.", None, due_on)
    return Eligibility(True, "due", f"Her test is due on {spoken(due_on)}.", earliest, due_on)
