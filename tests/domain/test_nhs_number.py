"""The check digit of the NHS number, against numbers published as right and wrong (domain.md 4.6)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain import nhs_number

RIGHT = ["9000000009", "9990548609", "9100002801", "9100001694", "9044151320", "9912003888", "8982821201"]
WRONG = ["9991023867", "2345678901", "9991234567"]


@pytest.mark.parametrize("number", RIGHT)
def test_a_right_number_is_valid(number: str) -> None:
    assert nhs_number.is_valid(number)
    assert nhs_number.is_valid(f"{number[:3]} {number[3:6]}-{number[6:]}")


@pytest.mark.parametrize("number", WRONG)
def test_a_wrong_check_digit_is_not(number: str) -> None:
    assert not nhs_number.is_valid(number)


@pytest.mark.parametrize(
    "text", ["", "900000000", "90000000090", "T123456789", "?00 000 0000", "９000000009", "९०००००००९", "x" * 10]
)
def test_what_is_not_ten_digits_is_not_valid(text: str) -> None:
    assert not nhs_number.is_valid(text)


def test_remainder_one_has_no_check_digit() -> None:
    nine = "100000001"  # 10 x 1 + 2 x 1 = 12, remainder 1
    assert nhs_number.check_digit(nine) is None
    assert not any(nhs_number.is_valid(f"{nine}{digit}") for digit in range(10))


def test_remainder_nought_has_the_check_digit_nought() -> None:
    assert nhs_number.check_digit("000000000") == "0"


def test_normalise_takes_away_separators_and_nothing_else() -> None:
    assert nhs_number.normalise(" 943 476–5919\u00a0") == "9434765919"
    assert nhs_number.normalise("T123 456 7890") == "T1234567890"


def test_one_digit_ten_times_passes_the_check_but_is_a_placeholder() -> None:
    for digit in "0123456789":
        assert nhs_number.is_valid(digit * 10)
        assert nhs_number.is_placeholder(digit * 10)
    assert not nhs_number.is_placeholder("9000000009")
    assert not nhs_number.is_placeholder("")


@given(st.sampled_from(RIGHT), st.integers(0, 9), st.sampled_from("0123456789"))
def test_every_single_wrong_digit_is_seen(number: str, at: int, digit: str) -> None:
    changed = number[:at] + digit + number[at + 1 :]
    assert nhs_number.is_valid(changed) == (changed == number)


@given(st.sampled_from(RIGHT), st.integers(0, 8))
def test_every_transposition_of_neighbours_is_seen(number: str, at: int) -> None:
    changed = number[:at] + number[at + 1] + number[at] + number[at + 2 :]
    assert nhs_number.is_valid(changed) == (changed == number)
