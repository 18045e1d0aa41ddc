"""A life told step by step, as the hub lives it: reports, corrections, decisions, what is taken back, and nights.

After each step the record is the same in any order, what was taken back never was, and nobody waits silently."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from hub.domain.call import CEASED, SUSPENDED, Entry
from hub.domain.codes import COMBINATIONS
from hub.domain.events import TestResult, Version
from hub.domain.facts import (
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
from hub.domain.record import Record, fold
from tests.domain.histories import BORN, POLICIES

ENTRY = Entry(BORN, date(2025, 9, 1))
CODES = st.sampled_from(sorted(COMBINATIONS))
WEEKS = st.integers(11, 160)


class Life(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.today = date(2025, 6, 1)
        self.facts: list[Fact] = []
        self.results: dict[str, ResultFact] = {}  # by match: those that stand
        self.decisions: dict[str, Fact] = {}  # those that stand
        self.made = 0

    def name(self) -> str:
        self.made += 1
        return f"n{self.made}"

    def now(self) -> datetime:
        return datetime.combine(self.today, time(12), UTC) + timedelta(seconds=self.made)

    def record(self) -> Record:
        return fold(ENTRY, self.facts, POLICIES)

    def put(self, fact: ResultFact) -> None:
        self.facts.append(fact)
        self.results[fact.match_id] = fact

    def decide(self, fact: DischargeFact | DeferredFact | CeasedFact | ReinstatedFact) -> None:
        self.facts.append(fact)
        self.decisions[fact.fact_id] = fact

    @rule(days=st.integers(1, 150))
    def time_passes(self, days: int) -> None:
        self.today += timedelta(days=days)

    @rule(codes=CODES, accepted=st.booleans())
    def a_report_comes(self, codes: tuple[str, bool], accepted: bool) -> None:
        (letters, self_sample), name = codes, self.name()
        result = TestResult(
            "61234", name, self.today - timedelta(days=8), self.now(), *letters, self_sample=self_sample,
            source_type="1",
        )  # fmt: skip
        self.put(ResultFact(f"r{name}", f"m{name}", result, name, policy_accepted=accepted))

    @precondition(lambda self: self.results)
    @rule(data=st.data(), version=st.sampled_from([Version.CORRECTED, Version.WITHDRAWN]), codes=CODES)
    def it_is_corrected_or_withdrawn(self, data: st.DataObject, version: Version, codes: tuple[str, bool]) -> None:
        before, name = data.draw(st.sampled_from(list(self.results.values()))).result, self.name()
        letters, self_sample = codes
        said = dict(zip(("result_code", "infection_code", "action_code"), letters, strict=True))
        after = replace(before, version=version, authorised_at=self.now(), self_sample=self_sample, **said)
        self.put(ResultFact(f"r{name}", f"m{name}", after, name))

    @precondition(lambda self: self.results)
    @rule(data=st.data(), again=st.booleans())
    def a_match_is_undone(self, data: st.DataObject, again: bool) -> None:
        fact = self.results.pop(data.draw(st.sampled_from(list(self.results))))
        self.facts.append(UndoneFact(fact.match_id))
        if again:
            self.put(replace(fact, match_id=f"m{self.name()}"))

    @rule(weeks=WEEKS)
    def colposcopy_discharges_her(self, weeks: int) -> None:
        due_on = self.today + timedelta(weeks=weeks)
        self.decide(DischargeFact(self.name(), self.today, self.now(), due_on, due_on, "RZZ42"))

    @rule(weeks=WEEKS)
    def she_is_put_off(self, weeks: int) -> None:
        self.decide(DeferredFact(self.name(), self.now(), self.today + timedelta(weeks=weeks), "wish"))

    @rule(reason=st.sampled_from(["informed-choice", "no-cervix"]))
    def she_is_ceased(self, reason: str) -> None:
        self.decide(CeasedFact(self.name(), self.now(), reason))

    @rule(weeks=WEEKS)
    def she_is_reinstated(self, weeks: int) -> None:
        self.decide(ReinstatedFact(self.name(), self.now(), self.today + timedelta(weeks=weeks)))

    @precondition(lambda self: self.decisions)
    @rule(data=st.data())
    def a_decision_is_taken_back(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(list(self.decisions)))
        del self.decisions[name]
        self.facts.append(TakenBackFact(name))

    @rule()
    def a_night_passes(self) -> None:
        """What the daily run does about her."""
        self.today += timedelta(days=1)
        record = self.record()
        if record.next_step and record.next_step.on <= self.today:
            assert record.next_test_due_on is not None
            self.facts.append(StepFact(record.next_step.step, self.today, record.next_test_due_on))
            after = self.record().next_step
            assert after is None or after.on > self.today or after.step is not record.next_step.step

    @invariant()
    def any_order_and_any_repetition_gives_the_same_record(self) -> None:
        jumbled = [*self.facts, *self.facts[::3]]
        random.Random(len(self.facts)).shuffle(jumbled)
        assert fold(ENTRY, jumbled, POLICIES) == self.record()

    @invariant()
    def what_was_taken_back_never_was(self) -> None:
        steps = [fact for fact in self.facts if isinstance(fact, StepFact)]
        assert fold(ENTRY, [*self.results.values(), *self.decisions.values(), *steps], POLICIES) == self.record()

    @invariant()
    def nobody_waits_silently(self) -> None:
        record = self.record()
        assert record.next_step or record.recall_type in (SUSPENDED, CEASED)
        assert bool(record.call.ceased) == (record.recall_type == CEASED)


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
