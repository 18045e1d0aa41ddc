"""The people of a simulated year, and the chances they take.

A draw depends on the seed and on what it is about, never on what was drawn before: the same seed tells the same year
in whatever order the hub does its work.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random
from typing import Generic, TypeVar

from hub.domain.bank_holidays import is_bank_holiday
from hub.domain.people import Participant

T = TypeVar("T")
FIRST_CALLED_MONTHS = 294
"""Of age: twenty-four and a half years."""
_SATURDAY = 5


@dataclass(slots=True)
class Life:
    """A person as she is. `version`: of what the register says of her. `positives`: HPV positive tests in a row;
    `inadequates` likewise. `referred`: colposcopy cares for her. `gone`: dead, left or merged; empty while she can be
    tested."""

    person: Participant
    version: int = 1
    positives: int = 0
    inadequates: int = 0
    referred: bool = False
    gone: str = ""

    @property
    def participant_id(self) -> str:
        return self.person.participant_id


class Fate:
    """Where chances come from."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def of(self, *about: object) -> Random:
        """The chances of one thing; the same for the same thing."""
        return Random("|".join(map(str, (self._seed, *about))))


class Diary(Generic[T]):
    """What is to come, by its day."""

    def __init__(self) -> None:
        self._days: defaultdict[date, list[T]] = defaultdict(list)

    def put(self, on: date, item: T) -> None:
        self._days[on].append(item)

    def take(self, on: date) -> list[T]:
        """What was put down for the day; once."""
        return self._days.pop(on, [])

    def left(self) -> Iterable[T]:
        """What was put down for days that have not come."""
        return (item for items in self._days.values() for item in items)


def working_day(on: date) -> date:
    """The day itself, or the next on which offices are open."""
    while not is_working_day(on):
        on += timedelta(days=1)
    return on


def is_working_day(on: date) -> bool:
    return on.weekday() < _SATURDAY and not is_bank_holiday(on)


def of_practices(person: Participant, practices: int) -> Participant:
    """The same person with one of so many practices: each has people enough to be one."""
    number = int((person.practice_code or "Z99000")[3:]) % practices + 1
    return replace(person, practice_code=f"Z99{number:03}")


def so_many(chance: Random, expected: float) -> int:
    """How often something happens on a day that happens so often in the mean."""
    whole, rest = divmod(expected, 1)
    return int(whole) + (chance.random() < rest)
