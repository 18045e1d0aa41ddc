"""Histories written shortly, as in the case tables (see README.md beside this file)."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from hub.domain.events import TestResult, Version
from hub.domain.record import ResultFact
from hub.mapping.policy import load_policies

POLICY_DIRECTORY = Path(__file__).parents[2] / "mappings" / "policy"
POLICIES = load_policies(POLICY_DIRECTORY)
BORN = date(1990, 5, 14)
_ISSUED_AFTER = {Version.FINAL: 8, Version.CORRECTED: 10, Version.WITHDRAWN: 12}


def a_result(text: str, slide: str = "24000001") -> TestResult:
    """One report: `2025-03-06 29R 12 self slide=24000007`."""
    day, codes, *words = text.split()
    named = dict(word.split("=") for word in words if "=" in word)
    version = next((each for each in Version if each.value in words), Version.FINAL)
    test_on = date.fromisoformat(day)
    issued_on = date.fromisoformat(named["issued"]) if "issued" in named else test_on + _issued_after(version)
    return TestResult(
        laboratory_code="61234",
        slide_number=named.get("slide", slide),
        test_on=test_on,
        authorised_at=datetime.combine(issued_on, time(12), UTC),
        result_code=codes[0],
        infection_code=codes[1],
        action_code=codes[2],
        repeat_months=next((int(word) for word in words if word.isdigit()), None),
        self_sample="self" in words,
        version=version,
        source_type="7" if "colposcopy" in words else "1",
    )


def a_fact(text: str, name: str = "r1") -> ResultFact:
    """One report on the record; result and match are named after `name`."""
    result = a_result(text, slide=f"24{name[1:]:0>6}")
    return ResultFact(name, f"match-{name}", result, f"digest-{name}", policy_accepted="accepted" in text.split())


def a_history(text: str) -> list[ResultFact]:
    """Reports separated by ` / `, named r1, r2 and so on."""
    return [a_fact(each.strip(), f"r{number}") for number, each in enumerate(text.split("/"), start=1) if each.strip()]


def _issued_after(version: Version) -> timedelta:
    return timedelta(days=_ISSUED_AFTER[version])
