"""Order makes no difference, in numbers: seeded random lives, folded as they were lived and jumbled.

HUB_TEST_ALL=1 folds 100,000 of them.
"""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from random import Random

from hub.domain.call import SUSPENDED, Entry
from hub.domain.codes import COMBINATIONS
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
    UndoneFact,
)
from hub.domain.record import fold
from tests.domain.histories import POLICIES, jumbled

HISTORIES = 100_000 if os.environ.get("HUB_TEST_ALL") else 150
CODES = sorted(COMBINATIONS)
REASONS = ("informed-choice", "no-cervix", "mental-capacity")


def a_life(chance: Random) -> tuple[Entry, list[Fact]]:
    """What was known when she came, and five to forty facts in the order in which they came to be."""
    born_on = date(chance.randrange(1955, 2001), chance.randrange(1, 13), chance.randrange(1, 29))
    came_due = date(2015, 1, 1) + timedelta(days=chance.randrange(2000)) if chance.random() < 0.7 else None
    entry = Entry(born_on, came_due, joined_on=date(2015, 1, 1))
    today, facts = date(2015, 1, 1), list[Fact]()
    for number in range(chance.randrange(5, 41)):
        today += timedelta(days=chance.randrange(0, 160))
        facts.append(_a_fact(chance, today, number, facts, entry))
    return entry, facts


def _a_fact(chance: Random, today: date, number: int, facts: list[Fact], entry: Entry) -> Fact:
    name, at = f"{number}", datetime.combine(today, time(chance.choice((9, 15))), UTC)
    due_on = today + timedelta(days=chance.randrange(71, 1100))
    kind = chance.choices(("report", "version", "undone", "step", "decision", "taken back"), (34, 12, 6, 32, 12, 4))[0]
    results = [fact for fact in facts if isinstance(fact, ResultFact)]
    if kind == "step":
        so_far = fold(entry, facts, POLICIES)
        about = so_far.next_test_due_on or due_on
        step = so_far.next_step.step if so_far.next_step and chance.random() < 0.8 else chance.choice(list(CallStep))
        return StepFact(step, today, about)
    if kind == "decision":
        return chance.choice(
            (
                DischargeFact(name, today, at, due_on, due_on, "clinic"),
                DeferredFact(name, at, due_on, "wish"),
                CeasedFact(name, at, chance.choice(REASONS)),
                ReinstatedFact(name, at, due_on),
            )
        )
    if kind == "taken back":
        return TakenBackFact(f"{chance.randrange(number + 1)}")
    if kind == "undone" and results:
        return UndoneFact(chance.choice(results).match_id)
    if kind == "version" and results:
        before = chance.choice(results)
        version = chance.choice((Version.CORRECTED, Version.CORRECTED, Version.WITHDRAWN))
        result = replace(_a_result(chance, today, before.result.slide_number), version=version, authorised_at=at)
        return ResultFact(f"r{name}", f"m{name}", replace(result, test_on=before.result.test_on), f"d{name}")
    return ResultFact(f"r{name}", f"m{name}", _a_result(chance, today, name), f"d{name}", chance.random() < 0.2)


def _a_result(chance: Random, today: date, slide: str) -> TestResult:
    letters, self_sample = chance.choice(CODES)
    return TestResult(
        laboratory_code=chance.choice(("61234", "61235")),
        slide_number=slide,
        test_on=today - timedelta(days=chance.randrange(6, 13)),
        authorised_at=datetime.combine(today, time(12), UTC),
        result_code=letters[0],
        infection_code=letters[1],
        action_code=letters[2],
        repeat_months=chance.choice((None, None, None, 3, 12, 36)),
        self_sample=self_sample,
        source_type=chance.choice(("1", "1", "7")),
    )


def test_many_lives_come_out_the_same_in_any_order() -> None:
    for seed in range(HISTORIES):
        chance = Random(seed)
        entry, facts = a_life(chance)
        again = [chance.randrange(len(facts)) for _ in range(5)]
        record = fold(entry, facts, POLICIES)
        assert fold(entry, jumbled(facts, chance, again), POLICIES) == record, f"seed {seed}"
        assert bool(record.referred_on) == (record.recall_type == SUSPENDED), f"seed {seed}"
