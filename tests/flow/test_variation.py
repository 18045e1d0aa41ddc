"""A golden example told anew: the people who are wanted, other slides and numbers, another day, the same outcome."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from functools import cache
from itertools import islice
from typing import Any

import pytest

from adapters import ADAPTERS
from adapters.simulators.examples import CUT_OFF, golden_examples, varied
from adapters.simulators.people import synthetic_cohort
from adapters.simulators.traffic import DUPLICATE_CONTROL_ID, RESEND, RIGHT, Planned
from hub.contract import Reading, sequence_of
from hub.domain.events import DischargeReported, ResultReported
from hub.errors import CannotRun
from hub.flow.variation import BAD_DATE, MISSING, UNKNOWN_CODE, WRONG_CHECK_DIGIT, Anew, Example, counted, named
from tests.golden_cases import FEEDS, GOLDEN
from tests.test_rows import ADAPTER as ROWS
from tests.test_rows import LINE, TODAY, file
from tests.test_rows import feeds as rows_feeds

ON = date(2026, 11, 25)
PEOPLE = synthetic_cohort(150, 3)
BY_NUMBER = {person.nhs_number: person for person in PEOPLE}
OF_ANY = {CUT_OFF, RESEND, BAD_DATE, MISSING, WRONG_CHECK_DIGIT}
KINDS = {
    "ashdown": OF_ANY | {UNKNOWN_CODE, DUPLICATE_CONTROL_ID},
    "birchwood": OF_ANY | {UNKNOWN_CODE, DUPLICATE_CONTROL_ID},
    "kelham": OF_ANY | {UNKNOWN_CODE, DUPLICATE_CONTROL_ID},
    "eastvale": OF_ANY | {UNKNOWN_CODE, DUPLICATE_CONTROL_ID},
    "fellgate": OF_ANY,
}
"""A clinic's list has neither codes nor a name of its own."""


@cache
def examples(feed: str) -> list[Example]:
    return golden_examples(GOLDEN / feed, ADAPTERS[FEEDS.by_id[feed].dialect], FEEDS.of(feed), ON)


def day_of(feed: str, seed: int = 1, errors: float = 0.0, count: int = 40) -> list[Planned]:
    return [*islice(varied(feed, examples(feed)[:12], PEOPLE, seed, errors, ON, "list-0001.csv"), count)]


def read(feed: str, raw: bytes) -> tuple[str, int | None, Reading]:
    adapter = ADAPTERS[FEEDS.by_id[feed].dialect]
    opened = adapter.open(raw)
    reading = adapter.decode(opened, FEEDS.of(feed), ON)
    return opened.control_id, sequence_of(opened, reading, FEEDS.by_id[feed], ""), reading


def said(reading: Reading) -> list[Any]:
    return [item.outcome for item in reading.items if isinstance(item.outcome, ResultReported | DischargeReported)]


@pytest.mark.parametrize("feed", KINDS)
def test_it_speaks_of_people_of_the_cohort_under_names_and_numbers_of_its_own(feed: str) -> None:
    told = [read(feed, planned.raw) for planned in day_of(feed)]
    assert {reading.answer for _, _, reading in told} == {"AA"}
    for _, _, reading in told:
        for event in said(reading):
            person = BY_NUMBER[event.claim.nhs_number] if event.claim.nhs_number else None
            assert person is None or event.claim.family_name == person.family_name
            assert person is None or event.claim.date_of_birth in (None, person.date_of_birth)
            assert person is None or event.claim.given_names[:1] == person.given_names[:1]
    slides = Counter(slide for _, _, reading in told for slide in slides_of(reading))
    assert set(slides.values()) <= {1}
    assert set(Counter(name for name, _, _ in told if name).values()) <= {1}
    numbers = [number for _, number, _ in told if number is not None]
    assert numbers == sorted(set(numbers))


def slides_of(reading: Reading) -> set[str]:
    return {event.result.slide_number for event in said(reading) if isinstance(event, ResultReported)}


@pytest.mark.parametrize("feed", KINDS)
def test_the_same_seed_says_the_same(feed: str) -> None:
    one, same, other = (day_of(feed, seed, 0.3, 25) for seed in (5, 5, 6))
    assert one == same
    assert not {planned.raw for planned in one} & {planned.raw for planned in other}


