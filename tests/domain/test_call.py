"""Whole lives: tests, decisions and steps in any order of arrival, any of them twice, some taken back."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, time, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from hub.domain.call import CEASED, SUSPENDED, Entry, first_call_due_on
from hub.domain.facts import (
    CallStep,
    CeasedFact,
    DeferredFact,
    DischargeFact,
    Fact,
    ReinstatedFact,
    StepFact,
    TakenBackFact,
)
from hub.domain.record import Record, fold
from tests.domain.histories import BORN, POLICIES, jumbled
from tests.domain.test_record import DAYS, result_facts

ENTRY = Entry(BORN, date(2021, 9, 1))
DUE = st.one_of(st.just(ENTRY.next_test_due_on), DAYS)
TIMES = st.builds(lambda day, hour: datetime.combine(day, time(hour), UTC), DAYS, st.sampled_from([9, 15]))
NAMES = st.integers(1, 6).map(lambda number: f"d{number}")
REASONS = st.sampled_from(["informed-choice", "no-cervix", "age-manual"])
DECISIONS = st.one_of(
    st.builds(DischargeFact, NAMES, DAYS, TIMES, DUE, DUE, st.just("clinic")),
    st.builds(DeferredFact, NAMES, TIMES, DUE, st.sampled_from(["pregnancy", "wish"])),
    st.builds(CeasedFact, NAMES, TIMES, REASONS),
    st.builds(ReinstatedFact, NAMES, TIMES, DUE),
)
STEPS = st.builds(StepFact, st.sampled_from(CallStep), DAYS, DUE)
LIVES = st.lists(st.one_of(result_facts(), DECISIONS, STEPS, STEPS, st.builds(TakenBackFact, NAMES)), max_size=14)


def folded(facts: list[Fact]) -> Record:
    return fold(ENTRY, facts, POLICIES)


@given(LIVES, st.randoms(use_true_random=False), st.lists(st.integers(0, 13), max_size=5))
@settings(max_examples=400)
def test_any_order_and_any_repetition_gives_the_same_record(
    facts: list[Fact], chance: random.Random, again: list[int]
) -> None:
    assert folded(jumbled(facts, chance, again)) == folded(facts)


@given(LIVES)
def test_what_was_taken_back_never_was(facts: list[Fact]) -> None:
    gone = {fact.fact_id for fact in facts if isinstance(fact, TakenBackFact)}
    left = [fact for fact in facts if getattr(fact, "fact_id", None) not in gone]
    assert folded(facts) == folded(left)


@given(LIVES)
def test_nobody_is_called_who_is_suspended_or_ceased_and_everybody_else_with_a_date_is(facts: list[Fact]) -> None:
    record = folded(facts)
    if record.recall_type in (CEASED, SUSPENDED):
        assert record.next_test_due_on is None
    assert (record.next_step is None) == (record.next_test_due_on is None)
    assert bool(record.call.ceased) == (record.recall_type == CEASED)


@given(LIVES)
def test_doing_what_is_next_goes_on_and_comes_to_an_end(facts: list[Fact]) -> None:
    """The daily run of the years after all this takes each step once, on its day or the day it is caught up, and a step
    that was just taken is never the next again on the same day."""
    record, today = folded(facts), date(2028, 1, 1)
    for _ in range(10):
        if (step := record.next_step) is None:
            return
        assert record.next_test_due_on is not None
        today = max(today, step.on)
        facts = [*facts, StepFact(step.step, today, record.next_test_due_on)]
        after = folded(facts)
        assert after.next_step is None or after.next_step.step is not step.step
        record = after


def test_a_first_call_invites_at_24_and_a_half() -> None:
    born_on = date(2004, 5, 14)
    due_on = first_call_due_on(born_on, POLICIES.call)
    assert due_on - timedelta(weeks=POLICIES.call.invite_weeks_before) == date(2028, 11, 13)
