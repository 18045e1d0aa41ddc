"""What stands in for a person's names, numbers and dates in a message that is shown to others.

The same text gets the same stand-in, of the same length and shape; which one depends on a secret that nobody keeps, so
that none can be looked up. A valid NHS number becomes a valid one beginning 999, an invalid one stays invalid.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from hub.domain import nhs_number

_CONSONANTS, _VOWELS = "bdfgklmnprstvz", "aeiou"
_LETTERS = re.compile(r"[^\W\d_]+")
_DAY = re.compile(r"(?P<plain>\d{4}\d{2}\d{2})|(?P<uk>\d{2}/\d{2}/\d{4})|(?P<iso>\d{4}-\d{2}-\d{2})", re.ASCII)
_FORMS = {"plain": "%Y%m%d", "uk": "%d/%m/%Y", "iso": "%Y-%m-%d"}
# Of other alphabets one letter each: whoever reads the bytes in the same charset has it.
_ALPHABETS = ((0x250, ("É", "é")), (0x400, ("Α", "α")), (0x530, ("Я", "я")))


@dataclass(frozen=True, slots=True)
class StandIns:
    """Gives stand-ins, by a secret of its own."""

    secret: bytes

    def words(self, text: str) -> str:
        """Of names and addresses: each word another one, the digits others; signs between them stay."""
        return _LETTERS.sub(lambda found: self._word(found[0]), self.digits(text))

    def digits(self, text: str) -> str:
        """Other digits; letters and signs stay."""
        drawn = self._drawn(f"digits {text.strip().casefold()}", len(text))
        return "".join(
            str(drawn[number] % 10) if character.isdigit() else character for number, character in enumerate(text)
        )

    def nhs_number(self, text: str) -> str:
        """An NHS number of the same layout: valid if this one is; of what is none, other digits and letters."""
        number = nhs_number.normalise(text)
        if not (len(number) == 10 and number.isascii() and number.isdigit()):
            return self.words(text)
        if nhs_number.is_placeholder(number):
            return text
        new = iter(self._number(number))
        return "".join(next(new) if character.isdigit() else character for character in text)

    def day(self, text: str) -> str:
        """Another day, a month to a year away, written in the same form; of what is no day, other digits."""
        moved = with_day(text, lambda day, form: written(self._moved(day), form))
        return self.words(text) if moved is None else moved

    def _moved(self, day: date) -> date:
        drawn = self._drawn(f"day {day}", 3)
        away = timedelta(days=30 + (drawn[0] * 256 + drawn[1]) % 360)
        return day + away if drawn[2] % 2 else day - away

    def _number(self, number: str) -> str:
        """The first of the numbers drawn that is as valid as the old one."""
        is_valid = nhs_number.is_valid(number)
        for attempt in range(1_000):
            drawn = "".join(str(each % 10) for each in self._drawn(f"number {number} {attempt}", 7))
            check = nhs_number.check_digit(f"999{drawn[:6]}")
            new = f"999{drawn[:6]}{check}" if is_valid else f"999{drawn}"
            if (is_valid and check is not None) or (not is_valid and not nhs_number.is_valid(new)):
                return new
        raise AssertionError("one number in eleven has no check digit, and nine in ten are invalid")

    def _word(self, word: str) -> str:
        drawn = self._drawn(f"word {word.casefold()}", len(word))
        return "".join(_letter(old, number, drawn[number]) for number, old in enumerate(word))

    def _drawn(self, what: str, count: int) -> bytes:
        drawn = b""
        while len(drawn) < count:
            drawn += hmac.new(self.secret, f"{len(drawn)} {what}".encode(), hashlib.sha256).digest()
        return drawn


def with_day(text: str, write: Callable[[date, str], str]) -> str | None:
    """The text with the day it begins with written by `write`, which is told the day and its form; None where it begins
    with none."""
    found = _DAY.match(text.strip())
    form = _FORMS[found.lastgroup or ""] if found else ""
    try:
        return text.replace(found[0], write(_read(found[0], form), form), 1) if found else None
    except ValueError:
        return None


def written(day: date, form: str) -> str:
    """A day in one of the forms that `with_day` tells."""
    return form.replace("%Y", f"{day.year:04}").replace("%m", f"{day.month:02}").replace("%d", f"{day.day:02}")


def masked(text: str) -> str:
    """The text without what it says: each letter an x, each digit a 9."""
    return "".join(
        "9" if one.isdigit() else ("X" if one.isupper() else "x") if one.isascii() and one.isalpha() else _foreign(one)
        for one in text
    )


def _letter(old: str, number: int, drawn: int) -> str:
    if not old.isascii():
        return _foreign(old)
    letters = _VOWELS if number % 2 else _CONSONANTS
    new = letters[drawn % len(letters)]
    return new.upper() if old.isupper() else new


def _foreign(old: str) -> str:
    """A letter of the same alphabet, always the same one; what is no letter stays."""
    if not old.isalpha() or old.isascii():
        return old
    upper, lower = next((pair for end, pair in _ALPHABETS if ord(old) < end), ("某", "某"))
    return upper if old.isupper() else lower


def _read(text: str, form: str) -> date:
    parts = {"%Y%m%d": (text[:4], text[4:6], text[6:]), "%d/%m/%Y": (text[6:], text[3:5], text[:2])}
    year, month, day = parts.get(form, (text[:4], text[5:7], text[8:]))
    return date(int(year), int(month), int(day))
