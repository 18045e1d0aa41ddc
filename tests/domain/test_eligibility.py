"""Every line of eligibility.csv: who may be tested on a day, and why not."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import pytest

from hub.domain.call import Entry
from hub.domain.eligibility import eligibility
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
