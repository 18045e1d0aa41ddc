"""Who tells the story: it hands out fresh people, slides and control ids, and writes reports about them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count, cycle
from typing import Any

from adapters.simulators.laboratory import LABORATORIES, laboratory_code, report, slide_number
from adapters.simulators.pds_people import Registered
from adapters.simulators.people import synthetic_population
from hub.domain.events import TestResult
from hub.domain.people import Claim, Participant

FEEDS = tuple(LABORATORIES)
PEOPLE, NEWCOMERS = 2_000, 2
YESTERDAYS = 8
"""Days between the test and the report: the hub usually gets the last few of the fourteen (domain.md 4.5)."""


class Teller:
    """`cohort` are the people whom the hub knows in the end, `registered` those whom PDS knows and the story needs."""

    def __init__(self, now: datetime, seed: int) -> None:
        population = synthetic_population(PEOPLE + NEWCOMERS, seed, now.date())
        self.now = now
        self.participants = population.participants
        self.registered: list[Registered] = []
        self._newcomers: set[str] = set()
        pairs = (*population.twins, *population.namesakes, *population.mothers)
        mixed_up = {index for pair in pairs for index in pair}
        self._people = (
            person
            for index, person in enumerate(self.participants)
            if index not in mixed_up and person.gender == "2" and _is_printable(person)
        )
        self._numbers = count(1)
        self._feeds = cycle(FEEDS)

    def feed(self) -> str:
        return next(self._feeds)

    def person(self, least_age: int = 26, most_age: int = 48) -> Participant:
        """The next person nobody of the cohort is easily taken for, of an age the programme routinely invites."""
        born = range(self.now.year - most_age, self.now.year - least_age + 1)
        return next(person for person in self._people if person.date_of_birth.year in born)

    def newcomer(self) -> Participant:
        """Somebody of whom the cohort does not know."""
        person = self.person()
        self._newcomers.add(person.participant_id)
        return person

    @property
    def cohort(self) -> list[Participant]:
        return [person for person in self.participants if person.participant_id not in self._newcomers]

    def result(self, feed: str, codes: str = "X0A", *, days_ago: int = YESTERDAYS, **more: Any) -> TestResult:
        """A result of a fresh slide, authorised yesterday."""
        number = next(self._numbers)
        plain = TestResult(
            laboratory_code=laboratory_code(feed),
            slide_number=slide_number(feed, self.now.year, number),
            test_on=(self.now - timedelta(days=days_ago)).date(),
            authorised_at=(self.now - timedelta(days=1)).replace(microsecond=0),
            result_code=codes[0],
            infection_code=codes[1],
            action_code=codes[2],
            repeat_months=_stated_months(codes),
            source_type="1",
            sender_code="Z99001",
            sample_taker_code="C99001",
        )
        return replace(plain, **more)

    def told(self, feed: str, person: Claim | Participant, result: TestResult, control_id: str = "") -> bytes:
        return report(feed, person, result, control_id or f"DEMO{next(self._numbers):06}", self.now)


def _is_printable(person: Participant) -> bool:
    """Whether every laboratory's printers have the letters of her name: the others' doubts are a story of their own."""
    try:
        " ".join((person.family_name, *person.given_names)).encode("cp1252")
    except UnicodeEncodeError:
        return False
    return True


def _stated_months(codes: str) -> int | None:
    """What a laboratory states with an early repeat (domain.md 2.4); routine recall is left to policy."""
    stated = {"XUR": 3, "19R": 3, "29R": 12, "09R": 12, "X0R": 36}
    return stated.get(codes)
