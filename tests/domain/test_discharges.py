"""Every line of discharges.csv: what becomes of a discharge, and the date that counts."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import pytest

from hub.domain.call import Entry
from hub.domain.discharges import date_that_counts, is_on_record, objection
from hub.domain.events import Discharge
from tests.domain.histories import POLICIES, a_history

TABLE = Path(__file__).parent / "discharges" / "discharges.csv"


def cases() -> list[object]:
    with TABLE.open(encoding="utf-8", newline="") as lines:
        return [pytest.param(case, id=case["case"]) for case in csv.DictReader(lines)]


def becomes(case: dict[str, str]) -> tuple[str, str]:
    discharge = Discharge("RZZ42", date.fromisoformat(case["discharged"]), date.fromisoformat(case["clinic's date"]))
    entry, facts = Entry(date.fromisoformat(case["born"]), None), a_history(case["history"])
    if is_on_record(discharge, facts):
        return "repeated", ""
    if against := objection(discharge, entry, facts, POLICIES):
        return against.reason.code, ""
    return "applied", str(date_that_counts(discharge, date.fromisoformat(case["on"]), POLICIES))


@pytest.mark.parametrize("case", cases())
def test_case(case: dict[str, str]) -> None:
    assert becomes(case) == (case["becomes"], case["counts"])
