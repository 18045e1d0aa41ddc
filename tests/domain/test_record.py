"""The record is a fold: what came first, or twice, or was taken back, makes no difference."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from hub.domain import because
from hub.domain.call import Entry
from hub.domain.codes import COMBINATIONS, OLD_COMBINATIONS
from hub.domain.dates import add_months
from hub.domain.events import TestResult, Version
from hub.domain.facts import Fact, ResultFact, UndoneFact
from hub.domain.policy import Pivot
from hub.domain.record import Record, fold
from tests.domain.histories import BORN, POLICIES, POLICY_DIRECTORY, a_fact, a_history, jumbled

ENTRY = Entry(BORN, date(2026, 9, 1))
CODES = sorted([*COMBINATIONS, *((codes, False) for codes in OLD_COMBINATIONS), ("20A", False), ("2 R", False)])
# Few days and few slides on purpose: ties, versions and duplicates must be frequent.
DAYS = st.integers(0, 40).map(lambda step: date(2021, 1, 15) + timedelta(days=60 * step))


@st.composite
def result_facts(draw: st.DrawFn) -> ResultFact:
    codes, self_sample = draw(st.sampled_from(CODES))
    test_on = draw(DAYS)
    issued = datetime.combine(test_on, time(12), UTC) + timedelta(days=draw(st.sampled_from([3, 8, 200])))
    result = TestResult(
        laboratory_code=draw(st.sampled_from(["61234", "61235"])),
        slide_number=draw(st.sampled_from(["1", "2", "3", "4"])),
        test_on=test_on,
        authorised_at=issued,
        result_code=codes[0],
        infection_code=codes[1],
        action_code=codes[2],
        repeat_months=draw(st.sampled_from([None, None, None, 0, 3, 12, 36, 60])),
        self_sample=self_sample,
        version=draw(st.sampled_from(Version)),
        source_type=draw(st.sampled_from([None, "1", "7"])),
    )
    name = draw(st.integers(1, 12))
    return ResultFact(f"r{name}", f"m{name}", result, draw(st.sampled_from("abc")), draw(st.booleans()))


UNDONE = st.integers(1, 12).map(lambda name: UndoneFact(f"m{name}"))
FACTS: st.SearchStrategy[Fact] = st.one_of(result_facts(), result_facts(), UNDONE)
HISTORIES = st.lists(FACTS, max_size=9)


def folded(facts: list[Fact]) -> Record:
    return fold(ENTRY, facts, POLICIES)


@given(HISTORIES, st.randoms(use_true_random=False), st.lists(st.integers(0, 8), max_size=4))
@settings(max_examples=300)
def test_any_order_and_any_repetition_gives_the_same_record(
    facts: list[Fact], chance: random.Random, again: list[int]
) -> None:
    assert folded(jumbled(facts, chance, again)) == folded(facts)


@given(HISTORIES)
def test_a_match_undone_never_was(facts: list[Fact]) -> None:
    undone = {fact.match_id for fact in facts if isinstance(fact, UndoneFact)}
    left: list[Fact] = [fact for fact in facts if isinstance(fact, ResultFact) and fact.match_id not in undone]
    assert folded(facts) == folded(left)


@given(HISTORIES)
def test_the_due_date_comes_from_the_newest_test_that_sets_one(facts: list[Fact]) -> None:
    record = folded(facts)
    setting = [kept for kept in record.results if kept.months is not None or kept.result.action_code == "S"]
    if not setting:
        assert (record.recall_type, record.next_test_due_on) == ("Called", ENTRY.next_test_due_on)
        return
    newest = setting[-1]
    assert all(kept.result.test_on <= newest.result.test_on for kept in setting)
    expected = None if newest.months is None else add_months(newest.result.test_on, newest.months)
    assert record.next_test_due_on == expected


@given(HISTORIES, result_facts())
def test_an_older_test_never_moves_a_stated_due_date(facts: list[Fact], older: ResultFact) -> None:
    newest = a_fact("2028-01-10 29R 12", "r99")
    before = folded([*facts, newest])
    after = folded([*facts, newest, replace(older, match_id="m98", result_id="r98")])
    assert before.next_test_due_on == after.next_test_due_on == date(2029, 1, 10)
    assert before.recall_type == after.recall_type == "Repeat advised"


@given(HISTORIES)
def test_one_result_per_slide_oldest_first_and_none_withdrawn(facts: list[Fact]) -> None:
    results = [kept.result for kept in folded(facts).results]
    slides = [(result.laboratory_code, result.slide_number) for result in results]
    assert len(slides) == len(set(slides))
    assert [result.test_on for result in results] == sorted(result.test_on for result in results)
    assert all(result.version is not Version.WITHDRAWN for result in results)


@given(HISTORIES)
def test_alerts_speak_of_results_on_the_record_that_no_clerk_accepted(facts: list[Fact]) -> None:
    record = folded(facts)
    on_record = {(kept.result_id, kept.match_id) for kept in record.results}
    accepted = {
        fact.result_id
        for fact in facts
        if isinstance(fact, ResultFact) and fact.policy_accepted and (fact.result_id, fact.match_id) in on_record
    }
    plain = {fact.result_id for fact in facts if isinstance(fact, ResultFact) and not fact.policy_accepted}
    assert {alert.result_id for alert in record.alerts} <= {name for name, _ in on_record} & (plain | accepted)
    assert not {alert.result_id for alert in record.alerts} & (accepted - plain)


@given(HISTORIES, st.sampled_from(Pivot))
def test_whatever_stands_in_history_the_fold_explains_itself(facts: list[Fact], pivot: Pivot) -> None:
    record = fold(ENTRY, facts, replace(POLICIES, pivot=pivot))
    assert record.because and all(each.sentence.endswith(".") and each.source for each in record.because)
    assert len(record.because) >= len(record.results)
    shown = " ".join(each.sentence for each in record.because)
    assert "61234" not in shown and "1990" not in shown


@given(st.lists(result_facts(), min_size=1, max_size=5))
def test_the_newest_version_of_a_slide_counts(facts: list[ResultFact]) -> None:
    same_slide = [
        replace(
            fact,
            result_id=f"r{number}",
            match_id=f"m{number}",
            result=replace(
                fact.result,
                laboratory_code="61234",
                slide_number="1",
                authorised_at=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=number),
            ),
        )
        for number, fact in enumerate(facts)
    ]
    kept = [each.result_id for each in folded([*same_slide]).results]
    last = same_slide[-1]
    assert kept == ([] if last.result.version is Version.WITHDRAWN else [last.result_id])


def test_undoing_a_correction_brings_the_first_version_back() -> None:
    first, corrected = a_history("2025-09-03 X0A slide=1 / 2025-09-03 39S corrected slide=1")
    assert folded([first, corrected]).recall_type == "Suspended"
    assert folded([UndoneFact(corrected.match_id), first, corrected]) == folded([first])


def test_a_result_matched_again_stands_once() -> None:
    first = a_fact("2025-09-03 X0A")
    again = replace(first, match_id="match-again")
    record = folded([first, UndoneFact(first.match_id), again])
    assert [(kept.result_id, kept.match_id) for kept in record.results] == [("r1", "match-again")]


def test_an_acceptance_added_later_silences_the_alert() -> None:
    alerting = a_fact("2025-09-03 X0R 24")
    assert folded([alerting]).alerts
    assert not folded([alerting, replace(alerting, policy_accepted=True)]).alerts


def test_a_test_older_than_the_one_she_came_with_moves_nothing() -> None:
    came = Entry(BORN, date(2027, 4, 1), last_test_on=date(2024, 4, 1))
    older = fold(came, a_history("2021-04-01 X0A"), POLICIES)
    assert (older.recall_type, older.next_test_due_on, len(older.results)) == ("Called", date(2027, 4, 1), 1)
    newer = fold(came, a_history("2021-04-01 X0A / 2025-09-03 X0A"), POLICIES)
    assert (newer.recall_type, newer.next_test_due_on) == ("Routine", date(2030, 9, 3))


def test_the_reasons_read_as_sentences() -> None:
    record = folded([*a_history("2024-08-01 29R / 2025-08-02 X0A")])
    assert tuple(each.sentence for each in record.because) == (
        "Test of 1 August 2024: 29R (HPV positive, negative cytology, early repeat); policy before-2025-07-01; "
        "12 months by the policy: HPV positive with negative cytology: in a year.",
        "Test of 2 August 2025: X0A (HPV negative, routine recall); policy 2025-07-01; 36 months by the policy: "
        "24½ to 49, HPV negative after a recent HPV positive: three years.",
        "Without a test she is called, and due on 1 September 2026, as when she came into the cohort.",
        "The test of 1 August 2024 sets recall: Repeat advised, next test due on 1 August 2025.",
        "The test of 2 August 2025 sets recall: Routine, next test due on 2 August 2028.",
    )
    assert [each.source for each in record.because] == [
        "before-2025-07-01.toml; domain.md 1.1, 2.4",
        "2025-07-01.toml; domain.md 1.1, 2.4",
        "the cohort file",
        "domain.md 4.4",
        "domain.md 4.4",
    ]


def test_a_source_names_what_is_there() -> None:
    """Every setting that explains something is one of the settings' table, every policy a file beside it."""
    text = (POLICY_DIRECTORY / "settings.toml").read_text(encoding="utf-8")
    sources = [*(text for text in vars(because).values() if isinstance(text, str)), *because.NEXT.values()]
    named = re.findall(r"settings.toml \[call\] (\w+);", " ".join(sources))
    assert len(named) > 8
    for name in named:
        assert re.search(rf"^(\[call\.)?{name}", text, re.MULTILINE), name
    for policy in POLICIES.policies:
        assert (POLICY_DIRECTORY / because.policy(policy.name).split(";")[0]).is_file()


def test_deferrals_in_a_row_are_said() -> None:
    """A test, a discharge or a reinstating between them begins anew; a reminder does not."""
    history = (
        "2021-06-01 deferred 2021-12-01 wish / 2021-09-25 notified 2021-12-01 / 2021-10-01 deferred 2022-06-01 wish / "
        "2022-05-02 X0A / 2024-06-01 deferred 2025-12-01 wish"
    )
    said = [each.sentence for each in fold(Entry(BORN, date(2021, 9, 1)), a_history(history), POLICIES).because]
    assert [each.partition(" to ")[2] for each in said if each.startswith("Put off")] == [
        "1 December 2021.",
        "1 June 2022, 2 times in a row.",
        "1 December 2025.",
    ]
