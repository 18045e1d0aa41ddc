"""Synthetic people for the demo, the tests and the bench: seeded, so that the same seed gives the same people.

Nobody here is real. NHS numbers are of the range 999, which is kept for testing, with right check digits (domain.md
4.6); the postcodes are of the area ZZ, which no town has; practice codes begin with Z99.

The cohort holds what makes matching hard, in these shares: 60 in 10,000 are twins at one address, 60 in 10,000 have a
namesake born the same day (half of those next door, half elsewhere), 2 in 100 are mother and daughter of one family
name (a quarter of them of one given name too), 20 in 100 bear a former family name, one in 200 was born on a first of
January because nobody wrote the day down.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from random import Random

from adapters.simulators.people_names import FAMILY_NAMES, GIVEN_NAMES, STREETS, TOWNS
from hub.domain import nhs_number
from hub.domain.names import is_variant, words
from hub.domain.people import Participant

DEFAULT_ON = date(2026, 1, 15)
MOST = 900_000
_INWARD = "ABDEFGHJLNPQRSTU"


@dataclass(slots=True)
class Population:
    """A cohort, and who in it is easily taken for whom: pairs of indexes into `participants`."""

    participants: list[Participant] = field(default_factory=list)
    twins: list[tuple[int, int]] = field(default_factory=list)
    namesakes: list[tuple[int, int]] = field(default_factory=list)
    mothers: list[tuple[int, int]] = field(default_factory=list)


def synthetic_cohort(count: int, seed: int, on: date = DEFAULT_ON) -> list[Participant]:
    """`count` synthetic participants, mostly aged 24 to 64 on the day `on`. Raises ValueError above 900,000."""
    return synthetic_population(count, seed, on).participants


def synthetic_population(count: int, seed: int, on: date = DEFAULT_ON) -> Population:
    """The same people together with the pairs that are easily mixed up."""
    if count > MOST:
        raise ValueError(f"At most {MOST} people: the range of test numbers has no more.")
    maker = PeopleMaker(seed, on, postcodes=postcodes_for(count))
    population = Population()
    while len(population.participants) < count:
        _add_household(population, maker)
    return _first(population, count)


def postcodes_for(count: int) -> int:
    """How many postcodes so many people live under: about eighteen to each."""
    return max(8, count // 18)


def _add_household(population: Population, maker: PeopleMaker) -> None:
    people, first = population.participants, len(population.participants)
    person = maker.person()
    people.append(person)
    chance = maker.random.random()
    if chance < 0.003:
        people.append(maker.twin(person))
        population.twins.append((first, first + 1))
    elif chance < 0.006:
        people.append(maker.namesake(person, next_door=chance < 0.0045))
        population.namesakes.append((first, first + 1))
    elif chance < 0.016:
        people.append(maker.daughter(person))
        population.mothers.append((first, first + 1))


def _first(population: Population, count: int) -> Population:
    del population.participants[count:]
    for pairs in (population.twins, population.namesakes, population.mothers):
        pairs[:] = [pair for pair in pairs if max(pair) < count]
    return population


class PeopleMaker:
    """Makes people one after the other from one seed. They live under `postcodes` postcodes in all.

    `number_range` is how their NHS numbers begin: the cohort's with 999; with 998, nobody of any cohort has the number.
    """

    def __init__(self, seed: int, on: date, postcodes: int, number_range: str = "999") -> None:
        self.random = Random(f"people {number_range} {seed}")
        self._on = on
        self._postcodes = postcodes
        self._range = number_range
        self._serial = self.random.randrange(1_000_000)
        self._given = (list(GIVEN_NAMES), _running(GIVEN_NAMES.values()))
        self._families = (list(FAMILY_NAMES), _running(FAMILY_NAMES.values()))

    def person(self) -> Participant:
        """A person unlike any other, but by chance."""
        born_on = self._born_on()
        return Participant(
            participant_id=self._id(),
            nhs_number=self._number(),
            family_name=self._family_name(),
            given_names=self._given_names(),
            date_of_birth=born_on,
            former_family_names=self._former_names(),
            gender=self.random.choices(("2", "0", "1"), (990, 5, 5))[0],
            address_lines=self._address(),
            postcode=self._postcode(),
            practice_code=f"Z99{self.random.randrange(1, 400):03d}",
            next_test_due_on=self._due_on(),
        )

    def twin(self, person: Participant) -> Participant:
        """Born the same day, at the same address; in every fifth pair both names begin with the same letter.

        The names may be as near as Anna and Anne; but no parents name twins Ann and Anne-Marie, or the one after the
        other in another order.
        """
        wanted = person.given_names[0][0] if self.random.random() < 0.2 else ""
        given = self._given_names()
        for _ in range(200):
            if given[0].startswith(wanted) and not _same_name(given, person.given_names):
                break
            given = self._given_names()
        else:
            given = next((name,) for name in self._given[0] if not _same_name((name,), person.given_names))
        return replace(person, participant_id=self._id(), nhs_number=self._number(), given_names=given)

    def namesake(self, person: Participant, next_door: bool) -> Participant:
        """Another person of the same names, born the same day; every other one shares the middle names too."""
        given = person.given_names if self.random.random() < 0.5 else (person.given_names[0], *self._middle_names())
        number, street = person.address_lines[0].split(" ", 1)
        beside = (f"{int(number) + 2} {street}", *person.address_lines[1:])
        return replace(
            person,
            participant_id=self._id(),
            nhs_number=self._number(),
            given_names=given,
            former_family_names=(),
            address_lines=beside if next_door else self._address(),
            postcode=person.postcode if next_door else self._postcode(),
            next_test_due_on=self._due_on(),
        )

    def daughter(self, person: Participant) -> Participant:
        """Born a generation later, often still at home; a quarter bear the mother's given name."""
        born = person.date_of_birth
        born_on = date(min(born.year + self.random.randrange(19, 36), self._on.year - 1), born.month, min(born.day, 28))
        given = person.given_names[:1] if self.random.random() < 0.25 else self._given_names()
        at_home = self.random.random() < 0.6
        return replace(
            person,
            participant_id=self._id(),
            nhs_number=self._number(),
            given_names=given,
            date_of_birth=born_on
            if self.random.random() < 0.1
            else born_on + timedelta(days=self.random.randrange(300)),
            former_family_names=(),
            address_lines=person.address_lines if at_home else self._address(),
            postcode=person.postcode if at_home else self._postcode(),
            next_test_due_on=self._due_on(),
        )

    def _id(self) -> str:
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def _number(self) -> str:
        while True:
            self._serial = (self._serial + 611_953) % 1_000_000
            nine = f"{self._range}{self._serial:06d}"
            digit = nhs_number.check_digit(nine)
            if digit is not None and not nhs_number.is_placeholder(nine + digit):
                return nine + digit

    def _born_on(self) -> date:
        years = self.random.triangular(24, 65, 35) if self.random.random() < 0.95 else self.random.uniform(18, 80)
        born_on = self._on - timedelta(days=int(years * 365.25))
        return born_on.replace(month=1, day=1) if self.random.random() < 0.005 else born_on

    def _one_of(self, names: tuple[list[str], list[int]]) -> str:
        return self.random.choices(names[0], cum_weights=names[1])[0]

    def _family_name(self) -> str:
        name = self._one_of(self._families)
        if self.random.random() < 0.04:
            second = self._one_of(self._families)
            return f"{name}-{second}" if self.random.random() < 0.8 else f"{name} {second}"
        return name

    def _former_names(self) -> tuple[str, ...]:
        chance = self.random.random()
        return () if chance > 0.2 else tuple(self._one_of(self._families) for _ in range(2 if chance < 0.02 else 1))

    def _given_names(self) -> tuple[str, ...]:
        return (self._one_of(self._given), *self._middle_names())

    def _middle_names(self) -> tuple[str, ...]:
        chance = self.random.random()
        return () if chance < 0.35 else tuple(self._one_of(self._given) for _ in range(2 if chance > 0.93 else 1))

    def _address(self) -> tuple[str, ...]:
        return (f"{self.random.randrange(1, 160)} {self.random.choice(STREETS)}", self.random.choice(TOWNS))

    def _postcode(self) -> str:
        place = self.random.randrange(self._postcodes)
        area, rest = divmod(place, 10 * len(_INWARD) ** 2)
        sector, unit = divmod(rest, len(_INWARD) ** 2)
        return f"ZZ{99 - area % 90} {sector}{_INWARD[unit // len(_INWARD)]}{_INWARD[unit % len(_INWARD)]}"

    def _due_on(self) -> date:
        return self._on + timedelta(days=self.random.randrange(-365, 5 * 365))


def _running(weights: Iterable[int]) -> list[int]:
    total, running = 0, []
    for weight in weights:
        total += weight
        running.append(total)
    return running


def _same_name(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    return is_variant(words(one[0])[0], words(other[0])[0]) or set(one) == set(other)
