"""Versions of one slide whose dates contradict what they are, and a clerk's word on them."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from hub.domain.call import Entry
from hub.domain.events import TestResult, Version
from hub.domain.facts import Fact, ResultFact
from hub.domain.record import fold
from hub.domain.versions import is_misdated, place_after, standing
from tests.domain.histories import BORN, POLICIES, a_result

ENTRY = Entry(BORN, date(2026, 9, 1))


@st.composite
def versions(draw: st.DrawFn) -> TestResult:
    """Versions of one slide, few days apart, so that ties and contradictions are frequent."""
    result = a_result(f"2026-01-05 {draw(st.sampled_from(['X0A', '39S', '29R']))} issued=2026-01-10")
    issued_at = result.authorised_at + timedelta(days=draw(st.integers(0, 3)))
    return replace(result, version=draw(st.sampled_from(Version)), authorised_at=issued_at)


def a_fact(result: TestResult, number: int, counts_as: datetime | None = None) -> ResultFact:
    return ResultFact(f"r{number}", f"m{number}", result, f"d{number}", counts_as_authorised_at=counts_as)


def placed(results: list[TestResult]) -> list[Fact]:
    """What a clerk makes of versions that come in this order, when each is matched as it comes."""
    facts: list[Fact] = []
    for number, result in enumerate(results):
        facts.append(a_fact(result, number, place_after(result, standing(facts, result))))
    return facts


@given(versions(), versions())
def test_a_first_report_and_its_correction_contradict_each_other_in_either_order(
    one: TestResult, other: TestResult
) -> None:
    first, correction = replace(one, version=Version.FINAL), other
    if correction.version is not Version.FINAL:
        assert is_misdated(first, a_fact(correction, 1)) == is_misdated(correction, a_fact(first, 1))


@given(versions(), versions())
def test_of_two_versions_that_differ_the_later_to_come_is_effective_or_corrected_since_or_asked_about(
    one: TestResult, other: TestResult
) -> None:
    stands = a_fact(one, 1)
    if not is_misdated(other, stands) and standing([stands, a_fact(other, 2)], one) == stands:
        says_the_same = replace(one, version=other.version, authorised_at=other.authorised_at) == other
        withdrawn = one.version is other.version is Version.WITHDRAWN
        late = one.authorised_at >= other.authorised_at and one.version is not Version.FINAL
        first = other.version is Version.FINAL  # another first report is a duplicate before it comes to this
        assert says_the_same or withdrawn or late or first


@given(st.lists(versions(), min_size=1, max_size=5))
def test_what_a_clerk_matches_counts_unless_it_was_corrected_since(results: list[TestResult]) -> None:
    before = placed(results[:-1])
    last, stood = results[-1], standing(before, results[-1])
    now = standing(placed(results), last)
    assert now is not None
    corrected = (
        stood is not None
        and stood.result.version is not Version.FINAL
        and (stood.result.authorised_at, list(Version).index(stood.result.version))
        > (last.authorised_at, list(Version).index(last.version))
    )
    assert now == (stood if corrected else now)
    assert corrected or now.result_id == f"r{len(results) - 1}"


@given(st.lists(versions(), max_size=6), st.randoms(use_true_random=False))
def test_versions_a_clerk_placed_give_the_same_record_in_any_order(
    results: list[TestResult], chance: random.Random
) -> None:
    facts = placed(results)
    shuffled = [*facts, *facts[:2]]
    chance.shuffle(shuffled)
    assert fold(ENTRY, shuffled, POLICIES) == fold(ENTRY, facts, POLICIES)


def test_what_the_laboratory_issues_after_all_of_them_replaces_what_a_clerk_placed() -> None:
    first, early = a_result("2026-01-05 X0A issued=2026-01-20"), a_result("2026-01-05 39S corrected issued=2026-01-10")
    facts = placed([first, early])
    assert [kept.result.combination for kept in fold(ENTRY, facts, POLICIES).results] == ["39S"]
    later = a_fact(a_result("2026-01-05 29R corrected issued=2026-01-21"), 9)
    assert [kept.result.combination for kept in fold(ENTRY, [*facts, later], POLICIES).results] == ["29R"]
