"""The NHS number: ten digits, the last of them a Modulus 11 check digit (domain.md 4.6)."""

from __future__ import annotations

_SEPARATORS = dict.fromkeys(
    map(ord, " -\t\r\n\u00a0\u2002\u2003\u2007\u2009\u202f\u2010\u2011\u2012\u2013\u2014\u2212")
)
_WEIGHTS = range(10, 1, -1)


def normalise(text: str) -> str:
    """The number without spaces and hyphens. Anything else stays, so that `T123 456 7890` (a dummy registration,
    domain.md 4.3) or a masked digit never turns into a number."""
    return text.translate(_SEPARATORS)


def check_digit(first_nine: str) -> str | None:
    """The tenth digit that belongs to nine digits, or None where no NHS number begins with them (remainder 1).

    Multiply the digits by 10 down to 2, add up, take the remainder of the division by 11 from 11; 11 counts as 0.
    """
    left = 11 - sum(int(digit) * weight for digit, weight in zip(first_nine, _WEIGHTS, strict=True)) % 11
    if left == 10:
        return None
    return "0" if left == 11 else str(left)


def is_valid(text: str) -> bool:
    """Whether this is ten digits with the right check digit; spaces and hyphens are allowed."""
    number = normalise(text)
    if len(number) != 10 or not (number.isascii() and number.isdigit()):
        return False
    return check_digit(number[:9]) == number[9]


def is_placeholder(text: str) -> bool:
    """Whether one digit stands ten times, as typed where no number is known.

    Each of them passes the check (every digit is weighted 55 = 5 x 11 in all), so the check cannot see it.
    """
    return len(set(normalise(text))) == 1