@pytest.mark.parametrize("feed", KINDS)
def test_each_mistake_shows(feed: str) -> None:
    planned = day_of(feed, errors=0.9, count=150)
    assert {one.kind for one in planned} == {RIGHT, *KINDS[feed]}
    for one in planned:
        _, _, reading = read(feed, one.raw)
        if one.kind == RIGHT:
            assert reading.answer == "AA"
        elif one.kind == BAD_DATE:
            assert {stop.outcome.reason.code for stop in reading.refused} & {"invalid-date", "invalid-value"}  # type: ignore[union-attr]  # each is a Reject
        elif one.kind == CUT_OFF:
            assert reading.answer != "AA" or feed == "fellgate"  # of a list without an end a cut is not always seen
        elif one.kind == UNKNOWN_CODE:
            assert len(said(reading)) < len(reading.items) or reading.refused


def test_days_move_with_the_day_of_receipt() -> None:
    """An example received long ago is one of today, and what it says of days lies as far from today as it did then."""
    feed = "kelham"
    (example,) = (one for one in examples(feed) if one.raw == (GOLDEN / feed / f"{SENTENCE}.edi").read_bytes())
    adapter = ADAPTERS["edifact_results"]
    (before,) = said(adapter.decode(adapter.open(example.raw), FEEDS.of(feed), example.received_on))
    (planned,) = islice(varied(feed, [example], PEOPLE, 1, 0.0, ON), 1)
    (event,) = said(read(feed, planned.raw)[2])
    assert event.result.test_on - before.result.test_on == ON - example.received_on > timedelta(days=100)
    sent = adapter.open(planned.raw).sent
    assert sent == f"{ON:%Y%m%d}1035", "and it is sent on the day"


SENTENCE = "one message, HPV negative, routine recall"


def test_a_language_of_rows_has_its_name_and_its_days_changed_too() -> None:
    """The header of such a file is cut by its adapter alone."""
    example = Example(ROWS, rows_feeds, file(LINE), TODAY)
    anew = Anew(PEOPLE[:1], slide=7, number=12, on=TODAY + timedelta(days=10), secret=b"drawn for this")
    told = ROWS.open(example.told(anew))
    (event,) = said(ROWS.decode(told, rows_feeds, anew.on))
    assert (told.control_id, event.result.slide_number) == ("C000012", "00000007")
    assert (event.claim.nhs_number, event.result.test_on) == (PEOPLE[0].nhs_number, date(2026, 7, 13))


def test_files_are_numbered_by_their_names() -> None:
    assert [one.name for one in day_of("fellgate", seed=0, count=3)] == [
        "list-0001.csv",
        "list-0002.csv",
        "list-0003.csv",
    ]


@pytest.mark.parametrize("feed", ["birchwood", "kelham"])
def test_no_number_of_a_file_is_passed_over(feed: str) -> None:
    """`hub feeds` would tell of missing files that nobody made."""
    planned = [one for one in day_of(feed, errors=0.5, count=120) if one.kind != CUT_OFF]
    cut_off = 120 - len(planned)
    numbers = {number for one in planned if (number := read(feed, one.raw)[1]) is not None}
    assert len(numbers) > 40
    assert max(numbers) - min(numbers) + 1 - len(numbers) <= cut_off


def test_names_keep_their_form() -> None:
    assert counted("26AS00012", 7) == "26AS00007"
    assert counted("results.csv", 7) == "results.csv"
    assert named("NM7", 12) == "NM000012"
    assert named("urn:uuid:6c1b0f0e-6b0d-4f0a-9c55-2f7f3a1f6b1d", 12) == "urn:uuid:6c1b0f0e-6b0d-4f0a-9c55-000000000012"


def test_without_an_example_that_is_taken_nothing_is_sent() -> None:
    wrong = [one for one in examples("birchwood") if b"HDR" not in one.raw]
    with pytest.raises(CannotRun, match="hub check FILE --feed birchwood"):
        varied("birchwood", wrong, PEOPLE, 1, 0.0, ON)
