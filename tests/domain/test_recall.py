from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain.codes import COMBINATIONS
from hub.domain.dates import add_months, day_in_england, months_of_age, spoken
from hub.domain.policy import Pivot, RecallPolicy, RuleSettings
from hub.domain.recall import has_recent_positive, interval
from hub.domain.rules import is_invalid_return_to_routine, is_second_inadequate, is_third_hpv_positive
from tests.domain.histories import BORN, POLICIES, a_history, a_result

OLD, NEW = POLICIES.policies
DAYS = st.dates(date(1930, 1, 1), date(2090, 12, 31))


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        (date(2024, 1, 31), 1, date(2024, 2, 29)),
        (date(2025, 1, 31), 1, date(2025, 2, 28)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2024, 2, 29), 48, date(2028, 2, 29)),
        (date(2025, 11, 30), 3, date(2026, 2, 28)),
        (date(2025, 12, 15), 1, date(2026, 1, 15)),
        (date(2025, 3, 31), -1, date(2025, 2, 28)),
        (date(9999, 6, 1), 60, date.max),
    ],
)
def test_months_are_added_by_the_calendar(day: date, months: int, later: date) -> None:
    assert add_months(day, months) == later


@given(DAYS, st.integers(0, 120), st.integers(0, 120))
def test_more_months_are_never_earlier(day: date, months: int, more: int) -> None:
    assert add_months(day, months) <= add_months(day, months + more)


@pytest.mark.parametrize(
    ("born", "on", "months"),
    [
        (date(1975, 3, 10), date(2025, 3, 9), 599),
        (date(1975, 3, 10), date(2025, 3, 10), 600),
        (date(1972, 2, 29), date(2022, 2, 28), 599),
        (date(1972, 2, 29), date(2022, 3, 1), 600),
        (date(1972, 2, 29), date(2024, 2, 29), 624),
        (date(2000, 8, 31), date(2025, 2, 28), 293),
        (date(2000, 8, 31), date(2025, 3, 1), 294),
        (date(2025, 5, 1), date(2025, 4, 30), -1),
    ],
)
def test_age_in_months(born: date, on: date, months: int) -> None:
    assert months_of_age(born, on) == months


@given(DAYS, st.integers(0, 40_000), st.integers(0, 1_000))
def test_nobody_grows_younger(born: date, days: int, more: int) -> None:
    first, later = (date.fromordinal(born.toordinal() + count) for count in (days, days + more))
    assert 0 <= months_of_age(born, first) <= months_of_age(born, later)


def test_the_day_is_that_of_england() -> None:
    assert day_in_england(datetime(2025, 6, 30, 23, 30, tzinfo=UTC)) == date(2025, 7, 1)
    assert day_in_england(datetime(2025, 12, 31, 23, 30, tzinfo=UTC)) == date(2025, 12, 31)


def test_a_date_is_spoken_in_english() -> None:
    assert spoken(date(2025, 3, 3)) == "3 March 2025"


def test_the_pivot_by_authorised_date_begins_at_midnight_in_england() -> None:
    by_authorised = replace(POLICIES, pivot=Pivot.AUTHORISED_DATE)
    before = datetime(2025, 6, 30, 22, 59, tzinfo=UTC)
    assert by_authorised.in_force(date(2025, 6, 25), before) is OLD
    assert by_authorised.in_force(date(2025, 6, 25), before.replace(hour=23)) is NEW


@given(st.sampled_from(sorted(COMBINATIONS)), st.dates(date(2014, 6, 1), date(2060, 1, 1)))
def test_every_valid_result_that_sets_a_date_gets_allowed_months(key: tuple[str, bool], test_on: date) -> None:
    codes, self_sample = key
    result = a_result(f"{test_on} {codes}{' self' if self_sample else ''}")
    found = interval(result, (), BORN, POLICIES.in_force(test_on, result.authorised_at), POLICIES)
    assert found.allowed
    assert (found.months is None) == (codes[-1] in "SH")


@given(st.sampled_from(sorted(COMBINATIONS)), st.sampled_from([OLD, NEW]), st.integers(0, 900), st.booleans())
def test_the_policies_own_months_are_always_allowed(
    key: tuple[str, bool], policy: RecallPolicy, age: int, recent: bool
) -> None:
    row = policy.row(*key, age, recent)
    assert (row is None) == (key[0][-1] in "SH")
    assert row is None or row.months in row.allowed


# ---- settings: each alternative does what its comment in settings.toml says


def rules(**changes: object) -> RuleSettings:
    return replace(POLICIES.rules, **changes)  # type: ignore[arg-type]  # names and types stand in each test


def test_annual_recall_may_be_allowed_for_routine_results_of_clinicians_only() -> None:
    annual = replace(POLICIES, rules=rules(annual_recall_allowed=True))
    assert interval(a_result("2025-09-09 X0A 12"), (), BORN, NEW, annual).allowed
    assert not interval(a_result("2025-09-09 X0A 13"), (), BORN, NEW, annual).allowed
    assert not interval(a_result("2025-09-09 X0A 12 self"), (), BORN, NEW, annual).allowed
    assert not interval(a_result("2025-09-09 XUR 12"), (), BORN, NEW, annual).allowed


def test_inadequate_tests_may_count_among_the_hpv_positive() -> None:
    history = [fact.result for fact in a_history("2023-09-01 29R / 2024-09-02 19R / 2025-09-03 29R")]
    assert not is_third_hpv_positive(history[2], history[:2], NEW, rules())
    assert is_third_hpv_positive(history[2], history[:2], NEW, rules(hpv_count_skips_inadequate=False))


def test_an_unavailable_test_may_break_the_row_of_hpv_positive() -> None:
    history = [fact.result for fact in a_history("2022-09-01 29R / 2023-09-01 29R / 2024-09-02 XUR / 2025-09-03 29R")]
    assert is_third_hpv_positive(history[3], history[:3], NEW, rules())
    assert not is_third_hpv_positive(history[3], history[:3], NEW, rules(hpv_count_skips_inadequate=False))


def test_a_referral_may_start_the_counts_anew() -> None:
    anew = rules(counts_start_again_after_suspension=True)
    history = [fact.result for fact in a_history("2024-01-08 XUR / 2024-04-08 XUS / 2025-11-03 XUR")]
    assert is_second_inadequate(history[2], history[:2], NEW, rules())
    assert not is_second_inadequate(history[2], history[:2], NEW, anew)


def test_colposcopy_may_return_her_to_routine() -> None:
    referred, back = (fact.result for fact in a_history("2024-09-02 39S / 2025-09-03 X0A colposcopy"))
    assert is_invalid_return_to_routine(back, [referred], rules())
    assert not is_invalid_return_to_routine(back, [referred], rules(return_to_routine_source_types=frozenset("7")))


def test_how_recent_a_recent_positive_is() -> None:
    positive, now = (fact.result for fact in a_history("2023-09-01 29R / 2025-09-03 X0A"))
    assert has_recent_positive(now, [positive], rules())
    assert not has_recent_positive(now, [positive], rules(recent_positive_months=24))


def test_the_counts_are_the_policys() -> None:
    history = [fact.result for fact in a_history("2025-01-08 XUR / 2025-04-08 XUR")]
    assert not is_second_inadequate(history[1], history[:1], replace(NEW, inadequate_count=3), rules())
