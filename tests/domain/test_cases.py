"""Every line of the case tables beside this file (see README.md): history in, record, letter and alerts out."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from hub.domain.call import Entry
from hub.domain.letters import LetterDue, letters_due
from hub.domain.policy import Pivot, Policies
from hub.domain.record import Record, fold
from tests.domain.histories import POLICIES, a_history

TABLES = sorted(Path(__file__).parent.glob("*.csv"))
Case = dict[str, str]


def cases() -> list[object]:
    found: list[object] = []
    for table in TABLES:
        with table.open(encoding="utf-8", newline="") as lines:
            found += [pytest.param(case, id=f"{table.stem}: {case['case']}") for case in csv.DictReader(lines)]
    return found


def the_policies(case: Case) -> Policies:
    return replace(POLICIES, pivot=Pivot(case["pivot"])) if case["pivot"] else POLICIES


def the_record(case: Case) -> Record:
    entered_due = date.fromisoformat(case["entered due"]) if case["entered due"] else None
    joined = date.fromisoformat(case["joined"]) if case.get("joined") else None
    entry = Entry(date.fromisoformat(case["born"]), entered_due, joined_on=joined, **as_told(case))
    return fold(entry, a_history(case["history"]), the_policies(case))


def as_told(case: Case) -> dict[str, Any]:
    """What the register says of her today: gender; death, on a day or none; removal, since a day or none."""
    deceased, _, died = case.get("death", "").partition(" ")
    removal, _, since = case.get("removal", "").partition(" ")
    return {
        "gender": case.get("gender", ""),
        "deceased": bool(deceased),
        "died_on": date.fromisoformat(died) if died else None,
        "removal": removal,
        "removed_on": date.fromisoformat(since) if since else None,
    }


def the_letter(case: Case, record: Record) -> str:
    if not record.results:
        return "-"
    ten_days_after = record.results[-1].result.test_on + timedelta(days=10)
    day = date.fromisoformat(case["letter day"]) if case["letter day"] else ten_days_after
    newest = letters_due(record, the_policies(case), day)[-1]
    return newest.code if isinstance(newest, LetterDue) else f"none: {newest.rule}"


def the_call(record: Record) -> dict[str, str]:
    step = record.next_step
    return {
        "status": record.call.status,
        "ceased": record.call.ceased or "-",
        "non-responses": str(record.call.non_responses),
        "next step": f"{step.on} {step.step.value}" if step else "-",
    }


def the_alerts(record: Record) -> str:
    tested = {kept.result_id: kept.result.test_on for kept in record.results}
    return " / ".join(f"{tested[alert.result_id]} {alert.reason.code}" for alert in record.alerts) or "-"


@pytest.mark.parametrize("case", cases())
def test_case(case: Case) -> None:
    record = the_record(case)
    found = the_call(record) if "next step" in case else {}
    found |= {
        "recall type": record.recall_type,
        "next test due": str(record.next_test_due_on or "-"),
        "policy": record.policy or "-",
        "letter": the_letter(case, record),
        "alert": the_alerts(record),
    }
    assert found == {column: case[column] for column in found}


def test_the_tables_hold_cases() -> None:
    assert {table.stem for table in TABLES} >= {"recall", "rules", "versions", "letters", "call"}
    assert len(cases()) > 90
