"""What stands in a letter, as people read it: each placeholder of the catalogue filled from its source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from hub.domain.catalogue import Catalogue, CatalogueLetter
from hub.domain.dates import spoken


@dataclass(frozen=True, slots=True)
class Sources:
    """What is known when the letter leaves; None where there is no such thing."""

    test_on: date | None = None
    next_test_due_on: date | None = None
    about_due_on: date | None = None
    practice_code: str | None = None

    def text_of(self, source: str) -> str:
        """By the source's name; empty where there is none."""
        value = {
            "result.test_on": self.test_on,
            "record.next_test_due_on": self.next_test_due_on,
            "letter.about_due_on": self.about_due_on,
            "person.practice_code": self.practice_code,
        }[source]
        return spoken(value) if isinstance(value, date) else value or ""


class Unfilled(Exception):
    """The letter cannot be written. `rule` is a code and names the placeholder, never what would stand there."""

    def __init__(self, rule: str) -> None:
        self.rule = rule
        super().__init__(rule)


def fill(letter: CatalogueLetter, catalogue: Catalogue, sources: Sources) -> Mapping[str, str]:
    """The text of each placeholder. Raises Unfilled: Notify would take a letter with a gap, and fail on it later."""
    filled = {name: sources.text_of(catalogue.placeholders[name]) for name in letter.placeholders}
    for name, text in filled.items():
        if not text:
            raise Unfilled(f"nothing-for:{name}")
    if sum(len(text) for text in filled.values()) > catalogue.plans[letter.plan].most_characters:
        raise Unfilled("too-long")
    return filled
