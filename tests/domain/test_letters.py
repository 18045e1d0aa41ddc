from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from hub.domain.call import Entry
from hub.domain.codes import COMBINATIONS
from hub.domain.letters import ABNORMAL, NORMAL, URGENT, LetterDue, LetterNotDue, due_on, letters_due, priority
from hub.domain.record import fold
from tests.domain.histories import BORN, POLICIES, a_history, a_result

# The result letters of CSMS's catalogue, written out from domain.md 2.4 and 6.1 (the ceasing letters are not ours yet).
CATALOGUE = frozenset(
    [
        *("PX0A", "PX0R", "PX0S", "PXUR", "PXUS", "PX9S", "P09R", "P09S", "P19R", "P19S", "P29R", "P29S"),
        *("P39S", "P49S", "P59S", "P69S", "P79S", "P89S", "P99S", "K-0A", "K-9R", "K1UH"),
    ]
)


def letters(text: str, on: str, policies: object = POLICIES) -> tuple[LetterDue | LetterNotDue, ...]:
    assert isinstance(policies, type(POLICIES))
    return letters_due(fold(Entry(BORN, None), a_history(text), policies), policies, date.fromisoformat(on))


def test_every_valid_combination_has_its_letter_of_the_catalogue() -> None:
    found = set()
    for codes, self_sample in COMBINATIONS:
        (letter,) = letters(f"2025-09-03 {codes}{' self' if self_sample else ''}", "2025-09-13")
        assert isinstance(letter, LetterDue)
        found.add(letter.code)
    assert found == set(CATALOGUE)


def test_one_answer_for_every_result_in_the_order_of_the_record() -> None:
    found = letters("2025-09-03 X0A / 2022-09-01 X0A / 2015-04-01 2QR", "2025-09-13")
    assert [each.result_id for each in found] == ["r3", "r2", "r1"]
    assert [getattr(each, "rule", "due") for each in found] == ["no-code", "too-old", "due"]


def test_an_older_but_recent_test_gets_no_letter_beside_a_newer_one() -> None:
    older, newer = letters("2025-09-03 X0A / 2025-08-01 XUR", "2025-09-13")
    assert isinstance(older, LetterNotDue) and older.rule == "not-newest"
    assert newer == LetterDue("r1", "PX0A")


def test_an_older_but_recent_test_may_get_its_letter() -> None:
    both = replace(POLICIES, letters=replace(POLICIES.letters, newest_test_only=False))
    found = letters("2025-09-03 X0A / 2025-08-01 XUR", "2025-09-13", both)
    assert found == (LetterDue("r2", "PXUR"), LetterDue("r1", "PX0A"))


@pytest.mark.parametrize(("months", "due"), [(3, False), (4, True)])
def test_the_age_limit_is_a_setting(months: int, due: bool) -> None:
    limited = replace(POLICIES, letters=replace(POLICIES.letters, age_limit_months=months))
    (letter,) = letters("2025-09-03 X0A", "2025-12-20", limited)
    assert isinstance(letter, LetterDue) is due


def test_a_withdrawn_result_has_no_letter() -> None:
    assert letters("2025-09-03 X0A slide=1 / 2025-09-03 X0A withdrawn slide=1", "2025-09-20") == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("59S", URGENT),
        ("69S", URGENT),
        ("39S", ABNORMAL),
        ("X0S", ABNORMAL),
        ("X9R self", ABNORMAL),
        ("2QR", ABNORMAL),
        ("X0A", NORMAL),
        ("29R", NORMAL),
        ("XUH self", NORMAL),
    ],
)
def test_how_soon_a_clerk_must_look(text: str, expected: int) -> None:
    assert priority(a_result(f"2025-09-03 {text}")) == expected


def test_what_cannot_be_read_is_treated_as_abnormal() -> None:
    assert priority(None) == ABNORMAL
    assert URGENT < ABNORMAL < NORMAL


def test_fourteen_days_from_the_sample() -> None:
    assert due_on(date(2025, 9, 3)) == date(2025, 9, 17)
    assert due_on(date.max) == date.max
