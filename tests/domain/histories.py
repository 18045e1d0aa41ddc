"""Histories written shortly, as in the case tables (see README.md beside this file)."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from hub.domain.events import TestResult, Version
from hub.domain.facts import (
    CallStep,
    CeasedFact,
    DeferredFact,
    DischargeFact,
    Fact,
    ReinstatedFact,
    ResultFact,
    StepFact,
    TakenBackFact,
)
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


def a_history(text: str) -> list[Fact]:
    """Facts separated by ` / `; reports are named r1, r2 and so on, decisions d1, d2."""
    pieces = [each.strip() for each in text.split("/") if each.strip()]
    return [_any_fact(each, number) for number, each in enumerate(pieces, start=1)]


def _any_fact(text: str, number: int) -> Fact:
    day, word, *rest = text.split()
    on, name = date.fromisoformat(day), f"d{number}"
    at = datetime.combine(on, time(12), UTC) + timedelta(minutes=number)
    if word == "discharged":
        return DischargeFact(name, on, at, date.fromisoformat(rest[0]), date.fromisoformat(rest[0]), "clinic")
    if word == "deferred":
        return DeferredFact(name, at, date.fromisoformat(rest[0]), rest[1])
    if word == "ceased":
        return CeasedFact(name, at, rest[0])
    if word == "reinstated":
        return ReinstatedFact(name, at, date.fromisoformat(rest[0]))
    if word in {step.value for step in CallStep}:
        return StepFact(CallStep(word), on, date.fromisoformat(rest[0]))
    return TakenBackFact(rest[0]) if word == "taken-back" else a_fact(text, f"r{number}")


def _issued_after(version: Version) -> timedelta:
    return timedelta(days=_ISSUED_AFTER[version])


def jumbled(facts: list[Fact], chance: random.Random, again: list[int]) -> list[Fact]:
    """The facts in another order, those at the places `again` twice."""
    shuffled = [*facts, *(facts[index] for index in again if index < len(facts))]
    chance.shuffle(shuffled)
    return shuffled
