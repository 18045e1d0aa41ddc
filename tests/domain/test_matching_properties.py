"""What holds of every decision, over seeded people and thousands of spoilt claims (the short form of the bench)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.simulators.people import (
    DEFAULT_ON,
    PeopleMaker,
    postcodes_for,
    synthetic_cohort,
    synthetic_population,
)
from hub.domain import names, nhs_number
from hub.domain.matching import decide
from hub.domain.people import Claim
from tests.bench.claims import Case, World, truthful
from tests.bench.confusions import SPOILT
from tests.bench.matching import Index, Report, run

PAIRS = 5_000


@lru_cache(1)
def _report() -> Report:
    return run(PAIRS, seed=11, cohort=8_000)


def test_no_wrong_automatic_match_and_most_clean_ones_automatic() -> None:
    report = _report()
    assert sum(row.claims for row in report.spoilt) >= PAIRS
    assert report.wrong == 0
    assert report.clean_automatic >= 0.9
    assert report.spoilt_found >= 0.98


def test_the_bench_can_see_a_wrong_match() -> None:
    """Were the rules looser, the same claims would be matched wrongly: namesakes elsewhere look like movers."""
    assert _report().if_moved["wrong"] > 0


@lru_cache(1)
def _world() -> tuple[World, Index]:
    population = synthetic_population(3_000, 5)
    return World.of(population, 5), Index(population.participants)


def _case(kind: str, seed: int) -> Case | None:
    world = _world()[0]
    world.outside = PeopleMaker(seed, DEFAULT_ON, postcodes_for(3_000), number_range="998")
    return SPOILT[kind][1](world, Random(seed))


cases = st.builds(_case, st.sampled_from(sorted(SPOILT)), st.integers(0, 10**6))


@settings(max_examples=150, deadline=None)
@given(cases, st.randoms(use_true_random=False))
def test_the_order_of_the_candidates_does_not_matter(case: Case | None, random: Random) -> None:
    if case is None:
        return
    candidates = _world()[1].candidates(case.claim)
    shuffled = random.sample(candidates, len(candidates))
    assert decide(case.claim, shuffled) == decide(case.claim, candidates[::-1])


@settings(max_examples=300, deadline=None)
@given(cases)
def test_automatic_implies_that_number_birth_date_and_family_name_agree(case: Case | None) -> None:
    if case is None:
        return
    candidates = _world()[1].candidates(case.claim)
    decision = decide(case.claim, candidates)
    assert (decision.kind == "automatic") == (decision.participant_id is not None)
    assert (decision.kind == "unknown") == (not decision.candidates)
    if decision.kind != "automatic":
        return
    chosen = next(person for person in candidates if person.participant_id == decision.participant_id)
    assert nhs_number.is_valid(case.claim.nhs_number or "")
    assert nhs_number.normalise(case.claim.nhs_number or "") == chosen.nhs_number
    assert case.claim.date_of_birth == chosen.date_of_birth
    known = {names.fold(name) for name in (chosen.family_name, *chosen.former_family_names)}
    assert known & {names.fold(name) for name in (case.claim.family_name or "", *case.claim.former_family_names)}


@settings(max_examples=150, deadline=None)
@given(
    st.integers(0, 2_999), st.sampled_from((str.upper, str.lower, str.title)), st.sampled_from(("", " ", "-", "’", "'"))
)
def test_case_accents_hyphens_and_apostrophes_change_nothing(row: int, case: Callable[[str], str], mark: str) -> None:
    person = _world()[0].population.participants[row]
    plain = truthful(person)
    written = replace(plain, family_name=_rewritten(person.family_name, case, mark))
    candidates = _world()[1].candidates(plain)
    assert _world()[1].candidates(written)
    assert decide(written, candidates) == decide(plain, candidates)


def _rewritten(name: str, case: Callable[[str], str], mark: str) -> str:
    return case(name.replace("-", mark).replace("'", mark if mark != " " else "’"))


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=12), st.text(max_size=12), st.text(max_size=12))
def test_any_text_is_taken(number: str, family: str, given_name: str) -> None:
    claim = Claim(number, family, (given_name,), (family,), None, given_name, (family, number), number)
    Index(_world()[0].population.participants[:2]).candidates(claim)
    assert decide(claim, _world()[0].population.participants[:3]).kind in ("unsure", "unknown")


def test_synthetic_people_are_the_same_for_the_same_seed_and_nobody_real() -> None:
    people = synthetic_cohort(2_000, 3)
    assert people == synthetic_cohort(2_000, 3)
    assert people != synthetic_cohort(2_000, 4)
    assert len({person.nhs_number for person in people}) == 2_000
    assert len({person.participant_id for person in people}) == 2_000
    assert all(person.nhs_number.startswith("999") and nhs_number.is_valid(person.nhs_number) for person in people)
    assert all((person.postcode or "").startswith("ZZ") for person in people)
