"""The characters that divide an HL7 v2 message, as its own header (MSH-1, MSH-2) states them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

# What stands in for a place that a header leaves empty, in the order of MSH-2, then spares.
_USUAL = "^~\\&"
_SPARES = "!@%*$:;+"


@dataclass(frozen=True, slots=True)
class Delimiters:
    """One message's delimiters. All are single characters and differ; `truncation` is empty before HL7 2.7.

    `complete` is False where MSH-2 lacked or repeated a character and the usual one was taken in its stead.
    """

    field: str = "|"
    component: str = "^"
    repetition: str = "~"
    escape: str = "\\"
    subcomponent: str = "&"
    truncation: str = ""
    complete: bool = True

    @property
    def encoding(self) -> str:
        """MSH-2."""
        return f"{self.component}{self.repetition}{self.escape}{self.subcomponent}{self.truncation}"


USUAL = Delimiters()


def of_header(line: str) -> Delimiters:
    """The delimiters of a header line (`MSH|^~\\&|...`; FHS and BHS alike). Any line gives some."""
    separator = line[3:4] or "|"
    return _chosen(separator, line[4:12].split(separator, 1)[0])


@lru_cache(maxsize=256)
def _chosen(separator: str, stated: str) -> Delimiters:
    # `^~\\&` with the backslash doubled is a sender's own escaping gone wrong: the run counts once.
    given = [character for character, _run in groupby(stated)]
    taken: list[str] = [separator]
    for position in range(4):
        taken.append(_usable(given, position, taken))
    fifth = given[4] if len(given) > 4 and _may_divide(given[4], taken) else ""
    complete = taken[1:] == list(stated[:4]) and len(stated) <= 5
    return Delimiters(taken[0], taken[1], taken[2], taken[3], taken[4], fifth, complete)


def _usable(given: list[str], position: int, taken: list[str]) -> str:
    choices = [*given[position : position + 1], _USUAL[position], *_SPARES]
    chosen: str = next(character for character in choices if _may_divide(character, taken))
    return chosen


def _may_divide(character: str, taken: list[str]) -> bool:
    return character not in taken and character.isprintable() and not character.isalnum() and character != " "
