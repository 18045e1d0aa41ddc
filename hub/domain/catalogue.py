"""The catalogue of letters (domain.md 6.1): what each code is, when it is written, how it goes, and what stands in it.

Read from `mappings/letters.toml`. Who sends a letter fills its placeholders from the sources named here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from hub.domain.actions import Actions
from hub.domain.letters import AGE_CEASING, INVITATIONS, result_codes

SOURCES: Mapping[str, str] = {
    "result.test_on": "the day of the test that the letter is about",
    "record.next_test_due_on": "her next test due date, as it is when the letter is sent",
    "letter.about_due_on": "the date for which she is invited",
    "person.practice_code": "her practice, by its ODS code",
}
"""Where a placeholder may take its text from. Names and addresses are not among them: NHS Notify has them from PDS."""

MOST_CHARACTERS: Mapping[str, int] = {"nhsapp": 5_000, "email": 100_000, "sms": 918, "letter": 15_000}
"""By channel, what its text may have at most (apis.md 4.2)."""


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
class Plan:
    """A routing plan of NHS Notify's: the channels, in their order; after how long unread the next one begins; and
    whether a letter goes at once, or waits a little for others to go with."""

    name: str
    about: str
    channels: tuple[str, ...]
    unread: timedelta
    at_once: bool

    @property
    def most_characters(self) -> int:
        """What fits on each of its channels."""
        return min(MOST_CHARACTERS[channel] for channel in self.channels)


@dataclass(frozen=True, slots=True)
class Following:
    """How what was sent is followed. `ask_after`: so long without news, Notify is asked. `margin`: so much later than
    the plan says the next channel may begin. `no_news`: so long may a message be unheard of, and `ends_within` a
    message without an end, before somebody must look."""

    ask_after: timedelta
    margin: timedelta
    no_news: timedelta
    ends_within: timedelta


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The letters by their codes; the channel plans, and the placeholders with their sources, by their names."""

    letters: Mapping[str, CatalogueLetter]
    plans: Mapping[str, Plan]
    placeholders: Mapping[str, str]
    following: Following

    def codes_of(self, plan: str) -> tuple[str, ...]:
        """The letters that go by this plan."""
        return tuple(sorted(code for code, letter in self.letters.items() if letter.plan == plan))


def every_code(actions: Actions) -> frozenset[str]:
    """Every letter the hub can wish: of results, of call and recall, of ceasing."""
    ceasing = {reason.letter for reason in actions.ceasings.values() if reason.letter}
    return result_codes() | frozenset(INVITATIONS.values()) | ceasing | {AGE_CEASING}
