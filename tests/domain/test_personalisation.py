"""What stands in a letter: written as people read it, and never with a gap."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from hub.domain.catalogue import SOURCES, Catalogue, CatalogueLetter, Following, Plan
from hub.domain.personalisation import Sources, Unfilled, fill

HOUR = timedelta(hours=1)
PLAN = Plan("quick", "", ("sms", "letter"), HOUR, False)
PLACEHOLDERS = {
    "test_date": "result.test_on",
    "next_test_date": "record.next_test_due_on",
    "due_date": "letter.about_due_on",
    "practice": "person.practice_code",
}
CATALOGUE = Catalogue({}, {"quick": PLAN}, PLACEHOLDERS, Following(HOUR, HOUR, HOUR, HOUR))
EVERYTHING = Sources(date(2026, 3, 2), date(2029, 3, 2), date(2026, 9, 1), "Y00001")


def letter(*placeholders: str) -> CatalogueLetter:
    return CatalogueLetter("PA1", "", "invitation", "", "invited", "quick", placeholders)


def test_each_source_is_written_as_people_read_it() -> None:
    assert fill(letter(*PLACEHOLDERS), CATALOGUE, EVERYTHING) == {
        "test_date": "2 March 2026",
        "next_test_date": "2 March 2029",
        "due_date": "1 September 2026",
        "practice": "Y00001",
    }
    assert set(PLACEHOLDERS.values()) == set(SOURCES), "a source has no text yet"


@pytest.mark.parametrize("name", PLACEHOLDERS)
def test_a_gap_is_named_and_nothing_of_hers(name: str) -> None:
    with pytest.raises(Unfilled) as caught:
        fill(letter(name), CATALOGUE, Sources())
    assert str(caught.value) == f"nothing-for:{name}"


def test_what_does_not_fit_on_every_channel_of_the_plan_is_not_sent() -> None:
    fits, too_long = Sources(practice_code="x" * 918), Sources(practice_code="x" * 919)
    assert fill(letter("practice"), CATALOGUE, fits)
    with pytest.raises(Unfilled, match="too-long"):
        fill(letter("practice"), CATALOGUE, too_long)
