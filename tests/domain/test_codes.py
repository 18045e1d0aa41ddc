from __future__ import annotations

from dataclasses import replace

import pytest

from hub.domain.codes import (
    ACTION_CODES,
    COMBINATIONS,
    INFECTION_CODES,
    OLD_COMBINATIONS,
    RESULT_CODES,
    combination,
    refusal,
    result_code_kept,
)
from hub.errors import Reason
from tests.domain.histories import a_result

# Written out from domain.md 2.4, not from the code.
CLINICIAN = (
    *("X0A", "X0R", "X0S", "XUR", "XUS", "X9S", "09R", "09S", "19R", "19S", "29R", "29S"),
    *("39S", "49S", "59S", "69S", "79S", "89S", "99S"),
)
SELF = ["X0A", "X9R", "XUH"]
EVERY_COMBINATION = [f"{r}{h}{a}" for r in RESULT_CODES for h in INFECTION_CODES for a in ACTION_CODES]


@pytest.mark.parametrize("codes", EVERY_COMBINATION)
def test_a_new_clinician_result_is_taken_exactly_if_the_catalogue_has_it(codes: str) -> None:
    expected = None if codes in CLINICIAN else Reason.INVALID_COMBINATION
    assert refusal(a_result(f"2025-09-03 {codes}")) is expected


@pytest.mark.parametrize("codes", EVERY_COMBINATION)
def test_a_new_self_sample_is_taken_exactly_if_the_catalogue_has_it(codes: str) -> None:
    expected = None if codes in SELF else Reason.INVALID_COMBINATION
    assert refusal(a_result(f"2025-09-03 {codes} self")) is expected


def test_abnormal_cytology_is_always_referred() -> None:
    """The hard rule of 2013: result codes 3 to 9 carry HPV 9 and the action S."""
    for codes, self_sample in COMBINATIONS:
        if codes[0] in "3456789" and not self_sample:
            assert codes[1:] == "9S"


def test_every_referral_is_abnormal_and_every_clinician_recall_normal() -> None:
    for (codes, self_sample), each in COMBINATIONS.items():
        if not self_sample:
            assert each.abnormal == codes.endswith("S"), codes


def test_only_suspected_invasive_and_glandular_are_urgent() -> None:
    assert {codes for (codes, _), each in COMBINATIONS.items() if each.urgent} == {"59S", "69S"}


def test_old_codes_stand_in_history_only() -> None:
    for codes in OLD_COMBINATIONS:
        assert refusal(a_result(f"2015-04-01 {codes}")) is Reason.INVALID_COMBINATION
        assert combination(a_result(f"2015-04-01 {codes}")) is None


def test_a_withdrawal_needs_no_codes() -> None:
    withdrawn = replace(a_result("2025-09-03 X0A withdrawn"), result_code="", infection_code="", action_code="")
    assert refusal(withdrawn) is None


@pytest.mark.parametrize("code", ["result_code", "infection_code", "action_code"])
def test_an_empty_code_is_missing_data(code: str) -> None:
    assert refusal(replace(a_result("2025-09-03 X0A"), **{code: ""})) is Reason.MISSING_DATA


@pytest.mark.parametrize(("months", "reason"), [(-1, Reason.INVALID_VALUE), (121, Reason.INVALID_VALUE), (24, None)])
def test_months_that_no_programme_has_are_refused_others_are_a_clerks(months: int, reason: Reason | None) -> None:
    assert refusal(replace(a_result("2025-09-03 X0R"), repeat_months=months)) is reason


@pytest.mark.parametrize(
    ("sent", "self_sample", "kept"), [("", True, "X"), ("X", True, "X"), ("2", True, "2"), ("", False, "")]
)
def test_the_result_code_of_a_self_sample_may_be_left_out(sent: str, self_sample: bool, kept: str) -> None:
    assert result_code_kept(sent, self_sample) == kept
