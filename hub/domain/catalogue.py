"""The catalogue of letters (domain.md 6.1): what each code is, when it is written, how it goes, and what stands in it.

Read from `mappings/letters.toml`. Who sends a letter fills its placeholders from the sources named here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hub.domain.actions import Actions
from hub.domain.letters import AGE_CEASING, INVITATIONS, result_codes

SOURCES: Mapping[str, str] = {
    "result.test_on": "the day of the test that the letter is about",
    "record.next_test_due_on": "her next test due date, as it is when the letter is sent",
    "letter.about_due_on": "the date for which she is invited",
    "person.practice_code": "her practice, by its ODS code",
}
"""Where a placeholder may take its text from. Names and addresses are not among them: NHS Notify has them from PDS."""


@dataclass(frozen=True, slots=True)
class CatalogueLetter:
    """`family`: invitation, reminder, result, self-sample, ceasing. `letter_class`: CSMS's own, normal or abnormal, of
    results only. `when`: the event after which it is written. `plan`: by which channels it goes."""

    code: str
    title: str
    family: str
    letter_class: str
    when: str
    plan: str
    placeholders: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The letters by their codes; the channel plans, and the placeholders with their sources, by their names."""

    letters: Mapping[str, CatalogueLetter]
    plans: Mapping[str, str]
    placeholders: Mapping[str, str]


def every_code(actions: Actions) -> frozenset[str]:
    """Every letter the hub can wish: of results, of call and recall, of ceasing."""
    ceasing = {reason.letter for reason in actions.ceasings.values() if reason.letter}
    return result_codes() | frozenset(INVITATIONS.values()) | ceasing | {AGE_CEASING}
