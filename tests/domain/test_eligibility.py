"""Every line of eligibility.csv: who may be tested on a day, and why not."""

from __future__ import annotations

import csv
from datetime import date, timedelta
from pathlib import Path

import pytest

from hub.domain.call import Entry
from hub.domain.dates import months_of_age, reaches_age_on, spoken
from hub.domain.eligibility import Eligibility, eligibility
from tests.domain.histories import POLICIES, a_history

TABLE = Path(__file__).parent / "eligibility" / "eligibility.csv"


def cases() -> list[object]:
    with TABLE.open(encoding="utf-8", newline="") as lines:
        return [pytest.param(case, id=case["case"]) for case in csv.DictReader(lines)]


@pytest.mark.parametrize("case", cases())
def test_case(case: dict[str, str]) -> None:
    due = date.fromisoformat(case["entered due"]) if case["entered due"] else None
    entry = Entry(date.fromisoformat(case["born"]), due)
    found = eligibility(entry, a_history(case["history"]), POLICIES, date.fromisoformat(case["on"]))
    assert (found.eligible, found.rule, str(found.next_on or "-")) == (
        case["eligible"] == "yes",
        case["rule"],
        case["next"],
    )
    assert found.why.endswith(".")


@pytest.mark.parametrize("born_on", [date(2001, 8, 31), date(2000, 2, 29), date(2001, 3, 14)])
def test_from_the_day_that_is_named_she_may_be_tested(born_on: date) -> None:
    """Also where that month lacks the day on which she was born: half a year after 31 August is 1 March."""

    def on(day: date) -> Eligibility:
        return eligibility(Entry(born_on, date(2020, 1, 1)), [], POLICIES, day)

    first = reaches_age_on(born_on, POLICIES.call.eligible_from_age_months)
    before = on(first - timedelta(days=1))
    assert (before.rule, before.why) == (
        "under-age",
        f"She is first called when she is 24 and a half, on {spoken(first)}.",
    )
    assert on(first).eligible
    assert months_of_age(born_on, first) == POLICIES.call.eligible_from_age_months
