"""The national register of a simulated year: newcomers, moves, names, deaths, removals, replaced numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random

from adapters.simulators.people import PeopleMaker
from adapters.simulators.world.lives import Diary, Fate, Life, of_practices, so_many
from hub.domain.demographics import Death, Demographics, Removal
from hub.domain.people import Participant

A_YEAR = {"moved": 0.09, "renamed": 0.012, "died": 0.003, "left": 0.008, "unlisted": 0.003, "renumbered": 0.0005}
"""Of one person in a year, in the mean. `left`: she has left England; `unlisted`: she lives here without a practice."""
NEWCOMERS_A_YEAR = 0.026
"""Of the cohort: those who come up to 24½."""
REGISTERED_TWICE = 0.01
"""Of the newcomers: somebody who is in the cohort already, under another number that is replaced later."""
MISTAKEN_DEATHS = 0.02
AWAY = ("EMB", "SCT", "NIT")
HERE = ("RDR", "ORR")
_MONDAY = 0


@dataclass(frozen=True, slots=True)
class News:
    """A newer version of what the register says of somebody. `superseded`: the number that hers has replaced."""

    demographics: Demographics
    superseded: str = ""


class Register:
    """`lives` by participant id: newcomers are put among them."""

    def __init__(self, fate: Fate, lives: dict[str, Life], maker: PeopleMaker, practices: int) -> None:
        self.counts: Counter[str] = Counter()
        self._fate = fate
        self._lives = lives
        self._ids = list(lives)
        self._maker = maker
        self._practices = practices
        self._taken = {life.person.nhs_number for life in lives.values()}
        self._later: Diary[Callable[[], News | None]] = Diary()
        self._happens = {
            "moved": self._moves,
            "renamed": self._marries,
            "died": self._dies,
            "left": self._leaves,
            "unlisted": self._loses_her_practice,
            "renumbered": self._is_renumbered,
        }

    def newcomers(self, on: date) -> list[Participant]:
        """The rows of the cohort's file of that day: each Monday those who come up to the age of the first call."""
        if on.weekday() != _MONDAY:
            return []
        chance = self._fate.of("newcomers", on)
        found = [
            self._twice(chance, on) if chance.random() < REGISTERED_TWICE else self._young(chance, on)
            for _ in range(so_many(chance, len(self._ids) * NEWCOMERS_A_YEAR / 52))
        ]
        people = [person for person in found if person]
        self.counts["joined"] += len(people)
        for person in people:
            self._lives[person.participant_id] = Life(person)
            self._ids.append(person.participant_id)
        return people

    def news(self, on: date) -> list[News]:
        """What becomes known of people on a day."""
        found = [tell() for tell in self._later.take(on)]
        for what, rate in A_YEAR.items():
            chance = self._fate.of(what, on)
            for _ in range(so_many(chance, len(self._ids) * rate / 365)):
                life = self._lives[chance.choice(self._ids)]
                if not life.gone:
                    self.counts[what] += 1
                    found.append(self._happens[what](life, chance, on))
        return [news for news in found if news]

    def _person(self) -> Participant:
        """Somebody of whom names, address or number are used; her number is nobody's."""
        person = self._maker.person()
        while person.nhs_number in self._taken:
            person = self._maker.person()
        return of_practices(person, self._practices)

    # -- who comes

    def _young(self, chance: Random, on: date) -> Participant:
        born_on = on - timedelta(days=int(24.3 * 365.25) + chance.randrange(60))
        return replace(self._person(), date_of_birth=born_on, next_test_due_on=None, gender="2")

    def _twice(self, chance: Random, on: date) -> Participant | None:
        kept = self._lives[chance.choice(self._ids)]
        if kept.gone:
            return None
        other = self._person()
        double = replace(kept.person, participant_id=other.participant_id, nhs_number=other.nhs_number)
        self._later.put(on + timedelta(days=chance.randrange(20, 80)), lambda: self._found_out(kept, double))
        return double

    def _found_out(self, kept: Life, double: Participant) -> News | None:
        """One of the two numbers is given up. What was known under it is hers."""
        if kept.gone:
            return None
        self.counts["merged"] += 1
        self._lives[double.participant_id].gone = "merged"
        return News(self._told(kept), superseded=double.nhs_number)

    # -- what happens

    def _moves(self, life: Life, chance: Random, _on: date) -> News:
        other = self._person()
        practice = other.practice_code if chance.random() < 0.8 else life.person.practice_code
        life.person = replace(
            life.person, practice_code=practice, address_lines=other.address_lines, postcode=other.postcode
        )
        return News(self._told(life))

    def _marries(self, life: Life, _chance: Random, _on: date) -> News:
        before = life.person
        former = (before.family_name, *before.former_family_names)[:3]
        life.person = replace(before, family_name=self._person().family_name, former_family_names=former)
        return News(self._told(life))

    def _dies(self, life: Life, chance: Random, on: date) -> News:
        life.gone = "dead"
        if chance.random() < MISTAKEN_DEATHS:
            self._later.put(on + timedelta(days=chance.randrange(3, 30)), lambda: self._lives_after_all(life))
        return News(self._told(life, death=Death(chance.random() < 0.9, on - timedelta(days=chance.randrange(5)))))

    def _lives_after_all(self, life: Life) -> News:
        self.counts["death taken back"] += 1
        life.gone = ""
        return News(self._told(life))

    def _leaves(self, life: Life, chance: Random, on: date) -> News:
        life.gone = "left"
        practice = life.person.practice_code
        life.person = replace(life.person, practice_code=None)
        if chance.random() < 0.4:
            back_on = on + timedelta(days=chance.randrange(40, 200))
            self._later.put(back_on, lambda: self._comes_back(life, practice))
        return News(self._told(life, removal=Removal(chance.choice(AWAY), on)))

    def _comes_back(self, life: Life, practice: str | None) -> News:
        self.counts["came back"] += 1
        life.gone = ""
        life.person = replace(life.person, practice_code=practice)
        return News(self._told(life))

    def _loses_her_practice(self, life: Life, chance: Random, on: date) -> News:
        life.person = replace(life.person, practice_code=None)
        return News(self._told(life, removal=Removal(chance.choice(HERE), on)))

    def _is_renumbered(self, life: Life, _chance: Random, _on: date) -> News:
        before = life.person.nhs_number
        life.person = replace(life.person, nhs_number=self._person().nhs_number)
        return News(self._told(life), superseded=before)

    def _told(self, life: Life, *, death: Death | None = None, removal: Removal | None = None) -> Demographics:
        life.version += 1
        person = life.person
        return Demographics(
            nhs_number=person.nhs_number,
            version=life.version,
            family_name=person.family_name,
            given_names=person.given_names,
            former_family_names=person.former_family_names,
            date_of_birth=person.date_of_birth,
            gender=person.gender,
            address_lines=person.address_lines,
            postcode=person.postcode,
            practice_code=person.practice_code,
            death=death,
            removal=removal,
        )
