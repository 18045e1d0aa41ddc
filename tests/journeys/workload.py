"""A seeded day of three laboratories, as lanes: what goes over one connection stays in its order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random

from adapters.simulators.laboratory import LABORATORIES, batch, claim_of, laboratory_code, report, slide_number
from adapters.simulators.people import synthetic_population
from hub.domain.events import TestResult, Version
from hub.domain.people import Claim, Participant

FEEDS = tuple(LABORATORIES)


@dataclass(frozen=True, slots=True)
class Sending:
    """One frame's body, the control id its answer must quote, the answer, and how many results come of it."""

    raw: bytes
    control_id: str
    answer: str = "AA"
    results: int = 1


@dataclass(frozen=True, slots=True)
class Day:
    people: list[Participant]
    lanes: list[list[Sending]]

    @property
    def sendings(self) -> list[Sending]:
        return [sending for lane in self.lanes for sending in lane]


def day(seed: int, lanes: int, messages: int) -> Day:
    """About so many messages in so many lanes; the same seed gives the same day as long as it is the same day."""
    writer = _Writer(seed, 3 * messages)
    each = -(-messages // lanes)
    return Day(writer.people, [writer.lane(FEEDS[number % len(FEEDS)], each) for number in range(lanes)])


class _Writer:
    def __init__(self, seed: int, people: int) -> None:
        self._random = Random(seed)
        self._now = datetime.now(UTC).replace(microsecond=0)
        population = synthetic_population(people, seed, self._now.date())
        self.people = population.participants
        alike = {index for pair in (*population.twins, *population.namesakes, *population.mothers) for index in pair}
        self._fresh = (
            person
            for index, person in enumerate(self.people)
            if index not in alike and person.gender == "2" and 26 <= self._now.year - person.date_of_birth.year <= 48
        )
        self._numbers = count(1)

    def lane(self, feed: str, least: int) -> list[Sending]:
        kinds = (
            (self._ordinary, 50),
            (self._two_tests, 12),
            (self._correction, 10),
            (self._sent_twice, 6),
            (self._wrong_number, 5),
            (self._stranger, 4),
            (self._second_inadequate, 5),
            (self._batch, 4),
            (self._no_slide, 2),
            (self._unknown_sender, 2),
        )
        sendings: list[Sending] = []
        while len(sendings) < least:
            (kind,) = self._random.choices([kind for kind, _ in kinds], [weight for _, weight in kinds])
            sendings += kind(feed)
        return sendings

    def _result(self, feed: str, codes: str = "X0A", days_ago: int = 8, months: int | None = None) -> TestResult:
        return TestResult(
            laboratory_code=laboratory_code(feed),
            slide_number=slide_number(feed, self._now.year, next(self._numbers)),
            test_on=(self._now - timedelta(days=days_ago)).date(),
            authorised_at=self._now - timedelta(days=1),
            result_code=codes[0],
            infection_code=codes[1],
            action_code=codes[2],
            repeat_months=months,
            source_type="1",
            sender_code="Z99001",
            sample_taker_code="C99001",
        )

    def _told(self, feed: str, person: Claim | Participant, result: TestResult) -> Sending:
        control_id = f"K{next(self._numbers):07}"
        return Sending(report(feed, person, result, control_id, self._now), control_id)

    def _ordinary(self, feed: str) -> Iterator[Sending]:
        codes, months = self._random.choice((("X0A", None), ("09R", 12), ("39S", None), ("29S", None), ("XUR", 3)))
        yield self._told(feed, next(self._fresh), self._result(feed, codes, months=months))

    def _two_tests(self, feed: str) -> Iterator[Sending]:
        """Sometimes the older one comes last."""
        person, days = next(self._fresh), [8, 1200]
        self._random.shuffle(days)
        for days_ago in days:
            yield self._told(feed, person, self._result(feed, days_ago=days_ago))

    def _correction(self, feed: str) -> Iterator[Sending]:
        person, first = next(self._fresh), self._result(feed)
        yield self._told(feed, person, first)
        corrected = {"result_code": "3", "infection_code": "9", "action_code": "S", "authorised_at": self._now}
        yield self._told(feed, person, replace(first, version=Version.CORRECTED, **corrected))  # type: ignore[arg-type]  # the names are TestResult's

    def _sent_twice(self, feed: str) -> Iterator[Sending]:
        sending = self._told(feed, next(self._fresh), self._result(feed))
        yield from (sending, sending)

    def _wrong_number(self, feed: str) -> Iterator[Sending]:
        claim = replace(claim_of(next(self._fresh)), nhs_number="9000000009")
        yield self._told(feed, claim, self._result(feed))

    def _stranger(self, feed: str) -> Iterator[Sending]:
        born_on = next(self._fresh).date_of_birth + timedelta(days=17)
        yield self._told(feed, Claim(None, "Quillfeather", ("Isolde",), (), born_on, "F"), self._result(feed))

    def _second_inadequate(self, feed: str) -> Iterator[Sending]:
        person = next(self._fresh)
        yield self._told(feed, person, self._result(feed, "XUR", 100, 3))
        yield self._told(feed, person, self._result(feed, "19R", 8, 3))

    def _batch(self, feed: str) -> Iterator[Sending]:
        inner = [self._told(feed, next(self._fresh), self._result(feed)).raw for _ in range(3)]
        control_id = f"B{next(self._numbers):07}"
        yield Sending(batch(feed, inner, control_id, self._now), control_id, results=3)

    def _no_slide(self, feed: str) -> Iterator[Sending]:
        sending = self._told(feed, next(self._fresh), replace(self._result(feed), slide_number=""))
        yield replace(sending, answer="AE", results=0)

    def _unknown_sender(self, feed: str) -> Iterator[Sending]:
        sending = self._told(feed, next(self._fresh), self._result(feed))
        facility = LABORATORIES[feed].facility.encode()
        yield replace(sending, raw=sending.raw.replace(facility, b"NOWHERE", 1), answer="AR", results=0)
